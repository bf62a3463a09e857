// The reception station: a box opens its page, a tube is received, out of the page's box or without one.

import { say } from "./messages.js";
import { setCount } from "./pictures.js";
import { Station } from "./station.js";

const root = document.querySelector("[data-station]");
const condition = root.querySelector("[data-condition]");
const counter = root.querySelector("[data-counter]");
const { box, laboratory, boxPage } = root.dataset;
// What was received but must be looked at is amber, not green.
const LOOK = new Set(["waits_for_names", "extra", "too_old", "refused_condition"]);

async function take(code, kind, scan) {
  if (kind === "box") {
    location.assign(boxPage.replace("XXXXXXXXX", code));
    return null;
  }
  const url = box ? `/api/v1/boxes/${box}/received-tubes` : "/api/v1/received-tubes";
  const answer = await scan.send(url, {
    client_id: scan.id,
    laboratory_id: laboratory,
    tubes: [{ code, condition: condition.value }],
  });
  condition.value = "good";
  const verdict = answer.verdicts[0];
  if (box) {
    setCount(counter, answer.count);
    if (verdict.verdict !== "wrong") root.querySelector(`[data-unscanned] [data-tube="${code}"]`)?.remove();
  }
  const look = LOOK.has(verdict.code);
  const titles = { good: look ? say("Look here") : say("Received"), again: say("Already received"), wrong: say("Stop") };
  return {
    verdict: look ? "again" : verdict.verdict,
    title: titles[verdict.verdict],
    text: verdict.message,
    next: box && answer.count >= answer.of ? say("All tubes of the list are here. Finish the box.") : say("Scan the next tube."),
  };
}

new Station(root, { expect: box ? ["tube"] : ["tube", "box"], onScan: take });
