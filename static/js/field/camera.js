// The phone's camera as a reader of codes. Pictures go to a worker one at a time, the next only when the last was read:
// a slow phone reads fewer of them and never falls behind. Nothing of a picture is kept or sent anywhere.

const WORKER = "/field/reader.js"; // under the service worker's scope, or it could not start without network
const ENGINE = "/static/vendor/zxing-wasm/reader/zxing_reader.wasm";
const BETWEEN_MS = 80; // about twelve pictures a second: more only warms the phone
const WANTED = { audio: false, video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } };

const KINDS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotSupportedError: "none",
};

class Problem extends Error {
  /** @param {"denied"|"none"|"engine"|"busy"} kind */
  constructor(kind, cause) {
    super(kind, { cause });
    this.kind = kind;
  }
}

export class Camera {
  #stream = null;
  #starting = null;
  #wanted = false;
  #engine = null;

  /**
   * @param {HTMLVideoElement} video shows what the camera sees
   * @param {object} hears
   * @param {(text: string, format: "QRCode"|"Code128") => void} hears.onCode every sighting of a code, repeats included
   * @param {(kind: "denied"|"none"|"engine"|"busy") => void} hears.onProblem the camera was refused, is not there, its
   *   reader could not be loaded, or another app holds it; the camera is off by then
   * @param {() => Promise<{read: (video: HTMLVideoElement) => Promise<{text: string, format: string}[]>}>} loadEngine
   *   another reader than the worker, for a page that has none
   */
  constructor(video, { onCode, onProblem }, loadEngine = () => Engine.load()) {
    Object.assign(this, { video, onCode, onProblem, loadEngine });
  }

  /** Whether the camera is on. */
  get running() {
    return this.#stream !== null;
  }

  /** Ask for the camera and read until stop(). Never rejects: what fails is told through onProblem. */
  start() {
    this.#wanted = true;
    this.#starting ??= this.#begin().finally(() => (this.#starting = null));
    return this.#starting;
  }

  /** Free the camera, also one that is still being asked for. */
  stop() {
    this.#wanted = false;
    const stream = this.#stream;
    this.#stream = null;
    if (stream) free(stream);
    this.video.srcObject = null;
  }

  /**
   * Switch the lamp.
   * @returns {Promise<boolean>} whether it was done; false where there is no lamp
   */
  async torch(on) {
    const [track] = this.#stream?.getVideoTracks() ?? [];
    if (!track?.getCapabilities?.().torch) return false;
    try {
      await track.applyConstraints({ advanced: [{ torch: on }] });
      return true;
    } catch {
      return false;
    }
  }

  async #begin() {
    if (this.running) return;
    try {
      this.#engine ??= this.loadEngine();
      this.#engine.catch(() => {}); // looked at below; the camera's answer comes first
      const stream = await askForCamera();
      if (!this.#wanted) return free(stream);
      this.#stream = stream;
      await show(this.video, stream);
      const engine = await this.#engine;
      if (this.#stream === stream) this.#watch(stream, engine);
    } catch (problem) {
      this.#fail(problem);
    }
  }

  async #watch(stream, engine) {
    stream.getVideoTracks()[0].addEventListener("ended", () => this.#stream === stream && this.#fail(new Problem("busy")));
    try {
      while (this.#stream === stream) {
        const begun = performance.now();
        for (const { text, format } of await engine.read(this.video)) {
          if (this.#stream === stream) this.onCode(text, format);
        }
        await pause(begun + BETWEEN_MS - performance.now());
        await nextFrame(this.video);
      }
    } catch (problem) {
      if (this.#stream === stream) this.#fail(problem);
    }
  }

  #fail(problem) {
    const wanted = this.#wanted;
    const kind = problem instanceof Problem ? problem.kind : "engine";
    if (kind === "engine") this.#engine = null; // the next start tries to load it again
    this.stop();
    if (wanted) this.onProblem(kind);
  }
}

/** The worker, as something that can be asked. */
class Engine {
  #worker;
  #takes;
  #answers = new Map();
  #asked = 0;
  #broken = null;

  /** @throws {Problem} "engine": the worker or its engine could not be loaded */
  static async load() {
    const engine = new Engine();
    try {
      engine.#start(new Worker(WORKER, { type: "module" }));
      const answer = await fetch(ENGINE);
      if (!answer.ok) throw new Error(`${ENGINE}: ${answer.status}`);
      const wasm = await answer.arrayBuffer();
      engine.#takes = (await engine.#ask({ wasm }, [wasm])).takes;
      return engine;
    } catch (error) {
      engine.#worker?.terminate();
      throw new Problem("engine", error);
    }
  }

  /**
   * Read what a video shows now.
   * @returns {Promise<{text: string, format: string}[]>} none where there is no picture yet
   * @throws {Problem} "engine": the worker has failed
   */
  async read(video) {
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || document.hidden) return [];
    const picture = this.#takes === "bitmap" ? await createImageBitmap(video).catch(() => null) : pixelsOf(video);
    if (!picture) return [];
    return (await this.#ask({ picture }, [picture.data?.buffer ?? picture])).codes;
  }

  #start(worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => {
      const { done, fail } = this.#answers.get(data.id) ?? {};
      this.#answers.delete(data.id);
      if (data.failed) fail?.(new Problem("engine", data.failed));
      else done?.(data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#broken = new Problem("engine", event.message);
      for (const { fail } of this.#answers.values()) fail(this.#broken);
      this.#answers.clear();
    });
  }

  #ask(question, transferred) {
    if (this.#broken) return Promise.reject(this.#broken);
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((done, fail) => {
      this.#answers.set(id, { done, fail });
      this.#worker.postMessage({ id, ...question }, transferred);
    });
  }
}

async function askForCamera() {
  if (!navigator.mediaDevices?.getUserMedia) throw new Problem("none");
  try {
    return await navigator.mediaDevices.getUserMedia(WANTED);
  } catch (error) {
    throw new Problem(KINDS[error.name] ?? "busy", error);
  }
}

async function show(video, stream) {
  Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
  try {
    await video.play();
  } catch (error) {
    throw new Problem("busy", error);
  }
}

function free(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}

/** Resolve with the next picture; not while the page is hidden. */
async function nextFrame(video) {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
  if (video.requestVideoFrameCallback) await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
}

let canvas = null; // for browsers whose workers cannot draw

function pixelsOf(video) {
  const { videoWidth: width, videoHeight: height } = video;
  canvas ??= document.createElement("canvas");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, width, height);
}
