// All that is needed seldom: the roster, files without network, the end of a session and of the shift, practice.

import { say } from "../messages.js";
import { find, findAll } from "./elements.js";
import { give, makeFile } from "./handover.js";
import { Silence } from "./server.js";
import { drawFacts } from "./view_start.js";
import { hour } from "./wording.js";

export class MoreView {
  constructor(app) {
    this.app = app;
    for (const button of findAll('[data-do="hand-over"]')) button.addEventListener("click", () => this.#handOver());
    find("#hand-over-file").addEventListener("change", (event) => this.#handIn(event.currentTarget));
    find('[data-do="packet"]').addEventListener("click", () => app.phone.refreshPacket());
    find('[data-do="finish"]').addEventListener("click", () => this.#finish());
    find('[data-do="end-shift"]').addEventListener("click", () => this.#askToEnd());
    find('[data-do="end-shift-now"]').addEventListener("click", () => this.#endShift());
    find("[data-end-not]").addEventListener("click", () => (find("[data-end-shift]").hidden = true));
  }

  draw() {
    const { phone } = this.app;
    drawFacts(phone);
    find("[data-packet-words]").textContent = packetWords(phone);
    find('[data-do="finish"]').disabled = !phone.collecting.session;
    find("[data-device-code]").textContent = phone.device?.id.slice(0, 8) ?? "";
  }

  async #handOver() {
    const { phone } = this.app;
    const { unsent } = phone.journal;
    if (unsent.length === 0) return this.#tell(say("Everything is sent: there is nothing to hand over."), "good");
    const number = ((await phone.store.read("files")) ?? 0) + 1;
    await phone.store.keep({ files: number });
    await give(await makeFile(phone.device, unsent, phone.clock.at, number));
    return this.#tell(
      say("Scans in the file: %(count)s. They stay on this phone too, until the server has them.", {
        count: unsent.length,
      }),
      "good",
    );
  }

  async #handIn(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      const { slips, good, again, wrong } = await this.app.phone.server.sendFile(await file.text());
      this.#tell(
        say("Handed in: %(slips)s scans, %(good)s taken, %(again)s known already, %(wrong)s to check.", {
          slips,
          good,
          again,
          wrong,
        }),
        wrong ? "look" : "good",
      );
    } catch (problem) {
      this.#tell(
        problem instanceof Silence ? say("No connection. Hand the file in when there is network.") : problem.message,
        "stop",
      );
    } finally {
      input.value = "";
    }
  }

  async #finish() {
    await this.app.phone.collecting.finish();
    this.app.go("start");
  }

  #askToEnd() {
    const { journal } = this.app.phone;
    find("[data-end-words]").textContent = [
      say("The roster and the scans that were sent are wiped from this phone."),
      journal.unsent.length
        ? say("Not sent yet: %(count)s. They stay on this phone and are still sent.", { count: journal.unsent.length })
        : "",
      journal.toCheck.length
        ? say("To check: %(count)s. The coordinator has them too.", { count: journal.toCheck.length })
        : "",
    ].join(" ");
    find("[data-end-shift]").hidden = false;
    find('[data-do="end-shift-now"]').scrollIntoView({ block: "nearest" });
  }

  async #endShift() {
    find("[data-end-shift]").hidden = true;
    await this.app.phone.endShift();
    this.app.go("start");
  }

  #tell(words, tone) {
    const place = find("[data-file-words]");
    place.textContent = words;
    place.className = `flash ${tone}`;
    place.hidden = false;
    this.app.go("more");
    place.scrollIntoView({ block: "nearest" });
  }
}

function packetWords({ packet, packetKept, packetProblem }) {
  if (!packet.made)
    return packetProblem ? say("No roster yet: there was no connection.") : say("No roster on this phone.");
  const words = say("%(count)s people, fetched at %(time)s.", {
    count: packet.people.size,
    time: hour(packetKept?.at ?? 0),
  });
  return packetProblem ? `${words} ${say("A newer one could not be fetched.")}` : words;
}
