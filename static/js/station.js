// The scan station: one field, one banner, one list. A page's own module says only what a scan means there:
//
//   import { Station } from "./station.js";
//   new Station(document.querySelector("[data-station]"), {
//     expect: ["tube"],                                  // kinds that fit; others are refused with the reason
//     async onScan(code, kind, scan) {                   // scan: {id, raw, how, at}
//       const answer = await scan.send("/api/…", { client_id: scan.id, tube: code });
//       return { verdict: answer.verdict, title: answer.title, text: answer.text, next: answer.next,
//                undo: { url: answer.undo_url, body: {} } };   // verdict: good, again or wrong
//     },
//   });
//
// A refusal by the API needs no code in the page: its words become a red banner (amber for what was done before).
// Without network the scan is kept, shown as waiting and sent again by itself; `onScan` simply goes on later.

import { ApiError, newId } from "./api.js";
import { CodeError, grouped, parse } from "./codes.js";
import { say, translate } from "./messages.js";
import { Queue } from "./queue.js";
import { listen } from "./scanner.js";
import { signal } from "./signals.js";

const REPEAT_MS = 1500;
const LISTED = 12;
const LONGEST_SHOWN = 24;
const COMMANDS = { "CMD-UNDO": "undo", "CMD-DONE": "done" };

export class Station {
  /**
   * @param {HTMLElement} root the page's <main data-station>
   * @param {object} page
   * @param {(code: string, kind: string, scan: object) => object|Promise<object|null>} page.onScan what a scan means: a verdict; null leaves the banner alone
   * @param {string[]} [page.expect] kinds of code that fit at any time; or a function that gives them for this moment
   * @param {(raw: string) => {code: string, kind: string}|null} [page.read] reads what is no printed code (an identity card's QR)
   * @param {(entry: object, answer: object|null, refusal: ApiError|null) => void} [page.onLate] a scan of an earlier visit was answered
   * @param {() => void} [page.onDone] the printed command "done" was scanned
   */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.input = root.querySelector("[data-scan-input]");
    this.banner = root.querySelector("[data-banner]");
    this.list = root.querySelector("[data-scans]");
    this.next = this.banner.querySelector("[data-banner-next]").textContent.trim();
    this.heard = { code: "", at: -REPEAT_MS };
    this.undoable = [];
    this.queue = new Queue(`station:${root.dataset.owner ?? ""}:${location.pathname}`, {
      waiting: (entry, why) => this.#showWaiting(entry, why),
      late: (entry, answer, refusal) => this.#showLate(entry, answer, refusal),
      changed: (count) => this.#countWaiting(count),
    });
    listen(this.input, (raw, how) => this.take(raw, how));
    this.#holdFocus();
  }

  /** Take one scan, as if it had come from the scanner. */
  async take(raw, how = "hand") {
    const command = COMMANDS[raw.trim().toUpperCase()];
    if (command) return this.#obey(command);
    const scan = { id: newId(), raw, how, at: new Date().toISOString() };
    let read;
    try {
      read = this.#read(raw);
    } catch (problem) {
      if (!(problem instanceof CodeError)) throw problem;
      return this.#refuse(scan, raw.trim(), problem.sentence(translate));
    }
    if (this.#isRepeat(read.code)) return undefined;
    scan.code = read.code;
    scan.send = (url, body) => this.queue.send({ id: scan.id, code: read.code, url, body });
    return this.#ask(read, scan);
  }

  /**
   * Show a verdict: banner, sound, vibration.
   * @param {{verdict: "good"|"again"|"wrong"|"waiting"|"idle", title: string, text?: string, next?: string}} answer
   */
  show({ verdict, title, text = "", next = "" }) {
    this.banner.dataset.state = verdict;
    if (next) this.next = next;
    // A refusal leaves the work where it was: what is to be scanned now is still to be scanned.
    for (const [part, words] of Object.entries({ title, text, next: next || (verdict === "wrong" ? this.next : "") })) {
      this.banner.querySelector(`[data-banner-${part}]`).textContent = words;
    }
    signal(verdict);
  }

  /** Change only the line that says what to scan now. */
  showNext(words) {
    this.next = words;
    this.banner.querySelector("[data-banner-next]").textContent = words;
  }

  /** Take the last scan back that can be. */
  undoLast() {
    const last = this.undoable.at(-1);
    if (last) return last.undo();
    this.show({ verdict: "again", title: say("There is nothing to take back.") });
    return undefined;
  }

  #read(raw) {
    const own = this.page.read?.(raw);
    if (own) return own;
    const expect = typeof this.page.expect === "function" ? this.page.expect() : this.page.expect;
    const { kind, text } = parse(raw, expect ?? null);
    return { code: text, kind };
  }

  // A camera, or a finger that stays on the trigger, reads the same label many times a second.
  #isRepeat(code) {
    const now = performance.now();
    const repeat = code === this.heard.code && now - this.heard.at < REPEAT_MS;
    this.heard = { code, at: now };
    return repeat;
  }

  async #ask({ code, kind }, scan) {
    try {
      const answer = await this.page.onScan(code, kind, scan);
      if (!answer) return;
      this.show(answer);
      // The list keeps the reason: "stop" alone says nothing an hour later.
      this.#enlist(scan.id, code, answer.verdict === "wrong" && answer.text ? { ...answer, title: answer.text } : answer);
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      this.#refuse(scan, code, problem.message, problem.code === "already_done" ? "again" : "wrong");
    } finally {
      this.focus();
    }
  }

  #refuse(scan, code, words, verdict = "wrong") {
    const title = verdict === "wrong" ? say("Stop") : say("Already done");
    this.show({ verdict, title, text: words });
    this.#enlist(scan.id, code.slice(0, LONGEST_SHOWN), { verdict, title: words });
    this.focus();
  }

  #obey(command) {
    if (command === "undo") return this.undoLast();
    return this.page.onDone?.();
  }

  // ---- The list of last scans ----

  #enlist(id, code, { verdict, title, undo }) {
    const row = this.#row(id) ?? this.#addRow(id, code);
    row.dataset.verdict = verdict;
    row.querySelector("[data-words]").textContent = title;
    const button = row.querySelector("[data-undo]");
    button.hidden = !undo;
    if (!undo) return;
    const step = { undo: () => this.#undo(row, step, undo) };
    this.undoable.push(step);
    button.onclick = step.undo;
  }

  #row(id) {
    return this.list?.querySelector(`[data-scan="${id}"]`) ?? null;
  }

  #addRow(id, code) {
    const row = this.root.querySelector("[data-scan-row]").content.firstElementChild.cloneNode(true);
    row.dataset.scan = id;
    row.dataset.code = code;
    const groups = row.querySelector("[data-code]");
    for (const group of grouped(code).split(" ")) {
      const part = document.createElement("span");
      part.textContent = group;
      groups.append(part);
    }
    this.list.prepend(row);
    const rows = [...this.list.querySelectorAll("[data-scan]")];
    for (const old of rows.slice(LISTED)) if (old.dataset.verdict !== "waiting") old.remove();
    return row;
  }

  async #undo(row, step, undo) {
    this.undoable = this.undoable.filter((kept) => kept !== step);
    row.querySelector("[data-undo]").hidden = true;
    try {
      const id = newId();
      const answer =
        typeof undo === "function"
          ? await undo()
          : await this.queue.send({ id, code: row.dataset.code, url: undo.url, body: { client_id: id, ...undo.body } });
      row.dataset.verdict = "undone";
      this.heard.code = "";
      this.show({ verdict: "again", title: say("Undone"), text: answer?.title ?? "", next: answer?.next ?? "" });
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      this.show({ verdict: "wrong", title: say("Stop"), text: problem.message });
    } finally {
      this.focus();
    }
  }

  // ---- Without network ----

  #showWaiting(entry, why) {
    const known = this.#row(entry.id);
    this.#enlist(entry.id, entry.code, { verdict: "waiting", title: say("Kept on this device, will be sent by itself") });
    if (known?.dataset.announced) return;
    this.#row(entry.id).dataset.announced = "yes";
    this.show({
      verdict: "waiting",
      title: why.status === 401 ? say("Signed out") : say("No connection"),
      text:
        why.status === 401
          ? say("The scan is kept on this device. Sign in again in another tab: it is then sent by itself.")
          : say("The scan is kept and will be sent by itself. You can go on."),
    });
  }

  #showLate(entry, answer, refusal) {
    // Batches answer with a verdict for each code: one that was not taken must not pass for sent.
    const judged = answer?.verdicts?.[0] ?? answer;
    const verdict = refusal ? "wrong" : (judged.verdict ?? "good");
    const words = refusal?.message ?? judged.title ?? judged.message ?? say("Sent");
    this.#enlist(entry.id, entry.code, { verdict, title: words });
    if (verdict === "wrong") this.show({ verdict, title: say("Stop"), text: words });
    this.page.onLate?.(entry, answer, refusal);
  }

  #countWaiting(count) {
    for (const note of this.root.querySelectorAll("[data-waiting]")) {
      note.hidden = count === 0;
      note.querySelector("[data-waiting-count]").textContent = String(count);
    }
  }

  // ---- The focus ----

  focus() {
    this.input.focus({ preventScroll: true });
  }

  #holdFocus() {
    // On a phone a focused field opens the keyboard over half the page; typing by hand is one button away.
    const toggle = this.root.querySelector("[data-keyboard]");
    if (window.matchMedia("(pointer: coarse)").matches) this.input.inputMode = "none";
    else if (toggle) toggle.hidden = true;
    toggle?.addEventListener("click", () => {
      this.input.inputMode = this.input.inputMode === "none" ? "text" : "none";
      this.input.blur();
      this.focus();
    });
    document.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, select, textarea, label, summary, [tabindex='0']")) this.focus();
    });
    window.addEventListener("focus", () => document.activeElement === document.body && this.focus());
    window.addEventListener("beforeunload", (event) => this.queue.entries.length > 0 && event.preventDefault());
    this.focus();
  }
}
