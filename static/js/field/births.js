// Birth dates as lims/intake/birth_dates.py reads them: day first, or only the month or the year. Pure.
// tests/field/test_app_reading.py compares the two, sentences included.

import { CodeError } from "../codes.js";

const EARLIEST_YEAR = 1900;
const DAYS_IN = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Read a birth date as people write it.
 * @param {string} text dd/mm/yyyy, mm/yyyy or yyyy, also with dots, dashes or blanks, or the year first
 * @param {string} today yyyy-mm-dd
 * @returns {{year: number, iso: string, written: string}} `written` as people write it: 17/05/1990
 * @throws {CodeError} with the server's own sentence
 */
export function readBirthDate(text, today) {
  const written = text.trim();
  if (!written) throw new CodeError("The birth date is missing. Write day/month/year, or only the year.");
  const birth = fromNumbers(numbers(written), written);
  if (birth.year < EARLIEST_YEAR) throw tooEarly(birth.year);
  if (birth.iso.padEnd(10, "-01") > today) {
    throw new CodeError("The birth date %(date)s is in the future. Check it.", { date: written });
  }
  return birth;
}

/**
 * A birth date of known parts; a part that is not known is null.
 * @throws {RangeError} there is no such date
 */
export function birthOf(year, month = null, day = null) {
  if (year < 1 || (month === null && day !== null)) throw new RangeError("no such date");
  if (month !== null && !(month >= 1 && month <= 12)) throw new RangeError("no such month");
  if (day !== null && !(day >= 1 && day <= daysOf(year, month))) throw new RangeError("no such day");
  const parts = [String(year).padStart(4, "0"), ...[month, day].filter((part) => part !== null).map(two)];
  return { year, iso: parts.join("-"), written: parts.reverse().join("/") };
}

function daysOf(year, month) {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && !leap ? 28 : DAYS_IN[month - 1];
}

function two(number) {
  return String(number).padStart(2, "0");
}

function numbers(written) {
  let parts = written.split(/\s*[/\-.\s]\s*/);
  if (parts.length === 1 && written.length === 8) parts = [written.slice(0, 2), written.slice(2, 4), written.slice(4)];
  return parts.every((part) => /^[0-9]+$/.test(part)) ? parts : [];
}

function fromNumbers(found, written) {
  const parts = found.length > 1 && found[0].length === 4 ? found.reverse() : found;
  const shape = parts.map((part) => part.length);
  if (parts.length < 1 || parts.length > 3 || shape.at(-1) !== 4 || shape.slice(0, -1).some((length) => length > 2)) {
    throw new CodeError("“%(text)s” is not a birth date. Write day/month/year (four digits), or only the year.", {
      text: written.slice(0, 40),
    });
  }
  const [year, month = 0, day = 0] = parts.map(Number).reverse();
  if (!year) throw tooEarly(year);
  if (parts.length > 1 && !(month >= 1 && month <= 12)) {
    throw new CodeError("There is no month %(month)s. Write the day first: day/month/year.", { month });
  }
  try {
    return birthOf(year, month || null, parts.length === 3 ? day : null);
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    throw new CodeError("There is no day %(day)s in month %(month)s of %(year)s. Check the birth date.", {
      day,
      month,
      year,
    });
  }
}

function tooEarly(year) {
  return new CodeError("The birth year %(year)s is before 1900. Check the year.", { year });
}
