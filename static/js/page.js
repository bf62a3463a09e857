// What every page has: copy buttons, questions before a destructive step, ticks for many, and the error summary.
import "./confirm.js";
import "./copy.js";
import "./select-all.js";

// The browser does not move the focus to role=alert by itself; a keyboard user must land on what to mend.
document.querySelector("[data-error-summary]")?.focus();
