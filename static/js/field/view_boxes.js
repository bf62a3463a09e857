// The boxes page: the box being filled, its seal, whom it goes to.

import { grouped } from "../codes.js";
import { say } from "../messages.js";
import { codeOf, find, findAll, make } from "./elements.js";
import { practiceLabels } from "./practice.js";

export class BoxesView {
  constructor(app) {
    this.app = app;
    const { phone } = app;
    find('[data-do="take-out"]').addEventListener("click", () => app.say(phone.collecting.takeOut()));
    find('[data-do="seal"]').addEventListener("click", () => this.#askToSeal());
    find("[data-seal-not]").addEventListener("click", () => this.#endAsking());
    find('[data-do="seal-now"]').addEventListener("click", () => {
      this.#endAsking();
      app.say(phone.collecting.seal());
    });
    find("#laboratory").addEventListener(
      "change",
      (event) => (phone.collecting.laboratory = event.currentTarget.value || null),
    );
    for (const button of findAll('[data-label="box"], [data-label="packable"], [data-label="courier"]')) {
      button.addEventListener("click", () => this.#practise(button.dataset.label));
    }
  }

  draw() {
    const {
      journal,
      packet,
      collecting: { packing },
    } = this.app.phone;
    const box = packing.box ? journal.box(packing.box) : null;
    find("[data-box]").hidden = !box;
    if (box) this.#drawBox(box);
    find("[data-box-tubes]").replaceChildren(
      ...(box?.tubes ?? []).toReversed().map((tube) => make("li", {}, codeOf(tube))),
    );
    find("[data-laboratory]").hidden = !box || packet.laboratories.length === 0;
    this.#drawLaboratories(packet.laboratories);
    find("[data-all-boxes]").replaceChildren(...[...journal.boxes.values()].toReversed().map(boxRow));
    find("[data-boxes-none]").hidden = journal.boxes.size > 0;
  }

  #drawBox(box) {
    find("[data-box-count]").textContent = String(box.tubes.length);
    find("[data-box-code]").textContent = grouped(box.code);
    const state = find("[data-box-state]");
    state.textContent = stateOf(box);
    state.className = `state ${box.sealed ? "good" : "doing"}`;
  }

  #drawLaboratories(laboratories) {
    const select = find("#laboratory");
    if (select.options.length === laboratories.length + 1) return;
    select.append(...laboratories.map(([id, name]) => make("option", { value: id }, name)));
  }

  #askToSeal() {
    const {
      journal,
      collecting: { packing },
    } = this.app.phone;
    const box = journal.box(packing.box);
    if (!packing.box || box.sealed || !box.tubes.length) return this.app.say(this.app.phone.collecting.seal());
    find("[data-seal-question]").textContent = say(
      "Seal box %(box)s? Tubes: %(count)s. Nothing more goes into it then.",
      { box: grouped(box.code), count: box.tubes.length },
    );
    find("[data-seal]").hidden = false;
    find('[data-do="seal-now"]').scrollIntoView({ block: "nearest" });
    return undefined;
  }

  #endAsking() {
    find("[data-seal]").hidden = true;
  }

  #practise(label) {
    const { packet, journal } = this.app.phone;
    const bound = [...journal.binds.values()].find((bind) => !bind.undone && !journal.boxOf(bind.tube));
    const labels = { ...practiceLabels(packet, journal, "single"), packable: bound?.tube };
    this.app.hear(labels[label] ?? labels.tube, "hand");
  }
}

function stateOf({ sealed, courier }) {
  if (courier) return say("handed over");
  return sealed ? say("sealed") : say("open");
}

function boxRow(box) {
  return make(
    "li",
    {},
    codeOf(box.code),
    make("span", {}, `${say("Tubes: %(count)s", { count: box.tubes.length })} · ${stateOf(box)}`),
  );
}
