// The outer layers of a certificate: HC1: + base45 + zlib + COSE_Sign1; as lims/results/certificates/container.py reads
// them. Pure.

import { decodeBase45 } from "./base45.js";
import { decodeCbor, signedBytes, Tag } from "./cbor.js";

const MOST_CHARACTERS = 100_000;
const MOST_BYTES = 64 * 1024;
const ADLER_BYTES = 4;
const [ALGORITHM, KEY_ID] = [1, 4];
const [TAG_SIGN1, TAG_CWT] = [18, 61];

/** A certificate does not hold: `reason` is a word of lims/results/certificates/refusals.py. */
export class NotValid extends Error {
  constructor(reason, claims = null) {
    super(reason);
    Object.assign(this, { reason, claims });
  }
}

/**
 * The COSE message in the text of a QR code, exactly as it is.
 * @throws {NotValid} prefix, base45, compression or too_large
 */
export async function unpack(text, { prefix = "HC1:", most = MOST_BYTES } = {}) {
  if (!text.startsWith(prefix)) throw new NotValid("prefix");
  if (text.length > Math.max(MOST_CHARACTERS, 2 * most)) throw new NotValid("too_large");
  return inflate(attempt("base45", () => decodeBase45(text.slice(prefix.length))), most);
}

/** What a zlib stream holds; it must end where the bytes end, and as an encoder ends it. */
async function inflate(packed, most) {
  const unpacked = await inflateOnce(packed, most);
  if (unpacked === null) throw new NotValid("compression");
  if (unpacked.length > most) throw new NotValid("too_large");
  if (await hasLooseBits(packed, unpacked)) throw new NotValid("compression");
  return unpacked;
}

async function inflateOnce(packed, most) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      if (size > most) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    return null;
  }
  const whole = new Uint8Array(size);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** Nothing reads the bits after the last symbol: one that is set is no encoder's, and would be another text. */
async function hasLooseBits(packed, unpacked) {
  const at = packed.length - ADLER_BYTES - 1;
  if (!packed[at]) return false;
  const changed = packed.slice();
  changed[at] ^= 1 << (31 - Math.clz32(packed[at]));
  const again = await inflateOnce(changed, unpacked.length);
  return again !== null && again.length === unpacked.length && again.every((byte, place) => byte === unpacked[place]);
}

/**
 * A COSE_Sign1 message, tagged or not, within a CWT tag or not.
 * @throws {NotValid} structure
 */
export function readCose(cose) {
  let message = load(cose);
  for (const tag of [TAG_CWT, TAG_SIGN1]) if (message instanceof Tag && message.number === tag) message = message.value;
  if (!Array.isArray(message) || message.length !== 4) throw new NotValid("structure");
  const [protectedHeader, unprotected, payload, signature] = message;
  const bytes = [protectedHeader, payload, signature].every((value) => value instanceof Uint8Array);
  if (!bytes || !(unprotected instanceof Map)) throw new NotValid("structure");
  const header = protectedHeader.length ? load(protectedHeader) : new Map();
  if (!(header instanceof Map)) throw new NotValid("structure");
  const named = (key) => (header.has(key) ? header.get(key) : unprotected.get(key));
  const kid = named(KEY_ID);
  return {
    kid: kid instanceof Uint8Array ? toHex(kid) : "",
    algorithm: named(ALGORITHM),
    payload,
    signature,
    toBeSigned: signedBytes(protectedHeader, payload),
  };
}

/**
 * The claims of a CWT (RFC 8392).
 * @returns {Map}
 * @throws {NotValid} structure
 */
export function readClaims(payload) {
  const claims = load(payload);
  if (!(claims instanceof Map)) throw new NotValid("structure");
  return claims;
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function load(bytes) {
  return attempt("structure", () => decodeCbor(bytes));
}

function attempt(reason, step) {
  try {
    return step();
  } catch (error) {
    if (error instanceof RangeError) throw new NotValid(reason);
    throw error;
  }
}
