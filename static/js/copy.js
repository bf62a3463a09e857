// Copy buttons: <button data-copy="T3K9F2C5N" data-copied-word="Copied">… <span data-word>Copy</span></button>
const SHOWN_MS = 1800;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const word = button.querySelector("[data-word]");
  const before = word.textContent;
  if (button.hasAttribute("data-copied") || !(await put(button.dataset.copy))) return;
  button.setAttribute("data-copied", "");
  word.textContent = button.dataset.copiedWord;
  setTimeout(() => {
    button.removeAttribute("data-copied");
    word.textContent = before;
  }, SHOWN_MS);
});

/** Put a text on the clipboard; false where the browser does not let us (a page without HTTPS on a ward's network). */
async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
