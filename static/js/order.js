// The order of a session with one person in a tube: it is fixed, so that one missed read cannot shift all that follow.
// Pure: told what was scanned, says what it means. Two of a kind in a row stop it until somebody chooses.

const OTHER = { person: "tube", tube: "person" };

export class Order {
  /** @param {"person"|"tube"} first what is scanned first, for the whole session */
  constructor(first) {
    this.first = first;
    this.held = null;
    this.rival = null;
  }

  /** What must be scanned now: "person", "tube", or "choice" while two in a row stop the session. */
  get wanted() {
    if (this.rival !== null) return "choice";
    return this.held === null ? this.first : OTHER[this.first];
  }

  /**
   * Tell it what was scanned.
   * @param {"person"|"tube"} kind
   * @param {string} code
   * @returns {{step: "held"|"pair"|"first_missing"|"two_in_a_row"|"choose", person?: string, tube?: string}}
   */
  take(kind, code) {
    if (this.rival !== null) return { step: "choose" };
    if (this.held === null) {
      if (kind !== this.first) return { step: "first_missing" };
      this.held = code;
      return { step: "held" };
    }
    if (kind === this.first) {
      if (code === this.held) return { step: "held" };
      this.rival = code;
      return { step: "two_in_a_row" };
    }
    const pair = { step: "pair", [this.first]: this.held, [kind]: code };
    this.held = null;
    return pair;
  }

  /** Which of two in a row a code scanned again means: "first", "second", or null. */
  chosenBy(code) {
    if (this.rival === null) return null;
    return { [this.held]: "first", [this.rival]: "second" }[code] ?? null;
  }

  /** Hold the first again because only the second was refused; false when the next pair has begun meanwhile. */
  holdAgain(code) {
    if (this.held === null) this.held = code;
    return this.held === code && this.rival === null;
  }

  /** Go on with the first or the second of two in a row. */
  choose(which) {
    if (which === "second") this.held = this.rival;
    this.rival = null;
    return this.held;
  }

  /** Forget what is held: it turned out to be nothing. */
  drop() {
    this.held = null;
    this.rival = null;
  }
}
