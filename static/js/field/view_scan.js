// The scan page: counts, the choice between two of a kind, the household as buttons, closing a tube, the last scans.

import { grouped } from "../codes.js";
import { say } from "../messages.js";
import { codeOf, find, findAll, icon, make, redraw } from "./elements.js";
import { practiceLabels } from "./practice.js";
import { nameOf } from "./session.js";
import { called, hour } from "./wording.js";

const LISTED = 8;

export class ScanView {
  constructor(app) {
    this.app = app;
    const { phone } = app;
    for (const button of findAll("[data-choose]"))
      button.addEventListener("click", () => app.say(phone.collecting.choose(button.dataset.choose)));
    find('[data-do="undo"]').addEventListener("click", () => app.say(phone.collecting.undo()));
    find('[data-do="close"]').addEventListener("click", () => this.#askCount());
    find("[data-close-not]").addEventListener("click", () => this.#endCount());
    find("[data-close]").addEventListener("submit", (event) => {
      event.preventDefault();
      app.say(phone.collecting.close(Number(find("#swabs").value))).then(() => this.#endCount());
    });
    for (const button of findAll('[data-label="person"], [data-label="tube"]')) {
      button.addEventListener("click", () =>
        app.hear(
          practiceLabels(phone.packet, phone.journal, phone.collecting.session.mode)[button.dataset.label],
          "hand",
        ),
      );
    }
  }

  draw() {
    const { session } = this.app.phone.collecting;
    if (!session) return;
    for (const part of findAll("[data-only=mixed]")) part.hidden = session.mode !== "mixed";
    this.#drawCounts(session);
    this.#drawChoice(session);
    this.#drawHousehold();
    this.#drawScans();
    if (!session.tube) this.#endCount();
  }

  #drawCounts(session) {
    const { journal, packet, device, practice } = this.app.phone;
    const figure = (name, number) => (find(`[data-figure="${name}"]`).textContent = String(number));
    figure("in-tube", session.tube ? journal.inTube(session.tube).length : 0);
    figure("limit", `/${packet.tubeSize}`);
    figure("today", journal.countBound(device.id));
    figure("unsent", practice ? "–" : journal.unsent.length);
  }

  #drawChoice({ held, rival }) {
    find("[data-choice]").hidden = !rival;
    if (!rival) return;
    find('[data-choose="first"]').textContent = nameOf(held);
    find('[data-choose="second"]').textContent = nameOf(rival);
  }

  #drawHousehold() {
    const members = this.app.phone.collecting.household;
    find("[data-household]").hidden = members.length === 0;
    redraw(find("[data-members]"), members.map(({ key }) => key).join(), () =>
      members.map((member) => this.#memberButton(member)),
    );
  }

  #memberButton(member) {
    const button = make(
      "button",
      { className: "btn btn-secondary btn-lg", type: "button" },
      icon("person-plus"),
      called(member),
    );
    button.addEventListener("click", () => this.app.say(this.app.phone.collecting.takePerson(member)));
    return button;
  }

  #drawScans() {
    const { binds } = this.app.phone.journal;
    const last = [...binds.values()].slice(-LISTED).reverse();
    find("[data-scans]").replaceChildren(...last.map(row));
    find("[data-scans-none]").hidden = last.length > 0;
  }

  #askCount() {
    const {
      journal,
      collecting: { session },
    } = this.app.phone;
    if (!session?.tube) return this.app.say(this.app.phone.collecting.close(null));
    find("#swabs").value = String(journal.inTube(session.tube).length || "");
    find("[data-close]").hidden = false;
    find("[data-close]").scrollIntoView({ block: "nearest" });
    find("#swabs").focus();
    return undefined;
  }

  #endCount() {
    find("[data-close]").hidden = true;
  }
}

function row({ person, tube, undone, record }) {
  const wrong = record.verdict?.verdict === "wrong";
  const verdict = undone ? "undone" : wrong ? "wrong" : record.state === "acked" ? "good" : "waiting";
  const sign = {
    undone: "arrow-counterclockwise",
    wrong: "x-octagon-fill",
    good: "check-circle-fill",
    waiting: "cloud-slash",
  }[verdict];
  const words = { undone: say("Undone"), wrong: say("To check"), good: say("Sent"), waiting: say("Not sent") }[verdict];
  const signet = make("span", { className: "signet" }, icon(sign, `sign-${verdict}`));
  const what = make(
    "span",
    { className: "what" },
    person.name ? called(person) : grouped(person.declaration),
    make("span", { className: "words" }, codeOf(tube), ` · ${hour(record.when)} · ${words}`),
  );
  return make("li", { dataset: { verdict, tube } }, signet, what);
}
