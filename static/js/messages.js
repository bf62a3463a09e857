// Words for scripts: <script type="application/json" id="messages"> maps an English msgid to the page's language.

const block = document.getElementById("messages");
const catalogue = block ? JSON.parse(block.textContent) : {};

/** The translation of a msgid, as it is; the msgid itself where the page did not bring it. */
export function translate(msgid) {
  return catalogue[msgid] ?? msgid;
}

/** A translated sentence with its %(name)s parameters put in. */
export function say(msgid, parameters = {}) {
  return translate(msgid).replace(/%\((\w+)\)s/g, (whole, name) => String(parameters[name] ?? whole));
}
