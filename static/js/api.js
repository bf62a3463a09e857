// The JSON API as pages call it. A refusal is an ApiError with the server's own (translated) words; silence is an
// Unreachable, after which the same request with the same client-made id may be sent again.

const PATIENCE_MS = 15_000;

/** The server answered and said no. */
export class ApiError extends Error {
  constructor({ message, field = "", code = "", status = 0, answer = {} }) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { field, code, status, answer });
  }
}

/** No answer, or one that only asks for patience (429, 5xx) or for a new sign-in (401). Nothing is known of the effect. */
export class Unreachable extends Error {
  constructor(status = 0, waitSeconds = 0) {
    super(`no answer (${status})`);
    this.name = "Unreachable";
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

/** A client-made id. randomUUID exists only on HTTPS and localhost; a ward's own network may have neither. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * Post JSON and read JSON.
 * @param {string} url
 * @param {object} body
 * @returns {Promise<object>} the answer; {} for one without a body
 * @throws {ApiError|Unreachable}
 */
export async function postJson(url, body) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "",
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Unreachable(); // fetch gives one kind of error for every way of not arriving
  }
  const answer = await readAnswer(response);
  if (response.ok) return answer;
  const refusal = asError(response.status, answer);
  // A token of a session that has ended says the same as 401: nothing is wrong with what was sent.
  const status = refusal.code === "csrf" ? 401 : response.status;
  if (status === 401 || status === 429 || status >= 500) {
    throw new Unreachable(status, Number(response.headers.get("Retry-After")) || 0);
  }
  throw refusal;
}

async function readAnswer(response) {
  const text = await response.text().catch(() => "");
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return {}; // a proxy's HTML page
  }
}

function asError(status, answer) {
  const said = answer.error ?? answer;
  return new ApiError({
    message: said.message || String(status),
    field: said.field ?? "",
    code: said.code ?? "",
    status,
    answer,
  });
}
