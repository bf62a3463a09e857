// What a scan meant, for eyes that are on the tube: banner, a flash of the whole screen, sound and vibration.
// The green flash and the high note are for what was kept; a first half that only waits for its second is softer.

import { signal } from "../signals.js";
import { find, tell } from "./elements.js";

const FLASH_MS = 450;
let fading = null;

/**
 * Show what came of a scan.
 * @param {{verdict: string, title: object, text?: object, quiet?: boolean, bound?: boolean,
 *     kept?: boolean}} outcome
 * @param {object|null} next the sentence that says what to scan now
 */
export function present(outcome, next) {
  const banner = find("[data-banner]");
  banner.dataset.state = outcome.verdict;
  banner.dataset.shown = String(Number(banner.dataset.shown ?? 0) + 1);
  find("[data-banner-title]", banner).textContent = tell(outcome.title);
  find("[data-banner-text]", banner).textContent = tell(outcome.text);
  showNext(next);
  find("#main").scrollTop = 0;
  if (outcome.bound) measure();
  // A label that merely stays in view must not beep for ever.
  if (outcome.quiet) return;
  const isHalf = outcome.verdict === "good" && !outcome.kept;
  if (!isHalf) flash(outcome.verdict);
  signal(isHalf ? "waiting" : outcome.verdict);
}

/** Nothing was scanned yet in this view: only what to scan. */
export function invite(title, next) {
  const banner = find("[data-banner]");
  banner.dataset.state = "idle";
  find("[data-banner-title]", banner).textContent = title;
  find("[data-banner-text]", banner).textContent = "";
  showNext(next);
}

function showNext(next) {
  find("[data-banner-next]").textContent = tell(next);
}

function flash(verdict) {
  const screen = find("[data-flash]");
  clearTimeout(fading);
  screen.dataset.flash = "";
  screen.getBoundingClientRect(); // the same colour twice is two flashes
  screen.dataset.flash = verdict;
  fading = setTimeout(() => (screen.dataset.flash = ""), FLASH_MS);
}

function measure() {
  if (performance.getEntriesByName("scan").length) performance.measure("bound", "scan");
  performance.clearMarks("scan");
}
