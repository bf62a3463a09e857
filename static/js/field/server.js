// The few requests of docs/field.md, without cookies. A refusal is a Refusal with the server's own words; silence is
// Silence, after which the same may be asked again.

const ROOT = "/api/v1/field";
const PATIENCE_MS = 20_000;

/** The server answered and said no; `status` 401: the token is not known or withdrawn. */
export class Refusal extends Error {
  constructor(status, message, code = "") {
    super(message);
    this.name = "Refusal";
    Object.assign(this, { status, code });
  }
}

/** No answer, or one that only asks for patience. */
export class Silence extends Error {
  constructor(status = 0, waitSeconds = 0) {
    super(`no answer (${status})`);
    this.name = "Silence";
    Object.assign(this, { status, waitSeconds });
  }
}

export class Server {
  /**
   * @param {import("./clock.js").Clock} clock measured by every answer
   * @param {string} language "vi" or "en"
   */
  constructor(clock, language) {
    Object.assign(this, { clock, language });
    this.token = "";
  }

  /** Use up an enrolment code. */
  async enrol(body) {
    return (await this.#ask("/enrolments", { body })).answer;
  }

  /**
   * Fetch the packet unless it is the one at hand.
   * @param {string} etag of the packet at hand, or ""
   * @returns {Promise<{packet: object, etag: string}|null>} null: unchanged
   */
  async fetchPacket(etag) {
    const { response, answer } = await this.#ask("/packet", { headers: etag ? { "If-None-Match": etag } : {} });
    return response.status === 304 ? null : { packet: answer, etag: response.headers.get("ETag") ?? "" };
  }

  /** Send scans; none is a sign of life. */
  async send(body) {
    return (await this.#ask("/scans", { body })).answer;
  }

  /** Hand in another phone's file. */
  async sendFile(text) {
    return (await this.#ask("/files", { body: { file: text } })).answer;
  }

  async #ask(path, { body, headers = {} }) {
    const sent = this.clock.wall();
    const response = await this.#fetch(path, body, headers);
    const received = this.clock.wall();
    const answer = response.status === 304 ? {} : await response.json().catch(() => ({}));
    if (!response.ok && response.status !== 304) throw asProblem(response, answer);
    if (answer.server_time) this.clock.measure(sent, received, answer.server_time);
    return { response, answer };
  }

  async #fetch(path, body, headers) {
    const given = { Accept: "application/json", "Accept-Language": this.language, ...headers };
    if (this.token) given.Authorization = `Device ${this.token}`;
    if (body) given["Content-Type"] = "application/json";
    try {
      return await fetch(ROOT + path, {
        method: body ? "POST" : "GET",
        credentials: "omit",
        cache: "no-store",
        headers: given,
        body: body ? JSON.stringify(body) : undefined,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      throw new Silence(); // fetch gives one kind of error for every way of not arriving
    }
  }
}

function asProblem(response, answer) {
  const { status } = response;
  if (status === 429 || status >= 500) return new Silence(status, Number(response.headers.get("Retry-After")) || 0);
  return new Refusal(status, answer.message ?? String(status), answer.code ?? "");
}
