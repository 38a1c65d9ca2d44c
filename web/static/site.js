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

// What stands on a contact card is copied, where the browser lets a page do that.
for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
    button.setAttribute("aria-live", "polite");
  });
}

// A page that is for paper is printed, where the browser lets a page ask for that.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A page that waits for something new says so, and moves nothing that is being read.
const waiting = document.querySelector("[data-latest]");
if (waiting) {
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(waiting.dataset.latest, { redirect: "error" });
    const latest = await answer.json();
    if (latest.mark !== waiting.dataset.mark) waiting.querySelector("a").hidden = false;
  }, 20000);
}

// What goes on by itself says how far it is, and the page is read anew when it has come further.
const progress = document.querySelector("[data-progress]");
if (progress) {
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(progress.dataset.progress, { redirect: "error" });
    const latest = await answer.json();
    const bar = progress.querySelector("progress");
    if (bar) bar.value = latest.percent;
    if (latest.mark !== progress.dataset.mark) location.reload();
  }, 2000);
}

// Passkeys: the browser asks whoever is there, and its answer is sent with the button's form.
const passkeys = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
for (const button of passkeys ? document.querySelectorAll("[data-passkey]") : []) {
  const { passkey, field, making } = button.dataset;
  button.hidden = false;
  for (const text of button.form.querySelectorAll("[data-no-passkeys]")) text.hidden = true;
  button.addEventListener("click", async () => {
    const options = JSON.parse(passkey);
    const failed = button.nextElementSibling.firstElementChild;
    failed.hidden = true;
    try {
      const given = making
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      button.form.elements[field].value = JSON.stringify(given);
      button.form.requestSubmit();
    } catch {
      failed.hidden = false;
    }
  });
}
