// Keeps the collectors' app on a phone, whole or not at all, for days without network. It answers from what it keeps,
// never touches what is sent to the server, and never IndexedDB: scans outlive every release.

const RELEASE = {{ release|tojson }};
const VERSION = {{ version|tojson }};
const CACHE = `field-${RELEASE}`;
const PAGES = {{ pages|tojson }};
// each file with its digest: a server that is being renewed cannot give half of one release and half of another
const FILES = {{ files|tojson(indent=0) }};
const MATCH = { ignoreSearch: true, ignoreVary: true };

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers().then(() => self.clients.claim())));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname in FILES) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => Response.redirect(PAGES[0])));
});

self.addEventListener("message", (event) => {
  if (event.data?.type === "version") event.source.postMessage({ type: "version", version: VERSION, release: RELEASE });
});

async function keep() {
  const cache = await caches.open(CACHE);
  try {
    // what the page has just loaded is asked for by its ETag, and not sent a second time; if it is not right, afresh
    await cache.addAll(requests("no-cache")).catch(() => cache.addAll(requests("reload")));
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

function requests(mode) {
  return Object.entries(FILES).map(([file, integrity]) => new Request(file, { cache: mode, integrity }));
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, MATCH)) ?? fetch(request);
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("field-") && name !== CACHE).map((name) => caches.delete(name)));
}
