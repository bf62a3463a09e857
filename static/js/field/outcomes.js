// The two commonest ends of a scan, for sessions and boxes alike. Pure.

import { words } from "./wording.js";

/** A red stop with its reason. */
export function stop(text) {
  return { verdict: "wrong", title: words("Stop"), text };
}

/** Nothing is to be signed: only the state, and what to say. */
export function stay(state, outcome) {
  return { state, outcome, drafts: [] };
}
