// What was scanned and not yet answered. One request at a time, in the order of scanning; kept in the browser's
// storage until the server has answered, so that a lost network, a reload or an empty battery loses nothing.

import { ApiError, Unreachable, postJson } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;

export class Queue {
  /**
   * @param {string} key where it is kept: one per station and person
   * @param {object} hooks
   * @param {(entry: object, why: Unreachable) => void} hooks.waiting an entry could not be sent and is kept
   * @param {(entry: object, answer: object|null, refusal: ApiError|null) => void} hooks.late an entry of an earlier visit was answered
   * @param {(count: number) => void} hooks.changed how many are waiting
   */
  constructor(key, { waiting, late, changed }) {
    this.key = key;
    this.hooks = { waiting, late, changed };
    this.entries = this.#read();
    this.promises = new Map();
    this.wait = FIRST_WAIT_MS;
    this.timer = null;
    this.sending = false;
    window.addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    changed(this.entries.length);
    this.#drain();
  }

  /**
   * Send when its turn comes; keep until answered.
   * @param {{id: string, url: string, body: object, code: string}} entry `id` is the client-made id, which `body` carries too
   * @returns {Promise<object>} the server's answer, however late; rejects with ApiError when refused
   */
  send(entry) {
    const answered = new Promise((resolve, reject) => this.promises.set(entry.id, { resolve, reject }));
    this.entries.push(entry);
    this.#keep();
    this.#drain();
    return answered;
  }

  /** Try now instead of at the end of the pause. */
  hurry() {
    clearTimeout(this.timer);
    this.timer = null;
    this.wait = FIRST_WAIT_MS;
    this.#drain();
  }

  async #drain() {
    if (this.sending || this.timer !== null) return;
    this.sending = true;
    while (this.entries.length > 0) {
      const entry = this.entries[0];
      try {
        this.#settle(entry, await postJson(entry.url, entry.body), null);
        this.wait = FIRST_WAIT_MS;
      } catch (problem) {
        if (problem instanceof ApiError) this.#settle(entry, null, problem);
        else if (problem instanceof Unreachable) {
          this.#pause(problem);
          break;
        } else throw problem;
      }
    }
    this.sending = false;
  }

  #pause(problem) {
    const milliseconds = Math.max(this.wait, problem.waitSeconds * 1000);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.#drain();
    }, milliseconds);
    for (const entry of this.entries) this.hooks.waiting(entry, problem);
  }

  #settle(entry, answer, refusal) {
    this.entries = this.entries.filter((kept) => kept.id !== entry.id);
    this.#keep();
    const promise = this.promises.get(entry.id);
    this.promises.delete(entry.id);
    if (!promise) this.hooks.late(entry, answer, refusal);
    else if (refusal) promise.reject(refusal);
    else promise.resolve(answer);
  }

  #keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.entries));
    } catch {
      // without storage the queue lasts as long as the page; the count on the page says what is unsent
    }
    this.hooks.changed(this.entries.length);
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      return [];
    }
  }
}
