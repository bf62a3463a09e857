// The start of a session: who, where, which tubes, in which order.

import { say } from "../messages.js";
import { find, findAll, make } from "./elements.js";

export class StartView {
  constructor(app) {
    this.app = app;
    this.form = find("[data-start]");
    this.form.addEventListener("change", () => this.#offerOrder());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
  }

  draw() {
    find("[data-ended]").hidden = !this.app.phone.ended;
    drawFacts(this.app.phone);
    this.#offerOrder();
  }

  async #start() {
    const { mode, first } = Object.fromEntries(new FormData(this.form));
    await this.app.phone.collecting.begin({ mode, first: first ?? "tube" });
    this.app.go("scan");
  }

  #offerOrder() {
    find("[data-order]").hidden = this.form.elements.mode.value === "mixed";
  }
}

/** Who, for which team, where and on which day. */
export function drawFacts(phone) {
  if (!phone.device) return;
  const { team, site, campaign, day } = phone.device;
  const facts = [
    [say("Collector"), phone.collector.name],
    [say("Team"), team],
    [say("Site"), site?.name],
    [say("Campaign"), campaign?.name],
    [say("Day"), day?.split("-").reverse().join("/")],
    [say("People in the roster"), String(phone.packet.people.size)],
  ];
  const parts = facts.flatMap(([term, words]) => [make("dt", {}, term), make("dd", {}, words ?? "–")]);
  for (const list of findAll("[data-facts]")) list.replaceChildren(...parts.map((part) => part.cloneNode(true)));
}
