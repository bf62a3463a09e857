// Base45 (RFC 9285): three characters for two bytes, two for a last single one. Pure.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/**
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {RangeError} it has other characters, or cannot have been written by an encoder
 */
export function decodeBase45(text) {
  const bytes = [];
  for (let at = 0; at < text.length; at += 3) {
    const values = [...text.slice(at, at + 3)].map((character) => VALUES.get(character));
    if (values.length < 2 || values.includes(undefined)) throw new RangeError("base45");
    const number = values.reduce((sum, value, place) => sum + value * 45 ** place, 0);
    if (number > (values.length === 3 ? 0xffff : 0xff)) throw new RangeError("base45");
    if (values.length === 3) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return Uint8Array.from(bytes);
}
