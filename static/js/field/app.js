// The collector's app: one page, its views, and what is heard from scanner, camera and keyboard. What the phone knows
// and decides is in phone.js; here it is only shown. One tab at a time writes, as slips are numbered without gaps.

import { say } from "../messages.js";
import { listen } from "../scanner.js";
import { find, findAll } from "./elements.js";
import { invite, present } from "./feedback.js";
import { install } from "./install.js";
import { Lens } from "./lens.js";
import { drawNotices, noticeNewVersion } from "./notices.js";
import { Phone } from "./phone.js";
import { PRACTICE, REAL, askToPersist } from "./store.js";
import { BoxesView } from "./view_boxes.js";
import { EnrolView } from "./view_enrol.js";
import { ListsView } from "./view_lists.js";
import { MoreView } from "./view_more.js";
import { PersonView } from "./view_person.js";
import { ScanView } from "./view_scan.js";
import { StartView } from "./view_start.js";
import { words } from "./wording.js";

const PRACTICE_HASH = "#practice";
const CLOCK_EVERY_MS = 5000;
const WITH_CAMERA = ["enrol", "scan", "boxes"];

class App {
  constructor(phone) {
    this.phone = phone;
    this.view = "wait";
    this.input = find("[data-scan-input]");
    this.views = {
      enrol: new EnrolView(this),
      start: new StartView(this),
      scan: new ScanView(this),
      person: new PersonView(this),
      boxes: new BoxesView(this),
      lists: new ListsView(this),
      more: new MoreView(this),
    };
    this.lens = new Lens(
      (text) => this.hear(text, "camera"),
      (problem) => this.#tellProblem(problem),
    );
    listen(this.input, (text, how) => this.hear(text, how));
    document.addEventListener("click", (event) => this.#click(event));
    this.#setUpKeyboard();
  }

  /** Open a view; a phone that is not enrolled has only that to do, one without session must begin one. */
  go(wanted) {
    const view = this.#allowed(wanted);
    const changed = view !== this.view;
    this.view = view;
    document.body.dataset.view = view;
    document.body.classList.toggle("enrolled", Boolean(this.phone.device));
    for (const part of findAll("[data-part]")) part.hidden = !part.dataset.part.split(" ").includes(view);
    this.#markPlace({ person: "scan", start: "scan" }[view] ?? view);
    this.lens.pause(!WITH_CAMERA.includes(view));
    if (changed) this.#opened(view);
    keepAwake(this.phone);
    this.draw();
  }

  /** A text was read, by whatever: what it means depends on where one is. */
  async hear(text, how) {
    if (this.view === "enrol") return this.views.enrol.take(text);
    performance.mark("scan");
    const where = this.view === "boxes" ? "boxes" : "scan";
    return this.say(this.phone.collecting.take(text, how, where), where);
  }

  /** Say what came of something that was asked of the phone; null says nothing. */
  async say(asking, where = this.view === "boxes" ? "boxes" : "scan") {
    let outcome;
    try {
      outcome = await asking;
    } catch (problem) {
      if (problem.name === "CodeError") throw problem;
      outcome = {
        verdict: "wrong",
        title: words("Not kept"),
        text: words(
          "This phone could not keep the scan: %(reason)s. Do it again; if it happens again, go on with another phone.",
          { reason: problem.message },
        ),
      };
      console.error(problem);
    }
    if (!outcome) return outcome;
    if (!["scan", "boxes", "start"].includes(this.view)) this.go("scan");
    present(outcome, this.phone.collecting.next(where));
    if (this.view === "start") this.#tellProblem(find("[data-banner-text]").textContent);
    this.draw();
    return outcome;
  }

  draw() {
    drawNotices(this.phone);
    this.#drawHead();
    this.views[this.view]?.draw();
    document.documentElement.dataset.ready = this.view === "scan" && this.phone.isReady ? "yes" : "no";
  }

  focus() {
    if (WITH_CAMERA.includes(this.view) && this.view !== "enrol") this.input.focus({ preventScroll: true });
  }

  #allowed(wanted) {
    if (!this.phone.device) return "enrol";
    if (["scan", "person"].includes(wanted) && (!this.phone.collecting.session || this.phone.ended)) return "start";
    return wanted;
  }

  #markPlace(place) {
    for (const button of findAll(".field-nav [data-go]")) {
      if (button.dataset.go === place) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
  }

  #opened(view) {
    find("#main").scrollTop = 0;
    if (view === "person") return this.views.person.open();
    if (view === "enrol") invite(say("Scan the coordinator's QR"), null);
    else if (WITH_CAMERA.includes(view)) invite(say("Ready to scan"), this.phone.collecting.next(view));
    return this.focus();
  }

  #click(event) {
    const target = event.target.closest("[data-go], [data-do]");
    if (target?.dataset.go) this.go(target.dataset.go);
    else if (target?.dataset.do === "practise") turnPractice();
    else if (!event.target.closest("a, button, input, select, textarea, label, summary")) this.focus();
  }

  #drawHead() {
    const { device, journal, practice } = this.phone;
    if (device) find("[data-who]").textContent = `${device.team} · ${this.phone.collector.name}`;
    this.#drawChip("check", journal.toCheck.length);
    this.#drawChip("unsent", practice ? 0 : journal.unsent.length);
  }

  #drawChip(name, count) {
    const chip = find(`[data-chip="${name}"]`);
    chip.hidden = count === 0;
    find("[data-count]", chip).textContent = String(count);
  }

  #tellProblem(text) {
    present({ verdict: "wrong", title: words("Stop"), text: { plain: text } }, this.phone.collecting.next(this.view));
  }

  // On a phone a focused field opens the keyboard over half the page; typing by hand is one button away.
  #setUpKeyboard() {
    const button = find("[data-keyboard]");
    if (!window.matchMedia("(pointer: coarse)").matches) return;
    this.input.inputMode = "none";
    button.hidden = false;
    button.addEventListener("click", () => {
      this.input.inputMode = this.input.inputMode === "none" ? "text" : "none";
      this.input.blur();
      this.input.focus();
    });
  }
}

function turnPractice() {
  history.replaceState(null, "", location.hash === PRACTICE_HASH ? location.pathname : PRACTICE_HASH);
  location.reload();
}

function showPractice(practice) {
  find("[data-practice]").hidden = !practice;
  for (const part of findAll("[data-practice-labels]")) part.hidden = !practice;
  for (const part of findAll("[data-real-only]")) part.hidden = practice;
  if (!practice) return;
  find("[data-practise-word]").textContent = say("End of practice");
  for (const link of findAll("[data-other-language]")) link.hash = PRACTICE_HASH;
}

let awake = null;

// A screen that goes dark between two people costs more than the battery does.
async function keepAwake(phone) {
  if (document.hidden || !phone.isReady || awake?.released === false) return;
  awake = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
}

function watch(phone) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) phone.clock.sleep();
    phone.checkClock();
    keepAwake(phone);
  });
  setInterval(() => document.hidden || phone.checkClock(), CLOCK_EVERY_MS);
}

// Without the lock (another tab has it) the page says so and waits until that tab is closed.
function whenAlone(name, work) {
  if (!navigator.locks) return work();
  const waiting = setTimeout(() => {
    find("[data-wait-title]").textContent = say("The app is open in another tab");
    find("[data-wait-text]").textContent = say("Go on there, or close that tab: then this one goes on by itself.");
  }, 300);
  return navigator.locks.request(name, async () => {
    clearTimeout(waiting);
    await work();
    return new Promise(() => {}); // held as long as the page lives
  });
}

async function start(practice, enrolment) {
  let app = null;
  const { language, version } = {
    language: document.documentElement.lang,
    version: document.documentElement.dataset.version,
  };
  const phone = new Phone({
    practice,
    language,
    app: version,
    label: labelOf(navigator.userAgent),
    changed: () => app?.draw(),
  });
  await phone.load();
  app = new App(phone);
  app.go("scan");
  if (enrolment && !practice) await app.views.enrol.offer(enrolment);
  window.addEventListener("hashchange", () => followAddress(app));
  phone.start();
  watch(phone);
  install(() => {
    noticeNewVersion();
    app.draw();
  });
  if (!practice) askToPersist();
}

// The camera app of the phone opens the coordinator's QR in the tab that is open already.
function followAddress(app) {
  const enrolment = EnrolView.fromAddress();
  if (enrolment && !app.phone.practice) app.views.enrol.offer(enrolment);
  else if ((location.hash === PRACTICE_HASH) !== app.phone.practice) location.reload();
}

// Enough to tell two phones apart on the coordinator's list, no more.
function labelOf(userAgent) {
  return (/\(([^)]*)\)/.exec(userAgent)?.[1] ?? "").slice(0, 60);
}

for (const part of findAll("[data-part]")) part.hidden = part.dataset.part !== "wait";
const enrolment = EnrolView.fromAddress();
const practice = location.hash === PRACTICE_HASH;
showPractice(practice);
whenAlone(practice ? PRACTICE : REAL, () => start(practice, enrolment));
