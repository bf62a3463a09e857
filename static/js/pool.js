// The pooling station: the first tube opens a pool, each further one joins it, then it is closed.
//
// Until the server has named the pool, every scan carries the same client-made opening id: tubes scanned without
// network, or faster than the server answers, land in one pool and not in one each, even after a reload.

import { ApiError, Unreachable, newId, postJson } from "./api.js";
import { grouped } from "./codes.js";
import { say } from "./messages.js";
import { fillPool } from "./pictures.js";
import { Station } from "./station.js";

const root = document.querySelector("[data-station]");
const picture = root.querySelector("[data-pool]");
const closeButton = root.querySelector("[data-close-pool]");
const record = root.querySelector("[data-pool-record]");
const openingKey = `pool-opening:${root.dataset.owner}:${root.dataset.laboratory}`;
let pool = root.dataset.poolCode;
let count = Number(picture.querySelector("[data-pool-count]").textContent);

function show(code, tubes) {
  if (code) localStorage.removeItem(openingKey);
  if (code !== pool) keepInAddress(code);
  pool = code;
  count = tubes.length;
  root.querySelector("[data-pool-named]").hidden = !code;
  root.querySelector("[data-pool-unnamed]").hidden = Boolean(code);
  root.querySelector("[data-pool-name]").textContent = code ? grouped(code) : "";
  fillPool(picture, tubes.map(grouped));
  closeButton.disabled = count === 0;
  record.hidden = !code;
  if (code) record.href = root.dataset.poolPage.replace("PPPPPPPPP", code);
}

// A reload, or the way back from the record, finds the pool that is being filled.
function keepInAddress(code) {
  const address = new URL(location.href);
  if (code) address.searchParams.set("pool", code);
  else address.searchParams.delete("pool");
  history.replaceState(history.state, "", address);
}

function openingId() {
  const kept = localStorage.getItem(openingKey);
  if (kept) return kept;
  const made = newId();
  localStorage.setItem(openingKey, made);
  return made;
}

function nextStep(answer) {
  return answer.count >= answer.size_limit
    ? say("The pool is full. Close it now.")
    : say("Scan the next tube, or close the pool.");
}

async function addTube(code, _kind, scan) {
  const answer = await (pool
    ? scan.send(`/api/v1/pools/${pool}/tubes`, { client_id: scan.id, tubes: [code] })
    : scan.send("/api/v1/pooled-tubes", {
        client_id: scan.id,
        opening_id: openingId(),
        laboratory_id: root.dataset.laboratory,
        tubes: [code],
      }));
  const into = answer.pool;
  // Somebody closed the pool meanwhile: the next tube opens another.
  show(answer.status === "open" ? into : "", answer.status === "open" ? answer.tubes : []);
  const verdict = answer.verdicts[0];
  if (verdict.verdict === "wrong") throw new ApiError(verdict); // shown in the banner and in the list
  const title = verdict.verdict === "good" ? say("In the pool") : say("Already in this pool");
  return {
    verdict: verdict.verdict,
    title: `${title}: ${answer.count}`,
    text: verdict.message,
    next: nextStep(answer),
    undo: verdict.verdict === "good" ? () => takeOut(scan, into, code) : undefined,
  };
}

async function takeOut(scan, from, code) {
  const answer = await scan.send(`/api/v1/pools/${from}/removed-tubes`, { client_id: newId(), tubes: [code] });
  if (from === pool) show(from, answer.tubes);
  return { title: answer.verdicts[0].message, next: nextStep(answer) };
}

async function closePool() {
  if (!pool || count === 0) {
    station.show({ verdict: "wrong", title: say("There is no open pool.") });
    return;
  }
  closeButton.disabled = true;
  const code = pool;
  try {
    await postJson(`/api/v1/pools/${code}/close`, { client_id: newId() });
    show("", []);
    record.hidden = false;
    record.href = root.dataset.poolPage.replace("PPPPPPPPP", code);
    station.show({
      verdict: "good",
      title: `${say("Pool closed")}: ${grouped(code)}`,
      next: say("Put its label on. The next tube opens a new pool."),
    });
  } catch (problem) {
    closeButton.disabled = false;
    if (problem instanceof ApiError) station.show({ verdict: "wrong", title: say("Stop"), text: problem.message });
    else if (problem instanceof Unreachable) station.show({ verdict: "wrong", title: say("No connection") });
    else throw problem;
  } finally {
    station.focus();
  }
}

// A scan of before the reload has arrived: go on with the pool it went into.
function showLate(_entry, answer) {
  if (!answer?.pool || answer.status !== "open") return;
  show(answer.pool, answer.tubes);
  station.showNext(nextStep(answer));
}

const station = new Station(root, { expect: ["tube"], onScan: addTube, onLate: showLate, onDone: closePool });
closeButton.addEventListener("click", closePool);
