// The packet that the phone took along, as maps: the roster, tubes by mode, badges. Pure; 3,000 people in a few
// milliseconds. It is advice, not law: somebody who is not in it can be sampled all the same.

import { LENGTH } from "../codes.js";
import { fold } from "./names.js";

const MOST_FOUND = 8;
const DEFAULT_TUBE_SIZE = 10;

export class Packet {
  /** @param {object|null} packet as docs/field.md has it; null where none was taken along */
  constructor(packet) {
    this.made = packet;
    this.people = new Map();
    this.byName = new Map();
    this.households = new Map();
    for (const row of packet?.people ?? []) this.#add(row);
    this.modes = new Map();
    for (const mode of ["single", "mixed"]) {
      for (const code of cut(packet?.tubes?.[mode] ?? "")) this.modes.set(code, mode);
    }
    this.collectors = new Map(packet?.collectors ?? []);
    this.couriers = new Map(packet?.couriers ?? []);
    this.laboratories = packet?.laboratories ?? [];
    this.tubeSize = packet?.campaign?.mixed_tube_size ?? DEFAULT_TUBE_SIZE;
  }

  #add([declaration, name, year, household, status, attempt]) {
    const folded = fold(name);
    const person = { key: declaration, declaration, name, year, household, status, attempt, folded };
    this.people.set(declaration, person);
    push(this.byName, `${folded} ${year}`, person);
    if (household) push(this.households, household, person);
  }

  /** The person of a declaration: from the roster, or known by the code alone. */
  person(declaration) {
    return (
      this.people.get(declaration) ?? {
        key: declaration,
        declaration,
        name: "",
        year: null,
        household: "",
        status: "",
        attempt: 1,
      }
    );
  }

  /** The declaration of the only namesake born that year, or null where there is none or more than one. */
  namesake(name, year) {
    const found = this.byName.get(`${fold(name)} ${year}`) ?? [];
    return found.length === 1 ? found[0] : null;
  }

  /** The others of a person's household. */
  household(person) {
    return (this.households.get(person.household) ?? []).filter((member) => member.key !== person.key);
  }

  /** "single", "mixed", or null where the tube is none of this site's. */
  mode(tube) {
    return this.modes.get(tube) ?? null;
  }

  /**
   * People whose name has a word beginning with each word typed; a number means the year of birth.
   * @param {string} typed with or without marks
   * @returns {object[]} at most 8: spelt alike first, not yet sampled before sampled, who declared last first
   */
  search(typed) {
    const wanted = fold(typed).split(" ").filter(Boolean);
    if (wanted.length === 0) return [];
    const marks = typed.normalize("NFC").toLowerCase().trim();
    const found = [];
    for (const person of this.people.values()) {
      if (wanted.every((word) => fits(person, word))) found.push(person);
    }
    const rank = (person) => (alike(person, marks) ? 0 : 2) + (person.status === "open" ? 0 : 1);
    return found
      .reverse()
      .sort((one, other) => rank(one) - rank(other))
      .slice(0, MOST_FOUND);
  }
}

function fits(person, word) {
  if (/^[0-9]+$/.test(word)) return String(person.year).startsWith(word);
  return person.folded.startsWith(word) || person.folded.includes(` ${word}`);
}

function alike(person, marks) {
  return person.name.normalize("NFC").toLowerCase().includes(marks);
}

function cut(codes) {
  return codes.match(new RegExp(`.{${LENGTH}}`, "g")) ?? [];
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
