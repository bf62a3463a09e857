// Pages of a plate: printing it, and going through its Ct fields by keyboard.

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());

const form = document.querySelector("[data-readings]");
if (form) {
  const rows = [...form.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("[data-ct]")]);
  const fields = rows.flat();
  form.addEventListener("keydown", (event) => {
    const field = event.target.closest("[data-ct]");
    if (!field) return;
    const target = step(field, event.key);
    if (target === undefined) return;
    event.preventDefault(); // Enter must never send a half-filled table
    target?.focus();
    target?.select?.();
  });

  // The field a key leads to: Enter to the next one, after the last to the button; arrows up and down the plate.
  function step(field, key) {
    if (key === "Enter") return fields[fields.indexOf(field) + 1] ?? form.querySelector("button[type=submit]");
    const move = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!move) return undefined;
    const row = rows.findIndex((cells) => cells.includes(field));
    return rows[row + move]?.[rows[row].indexOf(field)] ?? null;
  }
}
