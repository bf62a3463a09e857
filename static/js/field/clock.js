// How far this phone's clock is off, measured from the server's answers, and whether that can still be believed.
// Pure: both clocks are handed in. A wrong clock is told to the collector; it is the server that corrects the times.

const JUMP_MS = 2000;
const TOLD_FROM_MS = 2 * 60 * 1000;

export class Clock {
  /**
   * @param {object} clocks
   * @param {() => number} clocks.wall milliseconds since 1970, as the phone has it
   * @param {() => number} clocks.steady milliseconds that no setting of the clock moves
   */
  constructor({ wall = () => Date.now(), steady = () => performance.now() } = {}) {
    this.wall = wall;
    this.steady = steady;
    this.offset = null; // to be added to the phone's clock; null: never measured, or doubtful
    this.slept = false;
    this.#mark();
  }

  /**
   * Take up what an earlier life of the page had measured, unless the clock has gone backwards since.
   * @param {{offset: number|null, at: number}|null} kept
   * @param {number} latest the latest moment known on this phone, such as of its last scan
   */
  resume(kept, latest = 0) {
    if (kept && this.wall() >= Math.max(kept.at, latest)) this.offset = kept.offset;
  }

  /** What to keep for the next life of the page. */
  get kept() {
    return { offset: this.offset, at: this.wall() };
  }

  /**
   * Measure: the server's time lies in the middle between asking and answer.
   * @param {number} sent by the wall clock
   * @param {number} received by the wall clock
   * @param {string} serverTime ISO 8601
   */
  measure(sent, received, serverTime) {
    const server = Date.parse(serverTime);
    if (Number.isNaN(server) || received < sent) return;
    this.offset = Math.round(server - (sent + received) / 2);
    this.slept = false;
    this.#mark();
  }

  /** The page was out of sight: a phone asleep may stop its steady clock, so that a jump can't be told from sleep. */
  sleep() {
    this.slept = true;
  }

  /**
   * Look whether somebody set the clock meanwhile. While the page was in sight the jump is known and taken off;
   * otherwise the offset is doubtful until it is measured again.
   * @returns {boolean} whether the offset must be measured anew
   */
  check() {
    const jump = this.wall() - this.wallMark - (this.steady() - this.steadyMark);
    const jumped = Math.abs(jump) > JUMP_MS;
    if (jumped && this.offset !== null) this.offset = this.slept ? null : Math.round(this.offset - jump);
    this.slept = false;
    this.#mark();
    return jumped;
  }

  /** The moment by the phone's own clock, as slips carry it. */
  get at() {
    return new Date(this.wall()).toISOString();
  }

  /** The moment as well as it is known, in milliseconds. */
  get now() {
    return this.wall() + (this.offset ?? 0);
  }

  /** Minutes that the clock is wrong by, where that must be told; 0 otherwise. */
  get wrongBy() {
    return Math.abs(this.offset ?? 0) > TOLD_FROM_MS ? Math.round(Math.abs(this.offset) / 60_000) : 0;
  }

  #mark() {
    this.wallMark = this.wall();
    this.steadyMark = this.steady();
  }
}
