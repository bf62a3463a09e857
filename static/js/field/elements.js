// Small pieces of the page: finding, making and wording elements.

import { grouped } from "../codes.js";
import { say } from "../messages.js";

const SPRITE = "/static/vendor/bootstrap-icons/sprite.svg";
const SVG = "http://www.w3.org/2000/svg";

/** The first element that fits. */
export function find(selector, root = document) {
  return root.querySelector(selector);
}

/** Every element that fits. */
export function findAll(selector, root = document) {
  return [...root.querySelectorAll(selector)];
}

/** A new element with its properties and children. */
export function make(tag, properties = {}, ...children) {
  const { dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

/** An icon of the sprite; decoration beside a word. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${className}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** A printed code, in its groups. */
export function codeOf(code) {
  return make(
    "span",
    { className: "code" },
    ...grouped(code)
      .split(" ")
      .map((group) => make("span", {}, group)),
  );
}

/** A sentence of wording.js in the page's language; "" for none. */
export function tell(sentence) {
  if (!sentence) return "";
  return sentence.plain ?? say(sentence.msgid, sentence.parameters);
}

/** New children, unless they would be the same: a button must not vanish under a finger because something was sent. */
export function redraw(container, key, children) {
  if (container.dataset.drawn === key) return;
  container.dataset.drawn = key;
  container.replaceChildren(...children());
}

/** Show or hide, and put words in. */
export function showWords(element, text) {
  element.textContent = text;
  element.hidden = !text;
}
