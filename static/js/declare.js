// The declaration with a hand scanner: a card's QR fills the form as soon as it was read. Without this the button does.

const COMPLETE = /^[^|]*(\|[^|]*){4,}/; // a card has seven fields, a phone's code five or more
const PAUSE_MS = 150;

const form = document.querySelector("[data-card-form]");
const field = form?.querySelector("textarea");
let timer = 0;

function send() {
  clearTimeout(timer);
  form.requestSubmit(form.querySelector("[name=doing]"));
}

field?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (COMPLETE.test(field.value)) send();
});

// Some scanners end with nothing at all: what has come to rest and looks complete is sent.
field?.addEventListener("input", () => {
  clearTimeout(timer);
  if (COMPLETE.test(field.value)) timer = setTimeout(send, PAUSE_MS);
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
