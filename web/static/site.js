// Small comforts: every page works without. No page is built here, and nothing is kept.
"use strict";

// What is wrong is read out and reached first.
const summary = document.querySelector("[data-module=error-summary]");
if (summary) summary.focus();

// A second press on the button sends nothing twice; the server would not do it twice either.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
