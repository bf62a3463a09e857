// The phone's keys: what signs a slip, what the server knows the phone by, what seals a hand-over file (docs/field.md).
// The private key never leaves the browser: it is made not to be exported and is kept as it is in IndexedDB.

import { fromBase64, toBase64, toBase64Url } from "./bytes.js";

const SIGNING = { name: "ECDSA", namedCurve: "P-256" };
const AGREEING = { name: "ECDH", namedCurve: "P-256" };
const FILE_INFO = "lims field file v1";
const TOKEN_BYTES = 32;

/** A new pair of keys and a token for one enrolment: {pair, publicKey (base64), token}. */
export async function makeKeys() {
  const pair = await crypto.subtle.generateKey(SIGNING, false, ["sign", "verify"]);
  const publicKey = toBase64(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { pair, publicKey, token: toBase64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))) };
}

/** The signature (r and s, base64) of a slip's text. */
export async function sign(pair, text) {
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    pair.privateKey,
    new TextEncoder().encode(text),
  );
  return toBase64(signature);
}

/**
 * Encrypt to the server, so that whoever carries the file can't read it.
 * @param {string} serverKey its public point, base64
 * @param {object} content
 * @returns {Promise<{v: 1, made_at: string, ephemeral: string, iv: string, sealed: string}>}
 */
export async function seal(serverKey, content) {
  const ours = await crypto.subtle.generateKey(AGREEING, false, ["deriveBits"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await fileKey(ours.privateKey, serverKey);
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv },
    key,
    new TextEncoder().encode(JSON.stringify(content)),
  );
  const ephemeral = toBase64(await crypto.subtle.exportKey("raw", ours.publicKey));
  return { v: 1, made_at: content.made_at, ephemeral, iv: toBase64(iv), sealed: toBase64(sealed) };
}

async function fileKey(privateKey, serverKey) {
  const theirs = await crypto.subtle.importKey("raw", fromBase64(serverKey), AGREEING, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256);
  const material = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const rule = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: new TextEncoder().encode(FILE_INFO) };
  return crypto.subtle.deriveKey(rule, material, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
}
