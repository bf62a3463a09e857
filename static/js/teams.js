// Teams and phones, kept up to date without a reload: the page is asked for again and its figures put in place. Asked
// only while somebody looks at it, and less often when the server does not answer, so that a coordinator's phone lasts
// the day. The page itself is asked for and not the API: its words are there once, in the reader's language.

const EVERY_MS = 20_000;
const LONGEST_MS = 160_000;
// A network that swallows the question is an answer too: the figures are old.
const PATIENCE_MS = 15_000;
const PARTS = ["[data-made-at]", "[data-sheet]", "[data-totals]", "[data-phones]", "[data-left]"];
const stale = document.querySelector("[data-stale]");
let wait = EVERY_MS;
let timer = null;

function plan() {
  clearTimeout(timer);
  timer = document.hidden ? null : setTimeout(refresh, wait);
}

async function refresh() {
  clearTimeout(timer);
  try {
    const answer = await fetch(location.href, {
      headers: { Accept: "text/html" },
      redirect: "error", // to the sign-in page
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    wait = EVERY_MS;
    stale.hidden = true;
  } catch {
    wait = Math.min(wait * 2, LONGEST_MS);
    stale.hidden = false;
  }
  plan();
}

function show(fresh) {
  for (const part of PARTS) {
    const [here, there] = [document.querySelector(part), fresh.querySelector(part)];
    if (here && there && !here.isEqualNode(there)) replace(here, there);
  }
}

/** Put new content in; whoever walks the list with the keyboard stays on the same link. */
function replace(here, there) {
  const held = here.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  here.replaceChildren(...there.childNodes);
  if (held) here.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

document.addEventListener("visibilitychange", () => (document.hidden ? plan() : refresh()));
plan();
