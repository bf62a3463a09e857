// Ticks for many: [data-select-all] holds one [data-all] and many [data-one]; Shift ticks a range. The nearest
// form's [data-selected-count] shows how many, and its [data-needs-selection] buttons wait for one.

for (const list of document.querySelectorAll("[data-select-all]")) {
  const all = list.querySelector("[data-all]");
  const ones = [...list.querySelectorAll("[data-one]")];
  const area = list.closest("form") ?? document;
  let last = null;

  const tell = () => {
    const count = ones.filter((one) => one.checked).length;
    all.checked = count > 0 && count === ones.length;
    all.indeterminate = count > 0 && count < ones.length;
    for (const place of area.querySelectorAll("[data-selected-count]")) place.textContent = String(count);
    for (const button of area.querySelectorAll("[data-needs-selection]")) button.disabled = count === 0;
  };

  all.addEventListener("change", () => {
    for (const one of ones) one.checked = all.checked;
    tell();
  });
  list.addEventListener("click", (event) => {
    const at = ones.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && last !== null) {
      for (const one of ones.slice(Math.min(at, last), Math.max(at, last) + 1)) one.checked = ones[at].checked;
    }
    last = at;
    tell();
  });
  // Going back in the browser brings the ticks back, but no event.
  window.addEventListener("pageshow", tell);
  tell();
}
