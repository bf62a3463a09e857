// Enrolment: by the address that the coordinator's QR holds, by its scan, or pasted.

import { say } from "../messages.js";
import { find, showWords } from "./elements.js";
import { enrolmentCode } from "./reading.js";
import { Silence } from "./server.js";

const BARE_CODE = /^[A-Za-z0-9_-]{20,128}$/;

export class EnrolView {
  /** @param {object} app {phone, go, draw} */
  constructor(app) {
    this.app = app;
    this.busy = false;
    this.input = find("#enrolment");
    find("[data-enrol]").addEventListener("submit", (event) => {
      event.preventDefault();
      this.take(this.input.value);
    });
  }

  /** The code behind the # of this page's address, taken away from it at once; "" for none. */
  static fromAddress() {
    const code = enrolmentCode(location.hash);
    if (code) history.replaceState(null, "", location.pathname);
    return code;
  }

  /** An enrolment came by the page's address: taken at once, unless this phone works for another one already. */
  offer(code) {
    const { device } = this.app.phone;
    if (!device) return this.take(code);
    if (device.code === code) return undefined;
    this.app.go("enrol");
    this.input.value = code;
    return this.#tell(
      say("This phone is enrolled already, for %(team)s. Touch “Enrol” to change to the new enrolment.", {
        team: device.team,
      }),
    );
  }

  /** A text that was scanned, typed or pasted. */
  async take(text) {
    const code = enrolmentCode(text) || (BARE_CODE.test(text.trim()) ? text.trim() : "");
    if (!code) return this.#tell(say("This is no enrolment. Scan the QR that the coordinator shows or has printed."));
    if (this.busy) return undefined;
    this.busy = true;
    this.input.value = code;
    this.#tell("");
    try {
      await this.app.phone.enrol(code);
      this.input.value = "";
      return this.app.go("start");
    } catch (problem) {
      return this.#tell(
        problem instanceof Silence
          ? say("No connection. To enrol, the phone needs the network once. Try again.")
          : problem.message,
      );
    } finally {
      this.busy = false;
    }
  }

  draw() {}

  #tell(words) {
    showWords(find("[data-enrol-problem]"), words);
  }
}
