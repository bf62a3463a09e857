// The service worker keeps the app for days without network. A newer one takes over by itself, but the page stays the
// old one until somebody says so: nothing changes under a collector's hands.

/**
 * Register the service worker.
 * @param {() => void} renewed a newer version has taken over: tell it, with a button
 */
export async function install(renewed) {
  if (!navigator.serviceWorker) return;
  const before = navigator.serviceWorker.controller;
  if (before) navigator.serviceWorker.addEventListener("controllerchange", renewed, { once: true });
  try {
    await navigator.serviceWorker.register("/field/sw.js", { scope: "/field/" });
  } catch {
    // without it the app works as long as the page is open; scans are kept all the same
  }
}
