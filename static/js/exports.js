// Takes an export as a stream: shows how many rows are there and how many are left, and saves the file only when its
// last line has come. Without this script the form downloads the file by itself.

import { say } from "./messages.js";

const NEWLINE = 10;
const NO_TRAILER = "xlsx";
// more than the last line of any format
const TAIL_BYTES = 400;
// the last line to its last character, as lims/exports/writing.py writes it
const ENDS = {
  csv: /#end,rows=(\d+),sha256=[0-9a-f]{64}\r?\n$/,
  ndjson: /\{"end": \{"rows": (\d+), "sha256": "[0-9a-f]{64}"\}\}\n$/,
};

const format = (number) => number.toLocaleString(document.documentElement.lang);

function countLines(piece) {
  let lines = 0;
  for (const byte of piece) if (byte === NEWLINE) lines += 1;
  return lines;
}

function isWhole(pieces, rows, kind) {
  if (kind === NO_TRAILER) return true;
  const last = pieces.slice(-2).map((piece) => new TextDecoder().decode(piece.slice(-TAIL_BYTES))).join("");
  const said = ENDS[kind].exec(last);
  return said !== null && Number(said[1]) === rows;
}

function save(pieces, answer) {
  const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "export";
  const address = URL.createObjectURL(new Blob(pieces, { type: answer.headers.get("Content-Type") }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function take(form) {
  const frame = form.querySelector("[data-progress]");
  const [bar, text] = [frame.querySelector("progress"), frame.querySelector("[data-progress-text]")];
  const kind = form.elements.format.value;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (!answer.ok || !answer.body) {
    form.submit(); // the refusal is a page: let the browser show it
    return;
  }
  frame.hidden = false;
  const rows = Number(answer.headers.get("X-Export-Rows"));
  bar.max = rows || 1;
  if (kind === NO_TRAILER) bar.removeAttribute("value");
  text.textContent = kind === NO_TRAILER ? say("The workbook is being put together …") : "";
  const pieces = [];
  let done = -1; // the first line says what the file is
  for (const reader = answer.body.getReader(); ; ) {
    const { done: ended, value } = await reader.read();
    if (ended) break;
    pieces.push(value);
    if (kind === NO_TRAILER) continue;
    done = Math.min(rows, done + countLines(value));
    bar.value = Math.max(0, done);
    const words = { done: format(Math.max(0, done)), all: format(rows), left: format(rows - Math.max(0, done)) };
    text.textContent = say("%(done)s of %(all)s rows, %(left)s left", words);
  }
  if (!isWhole(pieces, rows, kind)) throw new Error("cut off");
  bar.value = bar.max;
  save(pieces, answer);
  text.textContent = say("Whole: %(all)s rows. The file is in your downloads.", { all: format(rows) });
}

for (const form of document.querySelectorAll("[data-export]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await take(form);
    } catch {
      form.querySelector("[data-progress]").hidden = false;
      form.querySelector("[data-progress-text]").textContent = say(
        "The file was cut off on its way. Nothing was saved: take it again.",
      );
    } finally {
      button.disabled = false;
    }
  });
}
