// What a scan means in a session: (state, what was scanned, facts) → the next state, what to say, which slips to sign.
// Pure: the state is plain JSON and is kept, the facts are the packet and the journal. Nothing here is the server's
// last word, but all that a phone can know without network is refused before the swab is in the wrong tube.

import { grouped } from "../codes.js";
import { Order } from "../order.js";
import { stay, stop } from "./outcomes.js";
import { doubt, refuseMixedTube, refusePerson, refuseSingleTube } from "./refusals.js";
import { called, plain, words } from "./wording.js";

const STILL_WANTED = {
  person: () => words("Now scan the person."),
  tube: () => words("Now scan the tube."),
};
const FIRST_WANTED = {
  person: () => words("Scan a person."),
  tube: () => words("Scan a tube."),
};
const FIRST_MISSING = {
  person: () => words("Scan a person first: that is the order of this session."),
  tube: () => words("Scan a tube first: that is the order of this session."),
};

/**
 * A new session.
 * @param {object} choice
 * @param {string} choice.id UUID, from "start" to "end"
 * @param {"single"|"mixed"} choice.mode
 * @param {"person"|"tube"} choice.first a mixed tube is always scanned before its people
 * @param {string} choice.badge who collects
 */
export function begin({ id, mode, first, badge }) {
  const order = mode === "mixed" ? "tube" : first;
  return { id, mode, first: order, badge, held: null, rival: null, tube: "", last: null, undoAfter: 0 };
}

/** A tube as a thing to be taken. */
export function tubeOf(code) {
  return { kind: "tube", key: code };
}

/** A person as a thing to be taken: from the packet, the journal, or a typed or scanned declaration. */
export function personOf(person) {
  return { ...person, kind: "person" };
}

/** How a thing is called. */
export function nameOf(thing) {
  return thing.kind === "person" ? called(thing) : grouped(thing.key);
}

/**
 * A person or a tube was scanned.
 * @param {object} state
 * @param {object} thing made by `tubeOf` or `personOf`
 * @param {{packet: object, journal: object}} facts
 * @returns {{state: object, outcome: {verdict: "good"|"again"|"wrong", title: object, text?: object, quiet?: boolean,
 *     bound?: boolean}, drafts: object[]}}
 */
export function take(state, thing, facts) {
  if (state.rival) return chooseByScan(state, thing);
  return state.mode === "mixed" ? takeMixed(state, thing, facts) : takeSingle(state, thing, facts);
}

/** Two of a kind in a row: the first or the second is the right one. */
export function choose(state, which) {
  if (!state.rival) return stay(state, stop(words("Nothing is to be chosen.")));
  const held = which === "second" ? state.rival : state.held;
  const next = { ...state, held, rival: null };
  return stay(next, { verdict: "again", title: plain(nameOf(held)) });
}

/** Take the last scan back: a held one is let go, a bound pair is undone by a slip. */
export function undo(state, { journal }) {
  if (state.held) {
    const title = plain(nameOf(state.held));
    const text = words("Not bound: let go.");
    return stay({ ...state, held: null, rival: null }, { verdict: "again", title, text });
  }
  const bind = journal.lastBind(state.id, state.undoAfter);
  if (!bind) return stay(state, { verdict: "again", title: words("There is nothing to take back.") });
  const draft = {
    slip: { kind: "undo", undoes: bind.id },
    about: { tube: bind.tube, name: bind.person.name, year: bind.person.year },
  };
  const title = words("Undone: %(person)s", { person: called(bind.person) });
  const text = words("Tube %(tube)s", { tube: grouped(bind.tube) });
  // The last bind of a session is in its open tube, or in the one before while the open one is still empty.
  const tube = state.mode === "mixed" ? bind.tube : "";
  return { state: { ...state, last: null, tube }, outcome: { verdict: "again", title, text }, drafts: [draft] };
}

/**
 * Close the open mixed tube.
 * @param {number|null} counted the swabs counted; null for as many as are bound
 */
export function close(state, counted, { packet, journal }) {
  if (!state.tube) return stay(state, stop(words("No tube is open. Scan a tube.")));
  const bound = journal.inTube(state.tube).length;
  const count = counted ?? bound;
  const tube = grouped(state.tube);
  if (!Number.isInteger(count) || count < 1 || count > packet.tubeSize) {
    return stay(
      state,
      stop(
        words("A tube holds 1 to %(limit)s people. Count the swabs in tube %(tube)s again.", {
          limit: packet.tubeSize,
          tube,
        }),
      ),
    );
  }
  if (count < bound) {
    return stay(
      state,
      stop(
        words("%(bound)s people are bound to tube %(tube)s, but you counted %(count)s. Count again, or undo a scan.", {
          bound,
          tube,
          count,
        }),
      ),
    );
  }
  const text = count > bound ? words("%(bound)s are known. The tube waits for the other names.", { bound }) : null;
  const outcome = { verdict: count > bound ? "again" : "good", title: closedTitle(state.tube, count), text };
  return { state: { ...state, tube: "", last: lastTube(state) }, outcome, drafts: [closing(state.tube, count)] };
}

/**
 * Another collector takes the phone: what is half done and what was done before are not theirs.
 * @param {string} badge
 * @param {number} number of the last scan stored so far
 * @param {{packet: object}} facts
 */
export function changeHands(state, badge, number, { packet }) {
  const name = packet.collectors.get(badge);
  if (name === undefined) {
    return stay(
      state,
      stop(
        words("Badge %(badge)s belongs to nobody who collects at this site. Ask the coordinator.", {
          badge: grouped(badge),
        }),
      ),
    );
  }
  if (badge === state.badge)
    return stay(state, {
      verdict: "again",
      title: plain(name),
      text: words("The phone is in these hands already."),
      quiet: true,
    });
  const next = { ...state, badge, held: null, rival: null, last: null, undoAfter: number };
  return stay(next, {
    verdict: "good",
    title: plain(name),
    text: words("From now on each scan is signed for this collector."),
  });
}

/** What is to be scanned now, as a sentence. */
export function nextOf(state, { packet, journal }) {
  if (state.rival) return words("Choose below, or scan the right one again.");
  if (state.mode === "mixed") return nextOfMixed(state, packet, journal);
  const wanted = state.held ? STILL_WANTED : FIRST_WANTED;
  return wanted[orderOf(state).wanted]();
}

/** Members of the household of whoever was scanned last who can go into the open tube: each is one touch. */
export function householdOf(state, { packet, journal }) {
  if (!state.tube || !state.last?.household) return [];
  if (journal.inTube(state.tube).length >= packet.tubeSize) return [];
  return packet.household(state.last).filter((member) => member.status === "open" && !journal.sampled(member));
}

// ---- One person in a tube ----

function takeSingle(state, thing, facts) {
  if (isOfLast(state, thing)) return seenAgain(state, thing);
  const refusal = thing.kind === "tube" ? refuseSingleTube(thing.key, facts) : refusePerson(thing, facts);
  if (refusal) return stay(state, refusal);
  const order = orderOf(state);
  const { step } = order.take(thing.kind, thing.key);
  if (step === "first_missing") return stay(state, stop(FIRST_MISSING[state.first]()));
  if (step === "two_in_a_row") return stay({ ...state, rival: thing }, twoInARow());
  if (step === "held") return hold(state, thing, facts);
  const inTube = (code) => words("Tube %(tube)s", { tube: grouped(code) });
  const next = { ...state, held: null };
  // A person held before was warned of then; one scanned after the tube is warned of now.
  if (thing.kind === "tube") return bind(next, state.held, thing.key, inTube(thing.key));
  return bind(next, thing, state.held.key, inTube(state.held.key), doubt(thing, facts));
}

function hold(state, thing, facts) {
  if (state.held) return stay(state, { verdict: "again", title: plain(nameOf(state.held)), quiet: true });
  const warning = thing.kind === "person" ? doubt(thing, facts) : null;
  const title = thing.kind === "tube" ? words("Tube %(tube)s", { tube: grouped(thing.key) }) : plain(called(thing));
  return stay({ ...state, held: thing }, { verdict: warning ? "again" : "good", title, text: warning });
}

function twoInARow() {
  const title = words("Two codes of the same kind");
  return { verdict: "wrong", title, text: words("Nothing was bound. Which one is right?") };
}

// With a scanner in hand and gloves on, the right one scanned again is the answer.
function chooseByScan(state, thing) {
  const which = orderOf(state).chosenBy(thing.key);
  return which ? choose(state, which) : stay(state, stop(words("Choose below, or scan the right one again.")));
}

// ---- Several people in a tube ----

function takeMixed(state, thing, facts) {
  return thing.kind === "tube" ? takeMixedTube(state, thing.key, facts) : fill(state, thing, facts);
}

function takeMixedTube(state, tube, facts) {
  if (tube === state.tube) return stay(state, { ...tubeOutcome(tube, facts), verdict: "again", quiet: true });
  if (tube === state.last?.tube) return seenAgain(state, tubeOf(tube));
  const refusal = refuseMixedTube(state, tube, facts);
  if (refusal) return stay(state, refusal);
  const next = { ...state, tube, last: null };
  const filled = state.tube ? facts.journal.inTube(state.tube).length : 0;
  if (!filled) return stay(next, tubeOutcome(tube, facts));
  const text = closedTitle(state.tube, filled);
  const kept = { ...next, last: { ...lastTube(state), household: "" } };
  return { state: kept, outcome: { ...tubeOutcome(tube, facts), text }, drafts: [closing(state.tube, filled)] };
}

function tubeOutcome(tube, { packet, journal }) {
  const text = words("%(count)s of %(limit)s", { count: journal.inTube(tube).length, limit: packet.tubeSize });
  return { verdict: "good", title: words("Tube %(tube)s", { tube: grouped(tube) }), text };
}

function fill(state, person, facts) {
  const { packet, journal } = facts;
  if (!state.tube) return stay(state, stop(FIRST_MISSING.tube()));
  const members = journal.inTube(state.tube);
  const before = journal.sampled(person);
  if (before?.tube === state.tube) return seenAgain(state, person);
  const refusal = refusePerson(person, facts);
  if (refusal) return stay(state, refusal);
  if (members.length >= packet.tubeSize) {
    return stay(
      state,
      stop(
        words("Tube %(tube)s is full with %(count)s people: scan the next tube.", {
          tube: grouped(state.tube),
          count: members.length,
        }),
      ),
    );
  }
  const place = words("%(count)s of %(limit)s", { count: members.length + 1, limit: packet.tubeSize });
  return bind(state, person, state.tube, place, doubt(person, facts));
}

function nextOfMixed(state, packet, journal) {
  if (!state.tube) return words("Scan a tube.");
  const count = journal.inTube(state.tube).length;
  if (count >= packet.tubeSize) return words("Full: scan the next tube.");
  return count ? words("Scan the next person, or the next tube.") : words("Scan a person.");
}

// ---- Parts ----

function bind(state, person, tube, text, warning = null) {
  const whose = person.declared ? { declared: person.declared } : { declaration: person.declaration };
  const draft = {
    slip: { kind: "bind", tube, ...whose },
    about: { name: person.name, year: person.year, attempt: person.attempt ?? 1 },
  };
  const last = { key: person.key, tube, household: person.household ?? "", name: person.name, year: person.year };
  const title = words("Bound: %(person)s", { person: called(person) });
  const outcome = { verdict: warning ? "again" : "good", title, text: warning ?? text, bound: true };
  return { state: { ...state, last }, outcome, drafts: [draft] };
}

function closing(tube, count) {
  return { slip: { kind: "close", tube, count }, about: {} };
}

function closedTitle(tube, count) {
  return words("Tube %(tube)s is closed with %(count)s people.", { tube: grouped(tube), count });
}

function lastTube(state) {
  return { key: "", tube: state.tube, household: "", name: "", year: null };
}

function isOfLast(state, thing) {
  return state.last !== null && (thing.key === state.last.tube || thing.key === state.last.key);
}

// A label that stays in view, or in the hand, after its pair was bound: no error, and nothing happens.
function seenAgain(state, thing) {
  const inTheWay = state.held !== null && state.held.kind !== thing.kind;
  const text =
    inTheWay && thing.kind === "tube"
      ? words("Tube %(tube)s belongs to the person before. Take a new tube.", { tube: grouped(thing.key) })
      : words("Nothing was changed.");
  return stay(state, {
    verdict: "again",
    title: words("Already bound: %(what)s", { what: nameOf(thing) }),
    text,
    quiet: !inTheWay,
  });
}

function orderOf(state) {
  const order = new Order(state.first);
  order.held = state.held?.key ?? null;
  order.rival = state.rival?.key ?? null;
  return order;
}
