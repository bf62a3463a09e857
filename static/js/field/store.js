// What the phone keeps: every scan until the server has answered for it, and by name what else must outlive the page.
// A scan is told "bound" only after its transaction is on disk (durability "strict"). Practice has a database of its own.

import { openDB } from "../../vendor/idb/index.js";

export const REAL = "lims-field";
export const PRACTICE = "lims-field-practice";
const STRICT = { durability: "strict" };

export class Store {
  /** @param {string} name REAL or PRACTICE */
  static async open(name) {
    const store = new Store();
    store.database = await openDB(name, 1, {
      upgrade(database) {
        database.createObjectStore("scans", { keyPath: "id" }).createIndex("number", "number", { unique: true });
        database.createObjectStore("state");
      },
      blocking: () => store.database?.close(),
    });
    return store;
  }

  /** All scans in the order of scanning. */
  readScans() {
    return this.database.getAllFromIndex("scans", "number");
  }

  /** A value kept by name; undefined where there is none. */
  read(name) {
    return this.database.get("state", name);
  }

  /** Keep values by name, all or none. */
  async keep(values) {
    await this.#write(["state"], ([state]) => put(state, values));
  }

  /** Keep scans and, in the same transaction, what of the state goes with them. */
  async keepScans(records, values) {
    await this.#write(["scans", "state"], function* ([scans, state]) {
      for (const record of records) yield scans.put(record);
      yield* put(state, values);
    });
  }

  /** Wipe scans and, in the same transaction, values by name. */
  async wipe(ids, names) {
    await this.#write(["scans", "state"], function* ([scans, state]) {
      for (const id of ids) yield scans.delete(id);
      for (const name of names) yield state.delete(name);
    });
  }

  async #write(names, change) {
    const transaction = this.database.transaction(names, "readwrite", STRICT);
    const asked = [];
    try {
      for (const request of change(names.map((name) => transaction.objectStore(name)))) asked.push(request);
      await Promise.all([...asked, transaction.done]);
    } catch (problem) {
      abort(transaction); // half of what belongs together must not stay
      await Promise.allSettled([...asked, transaction.done]);
      throw problem;
    }
  }
}

/** Ask once that the browser does not clear the scans when space runs short; true where it promised. */
export async function askToPersist() {
  return (await navigator.storage?.persist?.()) ?? false;
}

function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // it has ended already
  }
}

function* put(state, values) {
  for (const [name, value] of Object.entries(values)) yield state.put(value, name);
}
