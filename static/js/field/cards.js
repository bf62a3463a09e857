// The QR of an identity card or of a phone (PC-Covid), as lims/intake/identity.py reads it. Pure.
// The card's whole text travels in the slip and the server reads it again; here is only what the collector must see.
// tests/field/test_app_reading.py compares the two, sentences included.

import { CodeError } from "../codes.js";
import { birthOf } from "./births.js";
import { cleanName, cleanText, fold } from "./names.js";

const LONGEST_QR = 2000;
const LONGEST_ADDRESS = 300;
const SEXES = { nam: "male", nu: "female" };

/**
 * Read the QR of a person.
 * @param {string} text what the scanner read
 * @returns {{number: string, name: string, year: number|null, birth: string, sex: string}} `number` tells one card
 *     from another; `birth` as it is known, ISO
 * @throws {CodeError} it is neither kind, or was not read completely
 */
export function readPersonQr(text) {
  if (text.length > LONGEST_QR)
    throw new CodeError("Too long: at most %(longest)s characters.", { longest: LONGEST_QR });
  const fields = text
    .trim()
    .split("|")
    .map((part) => part.trim());
  if (fields.length >= 7 && Object.hasOwn(SEXES, fold(fields[4]))) return readCard(fields);
  if (fields.length >= 5 && ["0", "1"].includes(fields[3])) return readPersonal(fields);
  throw new CodeError(
    "This is not the QR of an identity card or a personal QR. Scan the card again, or type the details.",
  );
}

function readCard([number, oldNumber, name, birth, sex, address]) {
  if (!/^[0-9]{12}$/.test(number) || !/^([0-9]{9}|[0-9]{12}|)$/.test(oldNumber)) {
    throw new CodeError("The QR holds no identity number of 12 digits. Scan it again, or type the details.");
  }
  const read = { number, name: cleanName(name), ...cardBirth(birth), sex: SEXES[fold(sex)] };
  cleanText(address, LONGEST_ADDRESS);
  return read;
}

function cardBirth(digits) {
  try {
    if (!/^[0-9]{8}$/.test(digits)) throw new RangeError(digits);
    const [day, month, year] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].map(Number);
    // A card of somebody whose birthday was never recorded has zeros in its place.
    const { iso } = birthOf(year, month || null, day || null);
    return { year, birth: iso };
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    throw new CodeError("The birth date in the QR cannot be read. Scan it again, or type the details.");
  }
}

function readPersonal([number, name, birth, , qid, extension = ""]) {
  if (!number.includes("*")) checkNumber(number);
  else cleanText(number, 20);
  const said = extension.split("<")[1] ?? "";
  if (!/^[012]?$/.test(said)) throw new CodeError("“%(text)s” is not a sex. Write Nam or Nữ.", { text: said });
  const sex = { 1: "male", 2: "female" }[said] ?? "unknown";
  return { number: cleanText(qid, 64) || number, name: cleanName(name), ...personalBirth(birth), sex };
}

function checkNumber(text) {
  const number = cleanText(text, 40)
    .replace(/[\s.-]/g, "")
    .toUpperCase();
  if (number.length <= 20 && /^[0-9A-Z]*$/.test(number)) return;
  throw new CodeError("An identity number has only digits and letters, at most 20. Write it again.");
}

// A phone masks day and month by default: 1990-**-** is the year alone.
function personalBirth(text) {
  const shown = /^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?/.exec(text);
  try {
    if (!shown) throw new RangeError(text);
    const [year, month, day] = shown.slice(1).map((part) => (part === undefined ? null : Number(part)));
    return { year, birth: birthOf(year, month, day).iso };
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    return { year: null, birth: "" };
  }
}
