// Bytes as text and back: base64 as the server reads it, base64url without padding as tokens are written. Pure.

/** @param {ArrayBuffer|Uint8Array} bytes */
export function toBase64(bytes) {
  let binary = "";
  // In pieces: a call takes only so many arguments, and a hand-over file has thousands of scans.
  const all = new Uint8Array(bytes);
  for (let at = 0; at < all.length; at += 8192) binary += String.fromCharCode(...all.subarray(at, at + 8192));
  return btoa(binary);
}

/** @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @param {ArrayBuffer|Uint8Array} bytes */
export function toBase64Url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
