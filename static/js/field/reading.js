// What a text is that a camera or a scanner read: one of our codes, a card, a command, an enrolment, or nothing of ours.
// Pure. Nothing is guessed: a misread code is told with what it may have been (codes.js) and never taken by itself.

import { CodeError, parse } from "../codes.js";
import { readPersonQr } from "./cards.js";

const COMMANDS = { "CMD-UNDO": "undo", "CMD-DONE": "done" };
const ENROLMENT = /#enrol=([A-Za-z0-9_-]{20,128})$/;
const ADDRESS = /^(?:https?:\/\/|www\.)([^/?#\s]+)/i;

/**
 * Tell what was read.
 * @param {string} text as scanned or typed
 * @returns {{is: "command", command: string} | {is: "enrolment", code: string} | {is: "card", card: object, text: string}
 *     | {is: "code", kind: string, code: string}}
 * @throws {CodeError} it is nothing that can be used here; the sentence says why
 */
export function read(text) {
  const trimmed = text.trim();
  const command = COMMANDS[trimmed.toUpperCase()];
  if (command) return { is: "command", command };
  const enrolment = enrolmentCode(trimmed);
  if (enrolment) return { is: "enrolment", code: enrolment };
  if (trimmed.includes("|")) return { is: "card", card: readPersonQr(trimmed), text: trimmed };
  return readCode(trimmed);
}

/** The enrolment code in the address that a coordinator's QR holds, or "". */
export function enrolmentCode(text) {
  return ENROLMENT.exec(text.trim())?.[1] ?? "";
}

/** What tells one sighting from another: the same label read twice gives the same key. */
export function keyOf(found) {
  return found.code ?? found.command ?? found.text;
}

function readCode(text) {
  try {
    const { kind, text: code } = parse(text);
    return { is: "code", kind, code };
  } catch (problem) {
    const address = ADDRESS.exec(text);
    // A result page's address ends with the secret code: codes.js has a sentence of its own for that one.
    if (!address || /secret/.test(problem.message)) throw problem;
    throw new CodeError("This is a web address (%(host)s), not a code of ours. Scan the work code or the card.", {
      host: address[1].slice(0, 40),
    });
  }
}
