// Tubes into boxes, boxes sealed and handed over: what a scan means on the boxes view. Pure, like session.js.

import { grouped } from "../codes.js";
import { stay, stop } from "./outcomes.js";
import { words } from "./wording.js";

/** Nothing is begun: which box is filled. */
export function beginPacking() {
  return { box: "" };
}

/**
 * A code was scanned on the boxes view.
 * @param {{box: string}} state
 * @param {string} kind of the code
 * @param {string} code
 * @param {{packet: object, journal: object, openTube: string, laboratory: string|null}} facts
 * @returns {{state: object, outcome: object, drafts: object[]}}
 */
export function pack(state, kind, code, facts) {
  if (kind === "box") return openBox(state, code, facts);
  if (!state.box) return stay(state, stop(words("Scan a box first.")));
  if (kind === "tube") return packTube(state, code, facts);
  if (kind === "badge") return handOver(state, code, facts);
  return stay(state, stop(words("Here boxes and tubes are scanned. People are scanned on the scan page.")));
}

/** The tube packed last comes out again. */
export function takeOut(state, { journal }) {
  const { tubes, sealed } = journal.box(state.box);
  const tube = tubes.at(-1);
  if (!tube) return stay(state, { verdict: "again", title: words("There is nothing to take back.") });
  if (sealed) return stay(state, stop(words("Box %(box)s is sealed. Take another box.", { box: grouped(state.box) })));
  const outcome = { verdict: "again", title: words("Taken out: tube %(tube)s", { tube: grouped(tube) }) };
  return { state, outcome, drafts: [{ slip: { kind: "take_out", box: state.box, tube }, about: {} }] };
}

/** The box is full, or the day is over. */
export function seal(state, { journal }) {
  const { tubes, sealed } = journal.box(state.box);
  if (!state.box || !tubes.length) return stay(state, stop(words("The box is empty. Scan tubes into it.")));
  if (sealed)
    return stay(state, {
      verdict: "again",
      title: words("Box %(box)s is sealed already.", { box: grouped(state.box) }),
    });
  const outcome = {
    verdict: "good",
    title: words("Box %(box)s is sealed.", { box: grouped(state.box) }),
    text: words("Tubes: %(count)s", { count: tubes.length }),
  };
  return { state, outcome, drafts: [{ slip: { kind: "seal", box: state.box }, about: { count: tubes.length } }] };
}

/** What is to be scanned now, as a sentence. */
export function nextOfPacking(state, { journal }) {
  if (!state.box) return words("Scan a box.");
  const box = journal.box(state.box);
  if (box.courier) return words("Scan the next box.");
  return box.sealed ? words("Scan the courier's badge.") : words("Scan the tubes of this box.");
}

function openBox(state, code, { journal }) {
  const box = journal.box(code);
  const title = words("Box %(box)s", { box: grouped(code) });
  if (box.courier) {
    return stay(state, stop(words("Box %(box)s is handed over already. Take another box.", { box: grouped(code) })));
  }
  const text = words("Tubes: %(count)s", { count: box.tubes.length });
  return stay(
    { ...state, box: code },
    { verdict: code === state.box ? "again" : "good", title, text, quiet: code === state.box },
  );
}

function packTube(state, tube, { journal, openTube }) {
  const { tubes, sealed } = journal.box(state.box);
  const shown = { tube: grouped(tube), box: grouped(state.box) };
  if (sealed) return stay(state, stop(words("Box %(box)s is sealed. Take another box.", shown)));
  const other = journal.boxOf(tube);
  if (other === state.box) {
    return stay(state, { verdict: "again", title: words("Already in this box: tube %(tube)s", shown), quiet: true });
  }
  if (other)
    return stay(state, stop(words("Tube %(tube)s is in box %(box)s already.", { ...shown, box: grouped(other) })));
  if (tube === openTube) return stay(state, stop(words("Tube %(tube)s is still being filled. Close it first.", shown)));
  const outcome = {
    verdict: "good",
    title: words("Packed: tube %(tube)s", shown),
    text: words("Tubes: %(count)s", { count: tubes.length + 1 }),
  };
  return { state, outcome, drafts: [{ slip: { kind: "pack", box: state.box, tube }, about: {} }] };
}

function handOver(state, badge, { packet, journal, laboratory }) {
  const box = journal.box(state.box);
  const name = packet.couriers.get(badge);
  if (name === undefined) {
    return stay(
      state,
      stop(words("Badge %(badge)s is no courier's. Scan the badge of the courier.", { badge: grouped(badge) })),
    );
  }
  if (!box.sealed) return stay(state, stop(words("Seal the box first, then scan the courier's badge.")));
  if (box.courier) return stay(state, { verdict: "again", title: words("Handed over already."), quiet: true });
  const outcome = {
    verdict: "good",
    title: words("Handed over to %(name)s", { name }),
    text: words("Box %(box)s", { box: grouped(state.box) }),
  };
  const slip = { kind: "hand_over", box: state.box, courier: badge, laboratory: laboratory || null };
  return { state, outcome, drafts: [{ slip, about: { name } }] };
}
