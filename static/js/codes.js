// Every printed code in the browser: the same rules as lims/codes.py, which says why they are so.
// tests/test_codes_in_browser.py compares the two, messages included. No code is minted here.

export const ALPHABET = "0123456789CFGHJKMNPRTVX";
export const PREFIXES = Object.freeze({
  declaration: "K",
  tube: "T",
  box: "X",
  pool: "P",
  plate: "G",
  extraction: "R",
  badge: "C",
  household: "H",
  site: "V",
});
export const LENGTH = 9;
export const RESULT_LENGTH = 14;

const BASE = ALPHABET.length;
const ECHO_LENGTH = 40;
const FOLDED = { O: "0", Q: "0", D: "0", I: "1", L: "1", Z: "2", S: "5", B: "8" };
const DROPPED = /[ \t\r\n\u00a0\u2009\u200b\u202f\ufeff\u2010-\u2013-]/g;
const KINDS = Object.fromEntries(Object.entries(PREFIXES).map(([kind, letter]) => [letter, kind]));

const OF_KIND = {
  declaration: "%(code)s is the code of a declaration. Scan a code that begins with %(letters)s.",
  tube: "%(code)s is the code of a tube. Scan a code that begins with %(letters)s.",
  box: "%(code)s is the code of a box. Scan a code that begins with %(letters)s.",
  pool: "%(code)s is the code of a pool. Scan a code that begins with %(letters)s.",
  plate: "%(code)s is the code of a plate. Scan a code that begins with %(letters)s.",
  extraction: "%(code)s is the code of an extraction. Scan a code that begins with %(letters)s.",
  badge: "%(code)s is the code of a staff badge. Scan a code that begins with %(letters)s.",
  household: "%(code)s is the code of a household. Scan a code that begins with %(letters)s.",
  site: "%(code)s is the code of a site. Scan a code that begins with %(letters)s.",
};

/** A scan that is not the code asked for. `message` is the English msgid, to be looked up in the catalogue. */
export class CodeError extends Error {
  constructor(message, parameters = {}) {
    super(message);
    this.name = "CodeError";
    this.parameters = parameters;
  }

  /**
   * The sentence to show.
   * @param {(msgid: string) => string} translate looks a msgid up; English when left out.
   */
  sentence(translate = (msgid) => msgid) {
    return translate(this.message).replace(/%\((\w+)\)s/g, (whole, name) => this.parameters[name] ?? whole);
  }
}

/** Upper case, without spaces and hyphens, look-alike letters folded. Only ASCII changes case. */
export function normalise(text) {
  return text
    .replace(DROPPED, "")
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/[OQDILZSB]/g, (letter) => FOLDED[letter]);
}

/** The two check characters of a prefix letter and six random characters. */
export function checkCharacters(body) {
  const [plain, weighted] = sums(body + ALPHABET[0].repeat(2));
  return ALPHABET[modulo(plain - weighted)] + ALPHABET[modulo(weighted - 2 * plain)];
}

/**
 * Read a scanned or typed code.
 * @param {string} text as scanned or typed
 * @param {string|string[]|null} expect the kind or kinds that fit here; any when left out
 * @returns {{kind: string, text: string}}
 * @throws {CodeError} with the code it may have been in `parameters.suggestion`, where there is one
 */
export function parse(text, expect = null) {
  const code = normalise(text);
  if (!code) throw new CodeError("Scan or type a code.");
  if (mayBeResultCode(code.slice(code.lastIndexOf("#") + 1))) {
    throw new CodeError(
      "This is a secret result code, which belongs to the person alone. Scan the work code instead.",
    );
  }
  if (/[^\P{L}A-Za-z]/u.test(code)) {
    throw new CodeError(
      "Switch off the Vietnamese input method, then scan again: %(code)s has letters with marks.",
      { code: echo(text) },
    );
  }
  if (!isSound(code)) throw unsound(code, text);
  const kind = KINDS[code[0]];
  const expected = typeof expect === "string" ? [expect] : expect;
  if (expected && !expected.includes(kind)) {
    const letters = expected.map((wanted) => PREFIXES[wanted]).join(" / ");
    throw new CodeError(OF_KIND[kind], { code: grouped(code), letters });
  }
  return { kind, text: code };
}

/** The only sound code that differs in one character, or null. Offer it, never take it. */
export function suggest(text) {
  const code = [...normalise(text)];
  if (code.length !== LENGTH) return null;
  const foreign = code.findIndex((character) => !ALPHABET.includes(character));
  const [plain, weighted] = sums(code);
  let at;
  if (plain) at = LENGTH - modulo(weighted * inverse(plain));
  else if (foreign >= 0) at = foreign;
  else return null;
  if (at < 0 || at >= LENGTH) return null;
  code[at] = ALPHABET[modulo(value(code[at]) - plain)];
  const mended = code.join("");
  return isSound(mended) ? mended : null;
}

/** Groups of three, or 5-5-4 for a result code. */
export function grouped(code) {
  const size = code.length === RESULT_LENGTH ? 5 : 3;
  return code.match(new RegExp(`.{1,${size}}`, "gsu"))?.join(" ") ?? "";
}

/** The result code as typed, normalised, or null. */
export function checkResultCode(text) {
  const code = normalise(text);
  return mayHave(code, RESULT_LENGTH) && sums(code)[1] === 0 ? code : null;
}

function sums(code) {
  let plain = 0;
  let weighted = 0;
  [...code].reverse().forEach((character, index) => {
    plain += value(character);
    weighted += (index + 1) * value(character);
  });
  return [modulo(plain), modulo(weighted)];
}

function value(character) {
  return Math.max(ALPHABET.indexOf(character), 0);
}

function modulo(number) {
  return ((number % BASE) + BASE) % BASE;
}

function inverse(number) {
  for (let candidate = 1; candidate < BASE; candidate += 1) {
    if (modulo(candidate * number) === 1) return candidate;
  }
  throw new RangeError("0 has no inverse");
}

function mayHave(code, length) {
  return code.length === length && [...code].every((character) => ALPHABET.includes(character));
}

function isSound(code) {
  const [plain, weighted] = sums(code);
  return mayHave(code, LENGTH) && code[0] in KINDS && plain === 0 && weighted === 0;
}

function mayBeResultCode(code) {
  return mayHave(code, RESULT_LENGTH) && !/^\d+$/.test(code);
}

function unsound(code, text) {
  const suggestion = suggest(code);
  if (suggestion) {
    return new CodeError(
      "%(code)s is not right. Did you mean %(suggestion)s? Read the label again.",
      { code: echo(text), suggestion: grouped(suggestion) },
    );
  }
  if (mayHave(code, LENGTH) && code[0] in KINDS) {
    return new CodeError(
      "%(code)s is not right: its check characters do not fit. Read the label again.",
      { code: echo(text) },
    );
  }
  return new CodeError(
    "%(code)s is not a code of this system: scan the label again, or type its nine characters.",
    { code: echo(text) },
  );
}

function echo(text) {
  const shown = [...text.trim().replace(/[\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu, " ")];
  return shown.length <= ECHO_LENGTH ? shown.join("") : shown.slice(0, ECHO_LENGTH).join("") + "…";
}
