// Words of the page that checks certificates, in both languages at once: a file on a disk has no server to ask for another.

const CATALOGUE = JSON.parse(document.getElementById("words").textContent); // language → msgid → words
const LOCALES = { vi: "vi-VN", en: "en-GB" };
const MOMENT = {
  timeZone: "Asia/Ho_Chi_Minh",
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
};
let language = "vi";

/** A sentence in the page's language, with its %(name)s parameters put in. */
export function say(msgid, parameters = {}) {
  const words = CATALOGUE[language][msgid] ?? msgid;
  return words.replace(/%\((\w+)\)s/g, (whole, name) => String(parameters[name] ?? whole));
}

/** Speak another language; what stands in the page already is put into it. */
export function speak(chosen) {
  language = chosen in CATALOGUE ? chosen : "vi";
  document.documentElement.lang = language;
  document.title = say("Check a result sheet");
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
}

/** The other language than the page's. */
export function otherLanguage() {
  return language === "vi" ? "en" : "vi";
}

/** A moment as people read it: 08:42 16/08/2021. @param {number} seconds */
export function tellMoment(seconds) {
  return new Intl.DateTimeFormat(LOCALES[language], MOMENT).format(new Date(seconds * 1000));
}

/** How long ago a moment was, in the largest unit that fits. @param {number} seconds */
export function tellAge(seconds) {
  const minutes = Math.max(0, Math.floor((Date.now() / 1000 - seconds) / 60));
  if (minutes < 60) return say("%(count)s minutes old", { count: minutes });
  if (minutes < 48 * 60) return say("%(count)s hours old", { count: Math.floor(minutes / 60) });
  return say("%(count)s days old", { count: Math.floor(minutes / 1440) });
}
