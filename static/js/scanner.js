// A hand scanner is a keyboard that types fast and ends with Enter. This hears it wherever the focus is, takes back
// what it typed into another field, and leaves slow typing alone. A textarea is a list of codes, one a line: a scan
// into it is one more line of that list and means nothing to the station.

const FAST_MS = 60; // scanners were measured at 7 to 16 ms between keys; a person rarely goes under 80
const HICCUP_MS = 500; // a wireless scanner may pause in the middle of a label; nobody scans that soon after typing
const SHORTEST = 6;

/**
 * Hear scans on the whole page. A slow wireless scanner is allowed for by data-fast-ms on the field.
 * @param {HTMLInputElement} input the visible scan field, where typing by hand and Enter counts too
 * @param {(text: string, how: "scanner"|"hand") => void} heard
 */
export function listen(input, heard) {
  const fast = Number(input.dataset.fastMs) || FAST_MS;
  let burst = null;

  const begin = (target, key, at) => {
    const holds = typeof target?.value === "string";
    const goesOn = target === input && burst?.target === input && at - burst.last <= HICCUP_MS;
    const before = goesOn ? burst.before : holds ? target.value : "";
    burst = { text: key, last: at, target: holds ? target : null, before };
  };

  const end = (event) => {
    const scan = burst && event.timeStamp - burst.last <= fast && burst.text.length >= SHORTEST ? burst : null;
    burst = null;
    if (event.target instanceof HTMLTextAreaElement) return;
    if (scan) {
      stop(event);
      const text = whatArrived(scan, input);
      takeBack(scan, input);
      heard(text, "scanner");
    } else if (event.target === input) {
      stop(event);
      const typed = input.value;
      input.value = "";
      if (typed.trim()) heard(typed, "hand");
    } else {
      guardForm(event);
    }
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (event.key === "Enter") return end(event);
      if ([...event.key].length !== 1) return;
      if (burst && event.timeStamp - burst.last <= fast) {
        burst.text += event.key;
        burst.last = event.timeStamp;
        return;
      }
      // Typing that no field would get belongs to the scan field.
      if (!takesText(event.target) && event.key !== " ") input.focus({ preventScroll: true });
      begin(document.activeElement, event.key, event.timeStamp);
    },
    { capture: true },
  );
}

function takesText(element) {
  return element instanceof HTMLElement && element.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select");
}

// An input method puts in letters that no key event tells of: in the scan field, what stands there is what was read.
function whatArrived({ text, target, before }, input) {
  if (target !== input || !input.value.startsWith(before)) return text;
  return input.value.slice(before.length) || text;
}

function takeBack({ target, before }, input) {
  if (target === input || target === null) {
    input.value = "";
    return;
  }
  target.value = before;
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Enter in a field goes on only when its form is complete; otherwise to the first field that is not. */
function guardForm(event) {
  const form = event.target instanceof HTMLInputElement ? event.target.form : null;
  if (!form || form.checkValidity()) return;
  stop(event);
  form.querySelector(":invalid:not(fieldset)")?.focus();
}

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
