// A camera delivers a label many times a second, and a finger may stay on a trigger: one read is told from its
// repeats here. Per code, and refreshed on each sighting, so that two labels in view by turns are not new scans. Pure.

const REPEAT_MS = 1500;

export class Repeats {
  #seen = new Map();

  /**
   * Tell whether a sighting only repeats an earlier one.
   * @param {string} key what was read
   * @param {string} how "camera", "scanner" or "hand"
   * @param {number} now milliseconds of a steady clock
   */
  isRepeat(key, how, now) {
    const last = this.#seen.get(key);
    this.#seen.set(key, { at: now, how });
    if (this.#seen.size > 50) this.#drop(now);
    return last !== undefined && now - last.at < REPEAT_MS;
  }

  /** After a stop or an undo the same label may be scanned again at once; not by a camera, which still looks at it. */
  forget() {
    for (const [key, { how }] of this.#seen) if (how !== "camera") this.#seen.delete(key);
  }

  #drop(now) {
    for (const [key, { at }] of this.#seen) if (now - at >= REPEAT_MS) this.#seen.delete(key);
  }
}
