// Appearance: light, dark (night shift) or sun, remembered on the device. A classic script in the head, so that
// the page is drawn once, in its colours. Without a choice the device's own preference counts.
(() => {
  const root = document.documentElement;
  const KEY = "appearance";
  const night = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem(KEY) || "";
    } catch {
      return ""; // storage is forbidden in some browsers' private windows
    }
  };

  const paint = (choice) => {
    root.dataset.bsTheme = choice || (night.matches ? "dark" : "light");
    for (const button of document.querySelectorAll("[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === choice));
    }
  };

  root.classList.add("has-js");
  paint(chosen());
  night.addEventListener("change", () => paint(chosen()));
  document.addEventListener("DOMContentLoaded", () => paint(chosen()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.theme);
    } catch {
      // the choice then lasts as long as the page
    }
    paint(button.dataset.theme);
  });
})();
