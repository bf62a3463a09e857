// Teams and phones, kept up to date without a reload: the page is asked for again and its figures put in place. Asked
// only while somebody looks at it, and less often when the server does not answer, so that a coordinator's phone lasts
// the day.

const EVERY_MS = 20_000;
const LONGEST_MS = 160_000;
const PARTS = ["[data-totals]", "[data-phones]", "[data-left]", "[data-made-at]"];
const stale = document.querySelector("[data-stale]");
let wait = EVERY_MS;
let timer = null;

function plan() {
  clearTimeout(timer);
  timer = document.hidden ? null : setTimeout(refresh, wait);
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
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
    // What somebody is about to press stays in place.
    if (here && there && !here.contains(document.activeElement)) here.replaceChildren(...there.childNodes);
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? plan() : refresh()));
plan();
