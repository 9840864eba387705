// Keeps the page up to date, and a few comforts. Everything on these pages works without this script.
"use strict";

const main = document.getElementById("content");
const live = document.getElementById("live");
const liveText = document.getElementById("live-text");
const stale = document.getElementById("stale");
const search = document.getElementById("search");

const PATIENCE = 8000; // of one look, in milliseconds
const SHARE = 10; // a look may take a tenth of the time: some searches are work for the database
const SLOWEST = 60000; // between two looks

let paused = false;
let failures = 0;
let took = 0;
let timer;

/** Looks again when it is worth while: as often as the page says, more seldom while the server is slow or does not answer. */
function schedule() {
  clearTimeout(timer);
  const every = Number(main.dataset.every) * 1000;
  live.hidden = !every;
  if (!every || paused || document.hidden) return;
  const pause = Math.max(every * 2 ** Math.min(failures, 3), took * SHARE);
  timer = setTimeout(refresh, Math.min(pause, SLOWEST));
}

async function refresh() {
  clearTimeout(timer);
  const begin = performance.now();
  try {
    const response = await fetch(location.href, { headers: { "X-Part": "main" }, signal: AbortSignal.timeout(PATIENCE) });
    if (response.status >= 500) throw new Error(response.statusText);
    const text = await response.text();
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("content");
    if (!next) throw new Error("not a page of ours");
    morph(main, next);
    document.title = main.dataset.title;
    failures = 0;
    took = performance.now() - begin;
  } catch {
    failures += 1;
  }
  tell();
  schedule();
}

/** Says whether what is shown is what is. */
function tell() {
  const state = paused ? "Paused" : failures ? "Stale" : "Live";
  live.className = `live ${state.toLowerCase()}`;
  live.setAttribute("aria-pressed", String(paused));
  live.title = paused ? "Go on" : "Pause";
  write(liveText, state);
  stale.hidden = !failures || paused;
  write(stale, failures ? `The server does not answer. This page is stale since ${main.dataset.clock} UTC.` : "");
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `old` what `next` is, and touches nothing that is the same: focus, selection, scroll positions and what was
 * opened stay. Elements with an id are the same one wherever they stand.
 */
function morph(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = next.data;
    return;
  }
  attributes(old, next);
  if (old.hasAttribute("data-keep")) return;
  const kept = new Set([...next.children].map((child) => child.id).filter(Boolean));
  for (const child of [...old.children]) if (child.id && !kept.has(child.id)) child.remove();
  let at = old.firstChild;
  for (const child of [...next.childNodes]) {
    const same = counterpart(old, at, child);
    if (!same) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    morph(same, child);
  }
  while (at) {
    const rest = at.nextSibling;
    at.remove();
    at = rest;
  }
}

function counterpart(parent, at, child) {
  if (child.id) return [...parent.children].find((known) => known.id === child.id && known.nodeName === child.nodeName);
  return at && !at.id && at.nodeName === child.nodeName ? at : undefined;
}

function attributes(old, next) {
  // Which details are open is the reader's business, and whether there is a button for the clipboard this script's.
  const ours = (name) => (name === "open" && old.nodeName === "DETAILS") || (name === "hidden" && "copy" in old.dataset);
  for (const { name, value } of next.attributes)
    if (!ours(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!ours(name) && !next.hasAttribute(name)) old.removeAttribute(name);
}

live.addEventListener("click", () => {
  paused = !paused;
  tell();
  if (!paused) refresh();
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && !paused && Number(main.dataset.every)) refresh();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === search) search.blur();
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// A page served without TLS from another host has no clipboard API, and no button then.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).catch(() => {});
    write(button, "Copied");
    setTimeout(() => write(button, "Copy"), 1500);
  });
}

tell();
schedule();
