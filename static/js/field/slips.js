// Slips: what was done, written as a text and signed, kept before anybody is told (docs/field.md, "A slip's text").
// Numbers run without gaps, so only the one tab that holds the lock writes (app.js).

import { newId } from "../api.js";
import { sign } from "./keys.js";

export class Slips {
  /**
   * @param {object} parts
   * @param {import("./store.js").Store} parts.store
   * @param {import("./journal.js").Journal} parts.journal
   * @param {import("./clock.js").Clock} parts.clock
   * @param {object} parts.device {id, pair}
   * @param {{seq: number, number: number}} parts.counters the last ones given: of this device, and on this phone
   */
  constructor({ store, journal, clock, device, counters }) {
    Object.assign(this, { store, journal, clock, device, counters });
  }

  /**
   * Sign and keep slips, and with them the state they led to; on disk when this returns.
   * @param {{slip: object, about: object, id?: string}[]} drafts
   * @param {{badge: string, session: string|null, how: string}} held who did it, when, and by what
   * @param {object} values of the state, kept in the same transaction
   * @returns {Promise<object[]>} the records
   */
  async write(drafts, held, values) {
    const records = await Promise.all(drafts.map((draft, place) => this.#record(draft, held, place + 1)));
    const counters = { seq: this.counters.seq + records.length, number: this.counters.number + records.length };
    await this.store.keepScans(records, {
      ...values,
      [`counters:${this.device.id}`]: counters,
      number: counters.number,
    });
    this.counters = counters;
    for (const record of records) this.journal.add(record);
    return records;
  }

  async #record({ slip, about, id = newId() }, held, place) {
    const seq = this.counters.seq + place;
    const text = JSON.stringify({
      v: 1,
      id,
      device: this.device.id,
      seq,
      kind: slip.kind,
      at: this.clock.at,
      offset_ms: this.clock.offset,
      badge: held.badge,
      session: held.session,
      how: held.how,
      ...slip,
    });
    const signature = await sign(this.device.pair, text);
    const number = this.counters.number + place;
    return {
      id,
      number,
      device: this.device.id,
      seq,
      text,
      signature,
      state: "unsent",
      verdict: null,
      about,
      checked: false,
    };
  }
}

/**
 * The numbers given last, as the store and the scans themselves have them.
 * @param {import("./store.js").Store} store
 * @param {object[]} records
 * @param {string} device
 */
export async function lastCounters(store, records, device) {
  const kept = (await store.read(`counters:${device}`)) ?? { seq: 0 };
  const mine = records.filter((record) => record.device === device).map((record) => record.seq);
  const number = Math.max((await store.read("number")) ?? 0, ...records.map((record) => record.number));
  return { seq: Math.max(kept.seq, ...mine), number };
}
