// What the server did not take, with its words; and what has not been sent, with the reason.

import { grouped } from "../codes.js";
import { say } from "../messages.js";
import { codeOf, find, icon, make, redraw } from "./elements.js";
import { called, hour } from "./wording.js";

const LISTED = 50;

export class ListsView {
  constructor(app) {
    this.app = app;
    find('[data-do="send"]').addEventListener("click", () => app.phone.sync?.hurry({ byHand: true }));
  }

  draw() {
    const { journal } = this.app.phone;
    this.#fill("check", journal.toCheck, (record) => this.#toCheck(record));
    this.#fill("unsent", this.app.phone.practice ? [] : journal.unsent, (record) =>
      make("li", {}, ...about(record, journal)),
    );
    find("[data-sync-words]").textContent = this.app.phone.practice
      ? say("Practice: nothing is ever sent.")
      : syncWords(this.app.phone.sync?.status);
  }

  #fill(name, records, rowOf) {
    find(`[data-list-count="${name}"]`).textContent = String(records.length);
    find(`[data-list-none="${name}"]`).hidden = records.length > 0;
    const last = records.slice(-LISTED).reverse();
    redraw(find(`[data-list="${name}"]`), last.map(({ id }) => id).join(), () => last.map(rowOf));
  }

  #toCheck(record) {
    const words = make("span", { className: "words" }, record.verdict.message);
    const button = make("button", { type: "button", className: "btn btn-secondary" }, icon("check-lg"), say("Seen"));
    button.addEventListener("click", () => this.app.phone.check(record.id));
    return make("li", {}, ...about(record, this.app.phone.journal), words, button);
  }
}

function about({ slip, about: told, when }, journal) {
  const kinds = {
    declare: () => say("Person declared"),
    bind: () => say("Person and tube"),
    undo: () => say("Undone"),
    close: () => say("Tube closed"),
    pack: () => say("Tube packed"),
    take_out: () => say("Tube taken out"),
    seal: () => say("Box sealed"),
    hand_over: () => say("Box handed over"),
  };
  const bind = journal.binds.get(slip.undoes ?? "");
  const code = slip.tube ?? slip.box ?? bind?.tube;
  const who = told.name ? called(told) : slip.declaration ? grouped(slip.declaration) : "";
  const head = make("strong", {}, `${hour(when)} · ${kinds[slip.kind]()}`);
  return [head, make("span", {}, who, who && code ? " · " : "", ...(code ? [codeOf(code)] : []))];
}

/** How sending stands, as a sentence. */
export function syncWords(status) {
  const sentences = {
    idle: () => say("Scans are sent by themselves as soon as there is network."),
    sending: () => say("Sending…"),
    silent: () => say("No connection. The scans are kept and will be sent by themselves."),
    refused: () =>
      say(
        "The server does not know this phone's enrolment, or it was withdrawn. Nothing is lost: the scans stay on the phone. Ask the coordinator.",
      ),
    failed: () =>
      say("The server could not take the scans: %(words)s They are kept and sent again.", {
        words: status.words ?? "",
      }),
  };
  return sentences[status?.state ?? "idle"]();
}
