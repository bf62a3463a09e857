// A sentence as data: rules say which one and with what, the page says it in its language (messages.js).
// tests/field/test_app_words.py finds what `words` and `say` are given in this folder.

import { grouped } from "../codes.js";

/**
 * A sentence to be said later.
 * @param {string} msgid English
 * @param {object} [parameters] put in for %(name)s
 * @returns {{msgid: string, parameters: object}}
 */
export function words(msgid, parameters = {}) {
  return { msgid, parameters };
}

/** What a name shows when it is no sentence: a person, a code. */
export function plain(text) {
  return { plain: text };
}

/** How a person is called on the screen: name and year, or the code where the roster does not know them. */
export function called(person) {
  const name = person.name || grouped(person.declaration ?? "");
  return person.year ? `${name} · ${person.year}` : name;
}

const CLOCK = new Intl.DateTimeFormat("vi", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZone: "Asia/Ho_Chi_Minh",
});

/** "08:42" of a moment in milliseconds, in the campaign's zone. */
export function hour(milliseconds) {
  return CLOCK.format(milliseconds);
}
