// Verifying a certificate without a network, step by step as lims/results/certificates/verifying.py does. Knows no page.

import { NotValid, readClaims, readCose, toHex, unpack } from "./container.js";
import { fromBase64 } from "../field/bytes.js";

const [EXPIRES, ISSUED, HEALTH] = [4, 6, -260];
const KINDS = ["t", "v", "r"];
const ALGORITHMS = new Map([[-7, "ES256"], [-37, "PS256"]]);
const SIGNATURE_BYTES = 64;
const SMALLEST_RSA_BITS = 2048;
const IMPORTED = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
};
const CHECKED = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
};

/**
 * Check a certificate in every respect.
 * @param {string} text HC1:…
 * @param {object} trust
 * @param {{kid: string, spki: string, from: number, until: number, usages: string[]}[]} trust.signers kid in hexadecimal
 *   digits, spki in base64, seconds; usages: the kinds of entries it may sign, none for all
 * @param {{certificates: Set<string>, kids: Set<string>}} trust.revoked hexadecimal digits
 * @param {number} at seconds
 * @returns {Promise<{claims: Map, content: Map, signer: object}>}
 * @throws {NotValid} says why in one word, with the claims that could be read
 */
export async function verify(text, { signers, revoked }, at) {
  const signed = readCose(await unpack(text));
  const claims = readClaims(signed.payload);
  try {
    const signer = await checkSignature(signed, signers);
    const content = getContent(claims);
    if (!listEntries(content).length) throw new NotValid("structure");
    checkUsages(signer, content);
    // the list is this page's own: unlike a stranger's it speaks of all signers here
    if (revoked.kids.has(signed.kid)) throw new NotValid("signer_revoked");
    await checkRevocation(content, revoked);
    checkTime(claims, at);
    checkSignerTime(signer, at);
    return { claims, content, signer };
  } catch (error) {
    if (error instanceof NotValid) throw new NotValid(error.reason, claims);
    throw error;
  }
}

/**
 * Who has signed.
 * @throws {NotValid} unknown_signer, algorithm or signature
 */
export async function checkSignature(signed, signers) {
  const candidates = signed.kid ? signers.filter(({ kid }) => kid === signed.kid) : [];
  if (!candidates.length) throw new NotValid("unknown_signer");
  for (const signer of candidates) if (await signatureFits(signed, signer)) return signer;
  throw new NotValid("signature");
}

async function signatureFits({ algorithm, signature, toBeSigned }, signer) {
  const name = ALGORITHMS.get(algorithm);
  if (!name) throw new NotValid("algorithm");
  const key = await importKey(signer.spki, name);
  if (name === "ES256" && signature.length !== SIGNATURE_BYTES) return false;
  return crypto.subtle.verify(CHECKED[name], key, signature, toBeSigned);
}

/** A signer's key for an algorithm; keys of another kind, another curve or too few bits are not accepted. */
async function importKey(spki, name) {
  const key = await crypto.subtle.importKey("spki", fromBase64(spki), IMPORTED[name], false, ["verify"]).catch(() => null);
  if (!key || key.algorithm.modulusLength < SMALLEST_RSA_BITS) throw new NotValid("algorithm");
  return key;
}

/** A signer signs only within the time of its own certificate. */
export function checkSignerTime(signer, at) {
  if (at < signer.from || at > signer.until) throw new NotValid("signer_expired");
}

/** The health certificate among the claims. */
export function getContent(claims) {
  const health = claims.get(HEALTH);
  const content = health instanceof Map ? health.get(1) : null;
  if (!(content instanceof Map)) throw new NotValid("structure");
  return content;
}

function checkUsages(signer, content) {
  if (!signer.usages.length) return;
  if (!signer.usages.some((kind) => holds(content.get(kind)))) throw new NotValid("key_usage");
}

/** Whether a value is something, as Python sees it. */
function holds(value) {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

async function checkRevocation(content, revoked) {
  for (const uvci of listUvcis(content)) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(uvci)));
    if (revoked.certificates.has(toHex(hash.subarray(0, 16)))) throw new NotValid("revoked");
  }
}

function listUvcis(content) {
  return listEntries(content).flatMap((entry) => (typeof entry.get("ci") === "string" ? [entry.get("ci")] : []));
}

/** Tests, vaccinations and recoveries; whatever is no entry is passed over. */
function listEntries(content) {
  const lists = KINDS.flatMap((kind) => (Array.isArray(content.get(kind)) ? content.get(kind) : []));
  return lists.filter((entry) => entry instanceof Map);
}

function checkTime(claims, at) {
  const [issued, expires] = [seconds(claims.get(ISSUED)), seconds(claims.get(EXPIRES))];
  if (issued !== null && at < issued) throw new NotValid("not_yet_valid");
  if (expires === null) throw new NotValid("structure");
  if (at > expires) throw new NotValid("expired");
}

function seconds(value) {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.getTime() / 1000;
  if (typeof value !== "number" || !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new NotValid("structure");
  return value;
}
