// The board in a browser: draws its charts and keeps itself fresh without a reload. Needs Chart.js before it.
import { draw } from "./charts.js";
import { renew } from "./renewing.js";

const PAUSE_MS = 10_000;
const HIDDEN_PAUSE_MS = 30_000;
const PATIENCE_MS = 15_000;

class LiveBoard {
  constructor(main) {
    this.main = main;
    this.words = main.dataset;
    this.state = main.querySelector("[data-live-state]");
    this.tag = "";
    this.drawAll();
    this.say("fresh");
    this.watchLook();
    this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
    window.addEventListener("online", () => this.ask());
  }

  drawAll() {
    const figures = JSON.parse(document.getElementById("board-figures").textContent);
    for (const figure of this.main.querySelectorAll("[data-chart]")) draw(figure, figures);
    this.main.dataset.drawnAt = figures.at;
  }

  // Colours and hatchings are those of the theme, widths those of the window.
  watchLook() {
    new MutationObserver(() => this.drawAll()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      this.drawAll();
    });
  }

  async ask() {
    clearTimeout(this.timer);
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin", headers: this.tag ? { "If-None-Match": this.tag } : {}, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.redirected || answer.status === 401 || answer.status === 403) return this.say("ended");
      if (answer.status === 200) this.take(await answer.text(), answer.headers.get("ETag") ?? "");
      this.say(answer.ok || answer.status === 304 ? "fresh" : "lost");
    } catch {
      this.say("lost"); // fetch gives one kind of error for every way of not arriving
    }
    this.timer = setTimeout(() => this.ask(), document.hidden ? HIDDEN_PAUSE_MS : PAUSE_MS);
    return undefined;
  }

  take(text, tag) {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.getElementById("board-figures")) throw new Error("not the board");
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(fresh.id);
      if (old) renew(old, fresh);
    }
    this.tag = tag;
    this.drawAll();
  }

  say(name) {
    const text = this.words[`word${name[0].toUpperCase()}${name.slice(1)}`];
    this.main.dataset.state = name;
    if (this.state.textContent !== text) this.state.textContent = text;
  }
}

const main = document.querySelector("[data-board]");
if (main) new LiveBoard(main);
