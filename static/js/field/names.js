// Names as lims/names.py has them: cleaned before they are kept, folded before they are compared. Pure.

import { CodeError } from "../codes.js";

const LONGEST = 120;
const INVISIBLE = /[\u00ad\u200b\u200c\u200d\u2060\ufeff]/g;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u;

/** Without marks, without case, single blanks: "Hòa", "Hoà" and "HOA" are one. For comparing, never for showing. */
export function fold(text) {
  return blanks(
    text.normalize("NFC").replace(/[đĐ]/g, "d").normalize("NFD").replace(/\p{M}/gu, "").normalize("NFC").toLowerCase(),
  );
}

/**
 * Free text on one line: composed, single blanks, nothing invisible.
 * @throws {CodeError} with the server's own sentence
 */
export function cleanText(text, longest) {
  const cleaned = blanks(text.replace(INVISIBLE, "").normalize("NFC"));
  if ([...cleaned].length > longest) throw new CodeError("Too long: at most %(longest)s characters.", { longest });
  const odd = UNPRINTABLE.exec(cleaned)?.[0] ?? (cleaned.includes("\ufffd") ? "\ufffd" : "");
  if (odd === "\ufffd") throw new CodeError("Some letters could not be read. Write the text again.");
  if (odd) {
    const code = `U+${odd.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    throw new CodeError("A character that cannot be printed (%(code)s) is not allowed. Write the text again.", {
      code,
    });
  }
  return cleaned;
}

/** A person's name ready to keep. */
export function cleanName(text) {
  const name = cleanText(text, LONGEST);
  if (!name) throw new CodeError("The name is missing. Write the full name.");
  if (!/\p{L}/u.test(name)) throw new CodeError("A name needs letters. Write the full name.");
  return name;
}

function blanks(text) {
  return text.trim().split(/\s+/u).join(" ");
}
