// A destructive button asks once, in its place, and no window takes the focus:
//   <button data-confirm="Discard 12 tubes?" data-yes="Discard" data-no="Keep">
// Without JavaScript the server's own question page, or its undo, is what remains.

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-confirm]");
    if (!button || button.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(button);
  },
  { capture: true },
);

function ask(button) {
  const question = document.createElement("span");
  question.className = "ask-once";
  question.setAttribute("role", "group");
  const words = document.createElement("span");
  words.textContent = button.dataset.confirm;
  const no = makeButton(button.dataset.no, "btn btn-secondary btn-sm");
  const yes = makeButton(button.dataset.yes || button.textContent.trim(), "btn btn-danger btn-sm");
  question.append(words, no, yes);
  button.hidden = true;
  button.after(question);
  // The safe answer has the focus: a scanner's Enter must not destroy anything.
  no.focus();

  const close = () => {
    question.remove();
    button.hidden = false;
    button.focus();
  };
  no.addEventListener("click", close);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  yes.addEventListener("click", () => {
    close();
    button.dataset.confirmed = "yes";
    button.click();
    delete button.dataset.confirmed;
  });
}

function makeButton(text, classes) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = classes;
  made.textContent = text;
  return made;
}
