// The pictures of templates/components/pictures.html, changed in place as scans come.

/** Show a pool's members: one label per filled slot. */
export function fillPool(pool, labels) {
  pool.querySelector("[data-pool-count]").textContent = String(labels.length);
  pool.querySelectorAll(".slot").forEach((slot, index) => {
    slot.classList.toggle("filled", index < labels.length);
    slot.classList.toggle("next", index === labels.length);
    slot.querySelector(".word").textContent = labels[index] ?? "";
  });
}

/** Show a count, and its bar where there is one. */
export function setCount(counter, number) {
  counter.querySelector("[data-count]").textContent = String(number);
  const bar = counter.querySelector("[data-bar]");
  if (bar) bar.value = number;
}

/**
 * Show one well.
 * @param {HTMLElement} plate the element with data-plate
 * @param {string} name such as "A01"
 * @param {{label?: string, state?: string, control?: boolean, title?: string}} well state: empty, filled, good, stop, look, invalid or next
 */
export function setWell(plate, name, { label = "", state = "filled", control = false, title = label }) {
  const well = plate.querySelector(`[data-well="${name}"]`);
  well.className = `well ${state}${control ? " control" : ""}`;
  well.title = `${name} ${title}`;
  const word = document.createElement("span");
  if (plate.dataset.plate === "384") word.className = "visually-hidden";
  word.textContent = label;
  well.replaceChildren(word);
}
