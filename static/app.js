// The little that a page cannot do without script. Everything works without it as well.
"use strict";

// A press on a button that has been pressed: the form is on its way, a second one would only be refused.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("hx-post")) {
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-busy", "true");
  }
});

// Back in the history brings the page as it was left: make its forms usable again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// Times are kept in UTC and said in the reader's own time.
function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
    time.title = at.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" });
    time.removeAttribute("data-moment");
  }
}
document.addEventListener("DOMContentLoaded", () => localTimes(document));
document.addEventListener("htmx:after:swap", () => localTimes(document));

// A dialog that arrived as a fragment is shown as one; closing it takes it out of the page.
document.addEventListener("htmx:after:swap", () => {
  for (const dialog of document.querySelectorAll("dialog[data-modal]:not([open])")) {
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.remove(), { once: true });
  }
});
document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog[data-modal]");
  if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) {
    event.preventDefault();
    dialog.close();
  }
});
