// What a phone can refuse by itself, without network: a tube or a person that it knows better of. Pure; the server has
// the last word. Each returns an outcome to show, or null where nothing speaks against it.

import { grouped } from "../codes.js";
import { stop } from "./outcomes.js";
import { called, hour, plain, words } from "./wording.js";

/** Why a tube cannot be one person's, or null. */
export function refuseSingleTube(tube, { packet, journal }) {
  if (packet.mode(tube) === "mixed" || journal.closedWith(tube) !== null) {
    return stop(words("This tube is for several people. Take a tube for one person."));
  }
  const [used] = journal.inTube(tube);
  return used ? reused(tube, used) : refusePacked(tube, journal);
}

/** Why a tube cannot be opened in this session for several people, or null. */
export function refuseMixedTube(state, tube, { packet, journal }) {
  if (packet.mode(tube) === "single") return stop(words("Tube is for one person. Take a tube for several."));
  const count = journal.closedWith(tube);
  if (count !== null)
    return stop(
      words("Tube %(tube)s was closed with %(count)s people. Take a new tube.", { tube: grouped(tube), count }),
    );
  const other = journal.inTube(tube).find((bind) => bind.session !== state.id);
  return other ? reused(tube, other) : refusePacked(tube, journal);
}

function refusePacked(tube, journal) {
  const box = journal.boxOf(tube);
  return box
    ? stop(
        words("Tube %(tube)s is in box %(box)s already. Take a new tube.", { tube: grouped(tube), box: grouped(box) }),
      )
    : null;
}

/** Why a person cannot be sampled, or null. */
export function refusePerson(person, { journal }) {
  const before = journal.sampled(person);
  if (!before) return null;
  const text = words(
    "This person was sampled with this phone already, at %(time)s in tube %(tube)s. Take no second swab.",
    {
      time: hour(before.record.when),
      tube: grouped(before.tube),
    },
  );
  return { ...stop(text), title: plain(called(person)) };
}

/** What must be told before the swab is taken; never a refusal: the roster may be older than a new declaration. */
export function doubt(person, { journal }) {
  const sampled = ["sampled", "closed"].includes(person.status) || journal.sampledPerhaps(person);
  return sampled ? words("This person has been sampled already. Check before you take a swab.") : null;
}

function reused(tube, bind) {
  return stop(
    words("Tube %(tube)s was used for somebody else at %(time)s. Take a new tube.", {
      tube: grouped(tube),
      time: hour(bind.record.when),
    }),
  );
}
