// Scans go to the server: oldest first, 50 at a time, one request after the other, until each has its verdict. Only the
// very scan that an answer names is done; whatever else happens, it is kept and sent again.

import { stored } from "./journal.js";
import { Refusal, Silence } from "./server.js";

const BATCH = 50;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
const AFTER_SAVE_MS = 400;
const REFUSED_WAIT_MS = 5 * 60_000;
const SIGN_OF_LIFE_MS = 2 * 60_000;
const PACKET_MS = 10 * 60_000;

export class Sync {
  /**
   * @param {object} parts
   * @param {import("./server.js").Server} parts.server
   * @param {import("./store.js").Store} parts.store
   * @param {() => import("./journal.js").Journal} parts.journal the present one: it is made anew when a shift ends
   * @param {string} parts.app version of the app
   * @param {object} hooks
   * @param {(status: object) => void} hooks.changed how sending stands: {state, waitingUntil?}
   * @param {(device: object) => void} hooks.heard what the server said of this phone
   * @param {(records: object[]) => void} hooks.answered scans that got their verdict
   */
  constructor({ server, store, journal, app }, hooks) {
    Object.assign(this, { server, store, journal, app, hooks });
    this.wait = FIRST_WAIT_MS;
    this.timer = null;
    this.lastContact = 0;
    this.sending = false;
    this.status = { state: "idle" };
  }

  /** Begin, and send at every occasion: network back, page in sight again, a sign of life from time to time. */
  start() {
    window.addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    setInterval(() => this.#signOfLife(), SIGN_OF_LIFE_MS / 4);
    this.hurry();
  }

  /** A scan was kept: send it in a moment, with those that follow at once. */
  soon() {
    if (this.timer === null && !this.sending) this.#plan(AFTER_SAVE_MS);
  }

  /** Send now instead of at the end of a pause. A withdrawn enrolment is asked for again only by hand. */
  hurry({ byHand = false } = {}) {
    if (this.status.state === "refused" && !byHand && this.timer !== null) return undefined;
    this.#stopWaiting();
    this.wait = FIRST_WAIT_MS;
    return this.#drain();
  }

  async #drain() {
    if (this.sending || !this.server.token) return;
    this.sending = true;
    this.#show({ state: "sending" });
    try {
      let batch = this.#oldest();
      do {
        await this.#send(batch);
        batch = this.#oldest();
      } while (batch.length > 0);
      this.wait = FIRST_WAIT_MS;
      this.#show({ state: "idle" });
    } catch (problem) {
      this.#pause(problem);
    } finally {
      this.sending = false;
    }
  }

  #oldest() {
    return this.journal().unsent.slice(0, BATCH);
  }

  async #send(batch) {
    const answer = await this.server.send({
      sent_at: this.server.clock.at,
      unsent: this.journal().unsent.length,
      app: this.app,
      slips: batch.map(({ id, text, signature }) => ({ id, text, signature })),
    });
    this.lastContact = this.server.clock.steady();
    const done = await this.#settle(batch, answer.verdicts ?? []);
    if (answer.device) await this.hooks.heard(answer.device);
    // An answer that names none of them would be asked for again without end.
    if (batch.length > 0 && done === 0) throw new Silence();
  }

  async #settle(batch, verdicts) {
    const sent = new Map(batch.map((record) => [record.id, record]));
    const done = verdicts
      .filter(({ id }) => sent.has(id))
      .map((verdict) => ({ ...stored(sent.get(verdict.id)), state: "acked", verdict }));
    if (done.length === 0) return 0;
    await this.store.keepScans(done, {});
    for (const { id, verdict } of done) this.journal().settle(id, verdict);
    this.hooks.answered(done);
    return done.length;
  }

  #pause(problem) {
    if (problem instanceof Refusal && problem.status === 401) {
      this.#show({ state: "refused", words: problem.message });
      return this.#plan(REFUSED_WAIT_MS);
    }
    if (!(problem instanceof Refusal || problem instanceof Silence)) {
      this.#show({ state: "failed", words: String(problem) });
    } else {
      this.#show({ state: problem instanceof Refusal ? "failed" : "silent", words: problem.message });
    }
    const wait = Math.max(this.wait * (0.75 + Math.random() / 2), (problem.waitSeconds ?? 0) * 1000);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    return this.#plan(wait);
  }

  #plan(milliseconds) {
    this.#stopWaiting();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.#drain();
    }, milliseconds);
  }

  #stopWaiting() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  // Never while hidden: a phone in a pocket must not be kept awake.
  #signOfLife() {
    if (document.hidden || this.timer !== null) return;
    if (this.server.clock.steady() - this.lastContact >= SIGN_OF_LIFE_MS) this.#drain();
  }

  #show(status) {
    this.status = status;
    this.hooks.changed(status);
  }
}

/** How often the packet is looked at while the phone is online and the page in sight. */
export const PACKET_EVERY_MS = PACKET_MS;
