// The collection station. Single tubes: two scans make a pair (order.js). Mixed tubes: a tube, then its people, then
// closed with the swabs counted. What a pair means is the server's word; here it is only shown.

import { ApiError, Unreachable, newId, postJson } from "./api.js";
import { grouped } from "./codes.js";
import { say } from "./messages.js";
import { Order } from "./order.js";
import { fillPool } from "./pictures.js";
import { Station } from "./station.js";

const root = document.querySelector("[data-station]");
const { place, session, mode } = root.dataset;
const choice = root.querySelector("[data-choice]");
const closing = root.querySelector("[data-close-tube]");
const swabs = root.querySelector("[data-swabs]");
const order = new Order(root.dataset.order);
let mixed = null; // {code, people, limit} while a mixed tube is being filled
let chosen = null; // what to do with the answer of the choice
let heldTitle = ""; // who or what waits for the second scan
// What the server says against the tube alone: the person stays, and the next tube is theirs.
const TUBE_AT_FAULT = new Set(["tube_reused", "tube_gone", "other_session", "tube_overfull"]);

const asKind = (kind) => (kind === "declaration" ? "person" : "tube");
const nextWords = { person: "Now scan the person.", tube: "Now scan the tube." };
const firstWords = { person: "Scan a person.", tube: "Scan a tube." };
const missingWords = {
  person: "Scan a person first: that is the order of this session.",
  tube: "Scan a tube first: that is the order of this session.",
};

/** What a code is; null without network, when the pair is judged later. */
async function lookUp(code) {
  try {
    return await postJson("/api/v1/collection-look-ups", { place_id: place, code });
  } catch (problem) {
    if (problem instanceof Unreachable) return null;
    throw problem;
  }
}

const personTitle = (person, code) => (person ? `${person.name} · ${person.birth_year}` : grouped(code));

async function takeSingle(kind, code, scan) {
  const meaning = order.take(kind, code);
  if (meaning.step === "choose") return chooseByScan(code);
  if (meaning.step === "first_missing") return stop(say(missingWords[order.first]));
  if (meaning.step === "two_in_a_row") return askWhich(kind, code);
  heldTitle = meaning.step === "held" ? grouped(code) : heldTitle;
  if (meaning.step === "held") return hold(kind, code);
  const title = heldTitle;
  const answer = await bind(meaning.tube, meaning.person, scan);
  if (answer.verdict === "good" && answer.answer.mode === "mixed") {
    // It holds one person and nobody will close it: its result would wait for names that never come.
    return { ...answer, verdict: "again", text: say("This tube is for several people. Take this scan back and use a tube for one person.") };
  }
  const tubeAtFault = order.first === "person" && TUBE_AT_FAULT.has(answer.answer.code);
  if (!tubeAtFault || !order.holdAgain(meaning.person)) return answer;
  heldTitle = title;
  return { ...answer, next: `${title}: ${say(nextWords[order.wanted])}` };
}

async function hold(kind, code) {
  const found = await lookUp(code).catch((problem) => {
    order.drop();
    throw problem;
  });
  if (found && !found.known) {
    order.drop();
    return stop(say(kind === "person" ? "This declaration is not known here." : "This tube was never printed here."));
  }
  const title = titleOf(kind, code, found);
  if (order.held === code) heldTitle = title;
  if (found && ["withdrawn", "expired"].includes(found.status)) {
    if (order.held === code) order.drop();
    return stop(say("This declaration is no longer open. Let the person declare anew before the swab."));
  }
  // Told before the swab is taken, not after; the server decides when the pair comes.
  const sampled = kind === "person" && ["sampled", "closed"].includes(found?.status);
  return {
    verdict: sampled ? "again" : "good",
    title,
    text: sampled ? say("This person has been sampled already. Check before you take a swab.") : "",
    next: say(nextWords[order.wanted]),
  };
}

function stop(words) {
  return { verdict: "wrong", title: say("Stop"), text: words };
}

function titleOf(kind, code, found) {
  return kind === "person" ? personTitle(found?.person, code) : `${say("Tube")} ${grouped(code)}`;
}

async function askWhich(kind, code) {
  const rivalTitle = titleOf(kind, code, await lookUp(code).catch(() => null));
  ask(say("Nothing was bound. Which one is right?"), heldTitle, rivalTitle, (which) => {
    order.choose(which);
    if (which === "second") heldTitle = rivalTitle;
    station.show({ verdict: "again", title: heldTitle, next: say(nextWords[order.wanted]) });
  });
  return {
    verdict: "wrong",
    title: say("Two codes of the same kind"),
    text: say("Nothing was bound. Which one is right?"),
    next: say("Choose below, or scan the right one again."),
  };
}

// With a scanner in hand and gloves on, the right one scanned again is the answer.
function chooseByScan(code) {
  const which = order.chosenBy(code);
  if (which === null || !chosen) return stop(say("Choose below, or scan the right one again."));
  settleChoice(which);
  return null;
}

function ask(question, first, second, answered) {
  choice.hidden = false;
  choice.querySelector("[data-choice-text]").textContent = question;
  choice.querySelector('[data-choose="first"]').textContent = first;
  choice.querySelector('[data-choose="second"]').textContent = second;
  chosen = answered;
}

for (const button of choice.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => {
    settleChoice(button.dataset.choose);
    station.focus();
  });
}

function settleChoice(which) {
  choice.hidden = true;
  const answered = chosen;
  chosen = null;
  // What was refused while the choice stood may be scanned again at once.
  station.heard.code = "";
  answered?.(which);
}

async function bind(tube, declaration, scan) {
  const answer = await scan.send("/api/v1/collections", {
    session_id: session,
    place_id: place,
    scans: [{ client_id: scan.id, tube, declaration, occurred_at: scan.at }],
  });
  const verdict = answer.verdicts[0];
  if (verdict.verdict === "good") count(1);
  const titles = { good: say("Bound"), again: say("Already bound"), wrong: say("Stop") };
  const who = personTitle(verdict.person, declaration);
  return {
    verdict: verdict.verdict,
    title: verdict.verdict === "wrong" ? say("Stop") : `${titles[verdict.verdict]}: ${who}`,
    text: verdict.message,
    next: say(firstWords[order.first]),
    undo: verdict.verdict === "good" ? () => undo(scan, declaration) : undefined,
    answer: verdict,
  };
}

async function undo(scan, declaration) {
  const answer = await postUndo(scan);
  count(-1);
  if (mixed?.code === answer.tube) showTube({ ...mixed, people: mixed.people.filter((code) => code !== declaration) });
  return { title: grouped(answer.tube), next: say(firstWords[order.first]) };
}

function postUndo(scan) {
  return scan.send("/api/v1/collection-undoings", { client_id: newId(), scan_client_id: scan.id });
}

function count(change) {
  for (const figure of root.querySelectorAll("[data-mine], [data-all]")) {
    figure.textContent = String(Number(figure.textContent) + change);
  }
}

// ---- Mixed tubes ----

async function takeMixed(kind, code, scan) {
  if (chosen) return stop(say("Choose below before you go on."));
  if (kind === "tube") return mixed && mixed.code !== code ? askWhetherToClose() : begin(code);
  if (!mixed) return stop(say(missingWords.tube));
  const answer = await bind(mixed.code, code, scan);
  if (answer.answer.verdict === "good") showTube({ ...mixed, people: [...mixed.people, code] });
  return { ...answer, next: tubeNext() };
}

async function begin(code) {
  const found = await lookUp(code);
  if (found && !found.known) return stop(say("This tube was never printed here."));
  if (found && found.mode !== "mixed") return stop(say("Tube is for one person. Take a tube for several."));
  const already = mixed?.code === code ? mixed.people : Array.from({ length: found?.count ?? 0 }, () => "");
  showTube({ code, people: already, limit: found?.limit ?? 10 });
  return { verdict: "good", title: `${say("Tube")} ${grouped(code)}`, next: say("Scan a person.") };
}

function tubeNext() {
  return mixed.people.length >= mixed.limit
    ? say("The tube is full. Close it now.")
    : say("Scan the next person, or close the tube.");
}

function askWhetherToClose() {
  const words = say("The first tube is not closed. Close it, or go on filling it.");
  ask(words, closing.textContent.trim(), say("Go on"), (which) => {
    if (which === "first") closeTube();
    else station.show({ verdict: "again", title: grouped(mixed.code), next: tubeNext() });
  });
  return { verdict: "wrong", title: say("Two codes of the same kind"), text: words, next: say("Choose below before you go on.") };
}

function showTube(tube) {
  mixed = tube;
  root.querySelector("[data-tube-named]").hidden = !tube;
  root.querySelector("[data-tube-unnamed]").hidden = Boolean(tube);
  root.querySelector("[data-tube-name]").textContent = tube ? grouped(tube.code) : "";
  fillPool(root.querySelector("[data-pool]"), tube ? tube.people.map((code) => grouped(code).slice(-3)) : []);
  closing.disabled = !tube || tube.people.length === 0;
  swabs.value = tube?.people.length ? String(tube.people.length) : "";
}

async function closeTube() {
  if (!mixed) return;
  const counted = Number(swabs.value);
  if (!Number.isInteger(counted) || counted < 1) {
    station.show(stop(say("Count the swabs in the tube.")));
    swabs.focus();
    return;
  }
  const id = newId();
  try {
    const answer = await station.queue.send({
      id,
      code: mixed.code,
      url: "/api/v1/tube-closings",
      body: { session_id: session, closings: [{ client_id: id, tube: mixed.code, count: counted }] },
    });
    const verdict = answer.verdicts[0];
    const done = verdict.verdict !== "wrong";
    station.show({
      verdict: verdict.code === "names_missing" ? "again" : verdict.verdict,
      title: done ? say("Tube closed") : say("Stop"),
      text: verdict.message,
      next: done ? say("Scan a tube.") : tubeNext(),
    });
    if (done && verdict.code !== "names_missing") showTube(null);
  } catch (problem) {
    if (!(problem instanceof ApiError)) throw problem;
    station.show(stop(problem.message));
  } finally {
    station.focus();
  }
}

closing?.addEventListener("click", closeTube);

const station = new Station(root, {
  expect: ["declaration", "tube"],
  onDone: () => mixed && closeTube(),
  onScan: (code, kind, scan) => (mode === "mixed" ? takeMixed : takeSingle)(asKind(kind), code, scan),
});
