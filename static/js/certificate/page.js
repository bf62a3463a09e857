// The page that checks certificates: camera, picture or text in, one plain answer out. Nothing leaves the device.

import { Camera } from "../field/camera.js";
import { NotValid } from "./container.js";
import { readPublished } from "./published.js";
import { describe } from "./reading.js";
import { loadEngine, readPicture } from "./scanning.js";
import { verify } from "./verifying.js";
import { otherLanguage, say, speak, tellAge, tellMoment } from "./wording.js";

const REASONS = JSON.parse(document.getElementById("reasons").textContent); // reason → msgid
const PUBLISHED = JSON.parse(document.getElementById("published").textContent);
const OLD_S = 24 * 3600; // a list of revocations older than a day is said to be old
const PROBLEMS = {
  denied: () => say("The camera is not allowed. Allow it in the browser's settings of this page, or choose a picture."),
  none: () => say("There is no camera that this page can use. Choose a picture, or paste the text."),
  engine: () => say("The reader of codes could not be started. Paste the text of the QR code."),
  busy: () => say("Another app is using the camera. Close it, then start the camera again."),
};

const find = (name) => document.querySelector(`[data-part="${name}"]`);
const reading = globalThis.crypto?.subtle ? readPublished(PUBLISHED) : null;
let draw = () => {};
let asked = 0;

const camera = new Camera(find("video"), { onCode: scanned, onProblem: cameraFailed }, loadEngine);

function scanned(text) {
  stopCamera();
  check(text);
}

function cameraFailed(kind) {
  stopCamera();
  tell("look", (PROBLEMS[kind] ?? PROBLEMS.engine));
}

function stopCamera() {
  camera.stop();
  showCamera(false);
}

function showCamera(on) {
  find("view").hidden = !on;
  find("camera").setAttribute("aria-pressed", String(on));
  find("camera").dataset.say = on ? "Stop the camera" : "Scan with the camera";
  find("camera").textContent = say(find("camera").dataset.say);
}

/** Check a text and show what is to be thought of it. */
async function check(text) {
  asked += 1;
  const mine = asked;
  const { answer, claims, madeAt } = await judge(text);
  if (mine !== asked) return; // another one was asked meanwhile
  draw = () => show(answer, claims, madeAt);
  draw();
  find("answer").focus({ preventScroll: false });
}

async function judge(text) {
  try {
    const lists = await reading;
    // it is not earlier than when the lists were made, whatever the device's clock says
    const { claims } = await verify(text, lists, Math.max(Date.now() / 1000, lists.madeAt));
    return { answer: null, claims, madeAt: lists.madeAt };
  } catch (error) {
    if (!(error instanceof NotValid)) return { answer: REASONS.structure, claims: null };
    return { answer: REASONS[error.reason], claims: error.claims };
  }
}

function show(reason, claims, madeAt) {
  const read = claims ? describe(claims) : { rows: [] };
  const valid = reason === null;
  const caution = valid ? findCaution(madeAt) : "";
  // what cannot be believed is not shown as a finding
  if (caution) put(read.tone === "good" ? "look" : read.tone, read.finding, caution);
  else if (valid) put(read.tone, read.finding, say("This sheet is genuine and valid."));
  else put("stop", say("Not valid"), say(reason));
  find("compare").hidden = !valid;
  find("note").textContent = valid || !read.rows.length ? "" : say("What is written in it, which is not to be believed:");
  find("facts").replaceChildren(
    ...read.rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]),
  );
}

/** Why a genuine sheet may no longer count; "" where the list of revoked ones is here and new. */
function findCaution(madeAt) {
  if (!PUBLISHED.revoked) return say("This sheet is genuine. Whether it was revoked is not known: there is no list of revoked sheets.");
  if (isOld(madeAt)) return say("This sheet is genuine. Whether it was revoked since is not known: the list of revoked sheets is old. Load this page again, or get a new file.");
  return "";
}

function isOld(madeAt) {
  return Date.now() / 1000 - madeAt > OLD_S;
}

function tell(tone, words) {
  draw = () => {
    put(tone, words(), "");
    find("note").textContent = "";
    find("facts").replaceChildren();
  };
  draw();
}

function put(tone, headline, sentence) {
  find("answer").hidden = false;
  find("answer").className = `answer ${tone}`;
  find("headline").textContent = headline;
  find("sentence").textContent = sentence;
  find("compare").hidden = true;
}

function element(tag, words) {
  return Object.assign(document.createElement(tag), { textContent: words });
}

async function drawLists() {
  const { madeAt, signers, damaged } = reading ? await reading : { madeAt: PUBLISHED.made_at, signers: [] };
  const old = isOld(madeAt);
  const lacking = damaged || !signers.length || !PUBLISHED.revoked;
  find("lists").className = `lists${old || lacking ? " look" : ""}`;
  find("age").textContent = say("The lists of signers and of revoked sheets are of %(time)s (%(age)s).", {
    time: tellMoment(madeAt),
    age: tellAge(madeAt),
  });
  find("old").textContent = old ? say("They are old: load this page again, or get a new file.") : "";
  find("signers").textContent = signers.length
    ? say("Trusted signers: %(names)s", { names: signers.map(({ name }) => name).join(", ") })
    : say("There is no trusted signer, so nothing can be found valid.");
  find("damaged").textContent = damaged ? say("The list of revoked sheets is damaged. Get this page again.") : "";
  find("unsigned").textContent = PUBLISHED.revoked ? "" : say("There is no list of revoked sheets.");
}

function drawAll() {
  find("language").textContent = { vi: "Tiếng Việt", en: "English" }[otherLanguage()];
  find("language").lang = otherLanguage();
  drawLists();
  draw();
}

find("language").addEventListener("click", () => {
  speak(otherLanguage());
  drawAll();
});
find("camera").addEventListener("click", () => {
  if (!find("view").hidden) return stopCamera();
  showCamera(true);
  return camera.start();
});
find("picture").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const texts = await readPicture(file).catch(() => []);
  target.value = "";
  if (texts.length) check(texts.find((text) => text.startsWith("HC1:")) ?? texts[0]);
  else tell("look", () => say("No QR code was found in this picture. Take it closer, in good light, with all four corners."));
});
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  check(find("text").value.trim()); // as it is pasted, with blanks and line ends around it
});

find("download").hidden = !location.protocol.startsWith("http");
speak(location.hash === "#en" ? "en" : "vi");
drawAll();
if (!reading) {
  tell("stop", () =>
    say("This browser checks signatures only on a secure address (https). Download the page and open the file."),
  );
  for (const name of ["camera", "picture", "submit"]) find(name).disabled = true;
}
