// What the scans stored on this phone say together: who is in which tube, what is closed, packed, sealed. Pure.
// Made anew from the stored scans after a reload, so that nothing depends on memory; scans are only ever added.

/** A stored scan: {id, number, device, seq, text, signature, state: "unsent"|"acked", verdict, about, checked}. */
export class Journal {
  /** @param {object[]} records in the order of scanning */
  constructor(records = []) {
    this.records = new Map();
    this.binds = new Map();
    this.byTube = new Map();
    this.byPerson = new Map();
    this.declared = new Map();
    this.byCard = new Map();
    this.links = new Map();
    this.closings = new Map();
    this.boxes = new Map();
    this.boxByTube = new Map();
    for (const record of records) this.add(record);
  }

  /** Take up one more scan. */
  add(record) {
    const slip = JSON.parse(record.text);
    record.slip = slip;
    record.when = Date.parse(slip.at) + (slip.offset_ms ?? 0);
    this.records.set(record.id, record);
    this[`_${slip.kind}`]?.(slip, record);
    if (record.verdict) this.settle(record.id, record.verdict);
  }

  /** The server has answered for a scan. */
  settle(id, verdict) {
    const record = this.records.get(id);
    if (!record) return;
    Object.assign(record, { state: "acked", verdict });
    const { slip } = record;
    if (slip.kind === "declare" && verdict.declaration) this.#link(id, verdict.declaration);
  }

  /** Forget scans that were wiped from the phone. */
  static without(journal, ids) {
    return new Journal([...journal.records.values()].filter((record) => !ids.has(record.id)));
  }

  // ---- People and tubes ----

  /** The bind that stands for a person of this asking, or null; one that the server refused stands for nobody. */
  sampled(person) {
    const stands = (bind) => !bind.undone && !isWrong(bind.record) && bind.attempt >= (person.attempt ?? 1);
    return this.#bindsOf(this.#same(person.key)).find(stands) ?? null;
  }

  /** The bind of somebody who is probably this person: the roster's namesake declared on the spot, or the reverse. */
  sampledPerhaps(person) {
    const keys = person.likely ? [person.likely] : [];
    for (const other of this.declared.values()) if (other.likely && other.likely === person.key) keys.push(other.key);
    return this.#bindsOf(keys).find((bind) => !bind.undone && !isWrong(bind.record)) ?? null;
  }

  /** The binds of a tube that were not taken back, in order; refused ones too: the swab is in it. */
  inTube(tube) {
    return (this.byTube.get(tube) ?? []).filter((bind) => !bind.undone);
  }

  /** The count that a mixed tube was last closed with, or null. */
  closedWith(tube) {
    return this.closings.get(tube) ?? null;
  }

  /** The last bind of a session that can be taken back, made after a running number. */
  lastBind(session, after) {
    const mine = (bind) => bind.session === session && !bind.undone && bind.record.number > after;
    return [...this.binds.values()].findLast(mine) ?? null;
  }

  /** The person declared on the spot by a card, or null. */
  cardHolder(number) {
    return this.declared.get(this.byCard.get(number)) ?? null;
  }

  // ---- Boxes ----

  /** A box as this phone has filled it: {code, tubes, sealed, courier}. */
  box(code) {
    return this.boxes.get(code) ?? { code, tubes: [], sealed: false, courier: "" };
  }

  /** The box that a tube was packed into with this phone, or "". */
  boxOf(tube) {
    return this.boxByTube.get(tube) ?? "";
  }

  // ---- Counts ----

  /** People bound and standing, of one device, which is one day. */
  countBound(device) {
    let count = 0;
    for (const bind of this.binds.values()) if (bind.record.device === device && !bind.undone) count += 1;
    return count;
  }

  /** Scans that the server has not answered for. */
  get unsent() {
    return [...this.records.values()].filter((record) => record.state === "unsent");
  }

  /** Scans that the server did not take and nobody has looked at. */
  get toCheck() {
    return [...this.records.values()].filter((record) => isWrong(record) && !record.checked);
  }

  // ---- One method for each kind of slip ----

  _declare(slip, record) {
    const { name, year, household, likely, card } = record.about;
    const person = {
      key: record.id,
      declared: record.id,
      name,
      year,
      household: household ?? "",
      status: "",
      attempt: 1,
      likely,
    };
    this.declared.set(record.id, person);
    if (card) this.byCard.set(card, record.id);
  }

  _bind(slip, record) {
    const key = slip.declared ?? slip.declaration;
    const { name = "", year = null, attempt = 1 } = record.about;
    const bind = { id: record.id, tube: slip.tube, key, session: slip.session, attempt, undone: false, record };
    bind.person = { key, name, year, declaration: slip.declaration ?? "" };
    this.binds.set(record.id, bind);
    push(this.byTube, slip.tube, bind);
    push(this.byPerson, key, bind);
  }

  _undo(slip) {
    const bind = this.binds.get(slip.undoes);
    if (bind) bind.undone = true;
  }

  _close(slip) {
    this.closings.set(slip.tube, slip.count);
  }

  _pack(slip) {
    this.#boxToChange(slip.box).tubes.push(slip.tube);
    this.boxByTube.set(slip.tube, slip.box);
  }

  _take_out(slip) {
    const box = this.#boxToChange(slip.box);
    box.tubes = box.tubes.filter((tube) => tube !== slip.tube);
    this.boxByTube.delete(slip.tube);
  }

  _seal(slip) {
    this.#boxToChange(slip.box).sealed = true;
  }

  _hand_over(slip) {
    this.#boxToChange(slip.box).courier = slip.courier;
  }

  #boxToChange(code) {
    const box = this.box(code);
    this.boxes.set(code, box);
    return box;
  }

  #bindsOf(keys) {
    return keys.flatMap((key) => this.byPerson.get(key) ?? []);
  }

  // A person declared on the spot gets a code from the server, which may be printed and scanned the same day.
  #link(one, other) {
    push(this.links, one, other);
    push(this.links, other, one);
  }

  #same(key) {
    return [key, ...(this.links.get(key) ?? [])];
  }
}

/** A record as it is kept: without what `add` reads out of it. */
export function stored({ slip, when, ...record }) {
  return record;
}

function isWrong(record) {
  return record.verdict?.verdict === "wrong";
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
