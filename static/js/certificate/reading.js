// What a certificate says, as rows to be shown. Knows words, not the page.

import { say, tellMoment } from "./wording.js";

const FINDINGS = { 260415000: "not_detected", 260373001: "detected" };
const TONES = { not_detected: "good", detected: "stop" };
const DISEASE = "840539006";

/**
 * @param {Map} claims
 * @returns {{tone: string, finding: string, rows: [string, string][]}} none of it where it is no test's certificate
 */
export function describe(claims) {
  const content = claims.get(-260)?.get?.(1);
  const tests = content?.get?.("t");
  const test = Array.isArray(tests) ? tests[0] : null;
  const name = content?.get?.("nam");
  const rows = [
    [say("Full name"), [text(name?.get?.("fn")), text(name?.get?.("gn"))].filter(Boolean).join(" ")],
    [say("Date of birth"), text(content?.get?.("dob")).split("-").reverse().join("/")],
  ];
  if (!(test instanceof Map)) return { tone: "look", finding: say("This is no certificate of a test."), rows: filled(rows) };
  const finding = FINDINGS[text(test.get("tr"))] ?? "";
  rows.push(
    [say("Sample taken"), moment(test.get("sc"))],
    [say("Valid until"), moment(claims.get(4))],
    [say("Tested for"), text(test.get("tg")) === DISEASE ? "SARS-CoV-2" : text(test.get("tg"))],
    [say("Test"), text(test.get("nm"))],
    [say("Laboratory"), text(test.get("tc"))],
    [say("Issued by"), [text(test.get("is")), text(test.get("co"))].filter(Boolean).join(", ")],
    [say("Identifier"), text(test.get("ci"))],
  );
  const words = { detected: say("Detected"), not_detected: say("Not detected") };
  return { tone: TONES[finding] ?? "look", finding: words[finding] ?? say("Another finding"), rows: filled(rows) };
}

function filled(rows) {
  return rows.filter(([, value]) => value);
}

function text(value) {
  return typeof value === "string" ? value : "";
}

function moment(value) {
  const seconds = { string: () => Date.parse(value) / 1000, number: () => value }[typeof value]?.() ?? value?.getTime?.() / 1000;
  return Number.isFinite(seconds) ? tellMoment(seconds) : text(value);
}
