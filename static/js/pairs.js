// Two scans a pair: a hand scanner ends each with Enter, which goes to the second field first and sends after it.

const first = document.querySelector("[data-scan-next]");
first?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  document.getElementById(first.dataset.scanNext).focus();
});
