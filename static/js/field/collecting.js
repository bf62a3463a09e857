// Collecting: each scan judged, signed and kept, one at a time: a second scan waits until the first is on disk, so that
// each is judged by all before it. Every method returns what to say. No page here; session.js and packing.js decide.

import { newId } from "../api.js";
import { CodeError } from "../codes.js";
import { readBirthDate } from "./births.js";
import { cleanName } from "./names.js";
import * as packing from "./packing.js";
import { keyOf, read } from "./reading.js";
import { Repeats } from "./repeats.js";
import * as sessions from "./session.js";
import { words } from "./wording.js";

export class Collecting {
  /** @param {import("./phone.js").Phone} phone whose store, journal, packet and slips these are */
  constructor(phone) {
    this.phone = phone;
    this.repeats = new Repeats();
    this.turn = Promise.resolve();
    this.laboratory = null;
  }

  /** Take up what was kept. */
  resume(session, packed) {
    this.session = session ?? null;
    this.packing = packed ?? packing.beginPacking();
  }

  /** Begin a session: mode "single" or "mixed", first "person" or "tube". */
  async begin({ mode, first }) {
    this.session = sessions.begin({ id: newId(), mode, first, badge: this.phone.device.collector.badge });
    this.phone.ended = false;
    await this.phone.store.keep({ session: this.session, ended: false });
    if (!this.phone.packet.made) this.phone.refreshPacket();
  }

  /** End it; another may begin. A tube still open is closed with whoever is bound. */
  async finish() {
    if (this.session?.tube) await this.close(null);
    await this.phone.store.wipe([], ["session"]);
    this.session = null;
  }

  /**
   * A text was read; null where a sighting only repeats the last.
   * @param {string} text
   * @param {"camera"|"scanner"|"hand"} how
   * @param {"scan"|"boxes"} where
   */
  take(text, how, where) {
    return this.#next(async () => {
      const found = this.#read(text);
      const key = found instanceof CodeError ? text.trim() : keyOf(found);
      // A tube bound a moment ago and packed now is two things.
      if (this.repeats.isRepeat(`${where} ${key}`, how, this.phone.clock.steady())) return null;
      if (found instanceof CodeError) return this.#stop({ msgid: found.message, parameters: found.parameters });
      return this.#dispatch(found, how, where);
    });
  }

  /** Somebody of the roster was touched on the screen. */
  takePerson(person) {
    return this.#act(() => this.#take(sessions.personOf(person), "screen"));
  }

  /**
   * Somebody who is not in the roster, as typed.
   * @param {object} form {name, birth_date, sex, phone, household, symptoms, is_contact}
   * @throws {CodeError} name or birth date can't be read; `field` says which
   */
  declare(form) {
    const name = inField("name", () => cleanName(form.name));
    const birth = inField("birth_date", () => readBirthDate(form.birth_date.replaceAll(",", "."), this.phone.today));
    const person = { ...form, name, birth_date: birth.written };
    return this.#act(() => this.#declare({ person }, { name, year: birth.year, household: form.household }, "hand"));
  }

  /** Take the last scan back. */
  undo() {
    return this.#act(() => this.#apply(sessions.undo(this.session, this.facts), "screen"));
  }

  /** Of two in a row, "first" or "second" is right. */
  choose(which) {
    return this.#act(() => this.#apply(sessions.choose(this.session, which), "screen"));
  }

  /** Close the open mixed tube with the swabs counted; null: as many as are bound. */
  close(count) {
    return this.#act(() => this.#apply(sessions.close(this.session, count, this.facts), "screen"));
  }

  /** Seal the box being filled. */
  seal() {
    return this.#act(() => this.#applyPacking(packing.seal(this.packing, this.packingFacts), "screen"), "boxes");
  }

  /** Take the tube packed last out of its box. */
  takeOut() {
    return this.#act(() => this.#applyPacking(packing.takeOut(this.packing, this.packingFacts), "screen"), "boxes");
  }

  /** The sentence that says what to scan now. */
  next(where) {
    if (where === "boxes") return packing.nextOfPacking(this.packing, this.facts);
    return this.session ? sessions.nextOf(this.session, this.facts) : null;
  }

  /** Members of the household that can go into the open tube by one touch. */
  get household() {
    return this.session ? sessions.householdOf(this.session, this.facts) : [];
  }

  get packingFacts() {
    return { ...this.facts, openTube: this.session?.tube ?? "", laboratory: this.laboratory };
  }

  get facts() {
    return { packet: this.phone.packet, journal: this.phone.journal };
  }

  #act(work, where = "scan") {
    return this.#next(() => this.#refuse(where) ?? work());
  }

  #next(work) {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {}); // the caller gets the problem; the next scan must not
    return done;
  }

  #read(text) {
    try {
      return read(text);
    } catch (problem) {
      if (!(problem instanceof CodeError)) throw problem;
      return problem;
    }
  }

  // Boxes are packed without a session; nothing at all is scanned after the enrolment's end.
  #refuse(where) {
    if (this.phone.isExpired) {
      return this.#stop(
        words(
          "The enrolment of this phone has ended. Ask the coordinator for a new one. What was scanned is still sent.",
        ),
      );
    }
    const begun = where === "boxes" || this.session !== null;
    return this.phone.ended || !begun ? this.#stop(words("Start a session first.")) : null;
  }

  #dispatch(found, how, where) {
    const refusal = this.#refuse(where);
    if (refusal) return refusal;
    if (found.is === "enrolment") return this.#stop(words("This QR enrols a phone. End the shift before you use it."));
    if (where === "boxes") return this.#dispatchBoxes(found, how);
    if (found.is === "command") return this.#obey(found.command, how);
    if (found.is === "card") return this.#takeCard(found, how);
    return this.#takeCode(found, how);
  }

  #obey(command, how) {
    if (command === "undo") return this.#apply(sessions.undo(this.session, this.facts), how);
    if (this.session.mode === "mixed") return this.#apply(sessions.close(this.session, null, this.facts), how);
    return { verdict: "again", title: words("Nothing is open that could be finished.") };
  }

  #takeCode({ kind, code }, how) {
    if (kind === "tube") return this.#take(sessions.tubeOf(code), how);
    if (kind === "declaration") return this.#take(sessions.personOf(this.phone.packet.person(code)), how);
    if (kind === "badge") {
      return this.#apply(sessions.changeHands(this.session, code, this.phone.slips.counters.number, this.facts), how);
    }
    if (kind === "box") return this.#stop(words("This is a box. Boxes are filled on the boxes page."));
    return this.#stop(words("This code has no use here. Scan a person or a tube."));
  }

  #takeCard({ card, text }, how) {
    const known = this.phone.journal.cardHolder(card.number);
    if (known) return this.#take(sessions.personOf(known), how);
    if (!card.year)
      return this.#stop(words("This QR does not show the year of birth. Type the person's name and birth date."));
    return this.#declare({ card: text }, { name: card.name, year: card.year, household: "", card: card.number }, how);
  }

  // A refused person leaves no declaration behind: the slip is signed only with what it led to.
  #declare(said, { name, year, household, card = "" }, how) {
    const likely = this.phone.packet.namesake(name, year);
    const id = newId();
    const about = {
      name,
      year,
      household: household || likely?.household || "",
      likely: likely?.declaration ?? "",
      card,
    };
    const slip = { kind: "declare", ...said, likely: likely?.declaration ?? null };
    const person = {
      key: id,
      declared: id,
      name,
      year,
      household: about.household,
      status: likely?.status ?? "",
      attempt: 1,
      likely: about.likely,
    };
    return this.#take(sessions.personOf(person), how, { id, slip, about });
  }

  #take(thing, how, declared = null) {
    const result = sessions.take(this.session, thing, this.facts);
    const drafts = declared && result.outcome.verdict !== "wrong" ? [declared, ...result.drafts] : result.drafts;
    return this.#apply({ ...result, drafts }, how);
  }

  async #apply({ state, outcome, drafts }, how) {
    const before = this.session;
    const asked = { badge: state.badge, session: state.id, how };
    if (drafts.length) await this.phone.slips.write(drafts, asked, { session: state });
    else if (state !== before) this.#remember({ session: state });
    this.session = state;
    return this.#after(outcome, drafts);
  }

  #dispatchBoxes(found, how) {
    if (found.is === "command" && found.command === "undo")
      return this.#applyPacking(packing.takeOut(this.packing, this.packingFacts), how);
    if (found.is === "command") return this.#applyPacking(packing.seal(this.packing, this.packingFacts), how);
    const kind = found.is === "code" ? found.kind : found.is;
    return this.#applyPacking(packing.pack(this.packing, kind, found.code, this.packingFacts), how);
  }

  async #applyPacking({ state, outcome, drafts }, how) {
    const asked = { badge: this.phone.collector.badge, session: this.session?.id ?? null, how };
    if (drafts.length) await this.phone.slips.write(drafts, asked, { packing: state });
    else if (state !== this.packing) this.#remember({ packing: state });
    this.packing = state;
    return this.#after(outcome, drafts);
  }

  // A half pair outlives a reload where it can; nothing waits for it, and nothing is lost that was told as bound.
  #remember(values) {
    this.phone.store.keep(values).catch(console.error);
  }

  #after(outcome, drafts) {
    // What was taken back, or is one of two to choose from, may be scanned again at once.
    if (this.session?.rival || drafts.some(({ slip }) => ["undo", "take_out"].includes(slip.kind)))
      this.repeats.forget();
    if (drafts.length) this.phone.sync?.soon();
    return { ...outcome, kept: drafts.length > 0 };
  }

  #stop(text) {
    return { verdict: "wrong", title: words("Stop"), text };
  }
}

function inField(field, work) {
  try {
    return work();
  } catch (problem) {
    if (problem instanceof CodeError) problem.field = field;
    throw problem;
  }
}
