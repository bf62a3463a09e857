// The slip's QR leads to /results#CODE. What stands behind # never reaches a server; here it goes into the field and
// out of the address, so that it stays neither in the history nor on the screen of whoever looks over the shoulder.

const field = document.querySelector("[data-from-address]");
const code = decodeURIComponent(location.hash.slice(1)).slice(0, 40);

if (field && code && code !== "main") {
  field.value = code;
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("birth_day")?.focus();
}
