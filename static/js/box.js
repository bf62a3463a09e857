// The boxing station: every tube scanned goes into the box; undo takes it out.

import { newId } from "./api.js";
import { say } from "./messages.js";
import { setCount } from "./pictures.js";
import { Station } from "./station.js";

const root = document.querySelector("[data-station]");
const counter = root.querySelector("[data-counter]");
const { box, place } = root.dataset;

async function pack(code, _kind, scan) {
  const answer = await scan.send(`/api/v1/boxes/${box}/tubes`, { client_id: scan.id, place_id: place, tubes: [code] });
  setCount(counter, answer.count);
  const verdict = answer.verdicts[0];
  const titles = { good: say("In the box"), again: say("Already in this box"), wrong: say("Stop") };
  return {
    verdict: verdict.verdict,
    title: verdict.verdict === "wrong" ? say("Stop") : `${titles[verdict.verdict]}: ${answer.count}`,
    text: verdict.message,
    next: say("Scan the next tube, or seal the box."),
    undo: verdict.verdict === "good" ? () => takeOut(code, scan) : undefined,
  };
}

async function takeOut(code, scan) {
  const answer = await scan.send(`/api/v1/boxes/${box}/removed-tubes`, { client_id: newId(), tubes: [code] });
  setCount(counter, answer.count);
  return { title: `${say("Out of the box")}: ${answer.count}`, next: say("Scan the next tube, or seal the box.") };
}

new Station(root, { expect: ["tube"], onScan: pack });
