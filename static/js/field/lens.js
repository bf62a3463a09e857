// The camera as a part of the page: one button starts and stops it, its problems are told, its light is a button.

import { say } from "../messages.js";
import { find, findAll } from "./elements.js";

const PROBLEMS = {
  denied: () => say("The camera is not allowed. Allow it in the browser's settings of this page, or type the codes."),
  none: () => say("This phone has no camera that can be used. Type the codes, or use a scanner."),
  engine: () => say("The reader of codes could not be loaded. Type the codes, or load the page again."),
  busy: () => say("Another app is using the camera. Close it, then start the camera again."),
};

export class Lens {
  /**
   * @param {(text: string) => void} heard every sighting of a label, repeats included
   * @param {(words: string) => void} told a problem in words
   */
  constructor(heard, told) {
    Object.assign(this, { heard, told, camera: null, wanted: false, paused: false });
    for (const button of findAll('[data-do="camera"]')) button.addEventListener("click", () => this.toggle());
    find("[data-torch]").addEventListener("click", (event) => this.#light(event.currentTarget));
    document.addEventListener("visibilitychange", () => this.#follow());
  }

  /** Start it, or stop it. */
  toggle() {
    this.wanted = !this.wanted;
    return this.#follow();
  }

  /** A view without camera was opened, or left again. */
  pause(paused) {
    this.paused = paused;
    return this.#follow();
  }

  async #follow() {
    if (this.wanted && !this.paused && !document.hidden) await this.#start();
    else this.camera?.stop();
    this.#show(this.wanted);
  }

  async #start() {
    this.#show(true);
    try {
      const { Camera } = await import("./camera.js");
      this.camera ??= new Camera(find("[data-video]"), {
        onCode: (text) => this.heard(text),
        onProblem: (kind) => this.#fail(kind),
      });
      if (!this.camera.running) await this.camera.start();
      find("[data-torch]").hidden = !this.camera.running;
    } catch {
      this.#fail("engine");
    }
  }

  #fail(kind) {
    this.wanted = false;
    this.camera?.stop();
    this.#show(false);
    this.told((PROBLEMS[kind] ?? PROBLEMS.engine)());
  }

  async #light(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    const lit = await this.camera.torch(on);
    button.setAttribute("aria-pressed", String(on && lit));
    if (on && !lit) this.told(say("This camera has no light."));
  }

  #show(on) {
    find("[data-camera]").hidden = !on;
    find(".field-station").classList.toggle("with-camera", on);
    for (const button of findAll('[data-do="camera"]')) button.setAttribute("aria-pressed", String(on));
  }
}
