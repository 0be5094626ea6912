// What pages do beyond links and forms: times in the zone of whoever looks, parts that follow what happens, words while
// something takes long, and keys. Every page works without it.
"use strict";

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showTimes(within) {
  for (const one of within.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    one.textContent = moments.format(at);
    one.title = one.dateTime;
  }
}

// Parts with data-live are fetched anew with the page every few seconds and put in place where they are different.
// A part in which somebody is typing or stands with the keyboard waits.
const EVERY = 5000;

async function follow() {
  const parts = [...document.querySelectorAll("[data-live]")];
  if (parts.length === 0 || document.hidden) return;
  const headers = { Accept: "text/html", "Tradepost-Follows": "1" }; // a page may leave out what does not follow
  const answer = await fetch(location.href, { headers, redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const now = fresh.getElementById(part.id);
    if (now === null || part.contains(document.activeElement)) continue;
    showTimes(now);
    if (now.innerHTML !== part.innerHTML) part.replaceChildren(...document.importNode(now, true).childNodes);
  }
}

function followForGood() {
  const again = () => setTimeout(() => follow().catch(() => undefined).finally(again), EVERY);
  again();
}

// A form that takes long says so, and cannot be sent twice.
function sayBusy(event) {
  const form = event.target;
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement) || !("busy" in form.dataset)) return;
  setTimeout(() => {
    button.disabled = true;
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-live", "polite");
  });
}

// Keys: j and k go through a list, the letters named by data-key go where they stand. Nothing is done by a key alone:
// what decides is a button, which a key only brings into focus.
const OFF = "tradepost-keys-off";

function move(step) {
  const stops = [...document.querySelectorAll("[data-stop]")];
  if (stops.length === 0) return;
  const place = stops.findIndex((one) => one.contains(document.activeElement) || one === document.activeElement);
  const next = stops[Math.max(0, Math.min(stops.length - 1, place === -1 ? 0 : place + step))];
  (next.matches("a, button") ? next : next.querySelector("a, button")).focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const help = document.getElementById("keys");
  if (event.key === "?" && help instanceof HTMLDialogElement) return help.open ? help.close() : help.showModal();
  if (localStorage.getItem(OFF) !== null) return;
  if (event.key === "j" || event.key === "k") return move(event.key === "j" ? 1 : -1);
  const there = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (there === null) return;
  event.preventDefault();
  if (there.matches("a")) there.click();
  else there.focus();
}

function keysSwitch() {
  const box = document.getElementById("keys-on");
  if (!(box instanceof HTMLInputElement)) return;
  box.checked = localStorage.getItem(OFF) === null;
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
}

showTimes(document);
document.addEventListener("submit", sayBusy);
document.addEventListener("keydown", onKey);
// Back from another page, a button is what it was.
addEventListener("pageshow", (event) => event.persisted && location.reload());
keysSwitch();
followForGood();
