// Search and copy buttons. Everything else on these pages works without this script.
"use strict";

for (const block of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const done = await copy(block.querySelector("code").textContent);
    button.textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  block.append(button);
}

/** Whether `text` is now on the clipboard. A page served without TLS from another host has no clipboard API. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

const box = document.querySelector(".search");
const input = document.getElementById("search");
const results = document.getElementById("results");
const { up, search } = document.body.dataset;
let index; // a promise of the sections of all pages, loaded at the first use
let chosen = -1;

box.hidden = location.protocol === "file:"; // no page may read another file there
input.addEventListener("focus", load);
input.addEventListener("input", show);
input.addEventListener("keydown", steer);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  input.focus();
  input.select();
});
document.addEventListener("click", (event) => {
  if (!box.contains(event.target)) close();
});

/** The sections, each with its lower-cased text. */
function load() {
  index ??= fetch(search)
    .then((response) => response.json())
    .then((sections) => sections.map((s) => ({ ...s, low: { p: s.p.toLowerCase(), h: s.h.toLowerCase(), t: s.t.toLowerCase() } })))
    .catch(() => ((index = undefined), []));
  return index;
}

async function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return close();
  const sections = await load();
  const found = sections
    .map((section) => ({ section, score: score(section.low, words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 12);
  chosen = -1;
  results.replaceChildren(...found.map(({ section }) => entry(section, words)));
  if (!found.length) results.textContent = "Nothing found.";
  results.hidden = false;
}

/** 0 unless every word occurs. A word in a heading weighs more than one in the text. */
function score(low, words) {
  let sum = 0;
  for (const word of words) {
    const here = 8 * low.h.includes(word) + 4 * low.p.includes(word) + (low.t.includes(word) ? 1 : 0);
    if (!here) return 0;
    sum += here;
  }
  return sum;
}

function entry(section, words) {
  const link = document.createElement("a");
  link.href = up + (section.u || "./");
  const where = document.createElement("strong");
  where.textContent = section.h === section.p ? section.p : `${section.p} › ${section.h}`;
  const text = document.createElement("span");
  const at = Math.max(0, section.low.t.indexOf(words[0]) - 40);
  text.append(at ? "…" : "", ...marked(section.t.slice(at, at + 140), words));
  link.append(where, text);
  link.addEventListener("click", close);
  return link;
}

/** `text` with every word in a <mark>. */
function marked(text, words) {
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.split(new RegExp(`(${pattern})`, "gi")).map((part, i) => {
    if (i % 2 === 0) return part;
    const mark = document.createElement("mark");
    mark.textContent = part;
    return mark;
  });
}

function steer(event) {
  const links = [...results.querySelectorAll("a")];
  if (event.key === "Escape") {
    input.value = "";
    close();
    input.blur();
  } else if (event.key === "Enter" && links.length) {
    (links[chosen] ?? links[0]).click();
  } else if (links.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    links[chosen]?.classList.remove("chosen");
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + links.length) % links.length;
    links[chosen].classList.add("chosen");
    links[chosen].scrollIntoView({ block: "nearest" });
  }
}

function close() {
  results.hidden = true;
  chosen = -1;
}

// Shows in the contents which section is being read.
const anchors = new Map();
for (const link of document.querySelectorAll("aside.contents a")) anchors.set(link.hash.slice(1), link);
const headings = [...document.querySelectorAll("article :is(h2, h3)[id]")];
function mark() {
  const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 120).pop();
  for (const [id, link] of anchors) link.classList.toggle("reading", id === passed?.id);
}
if (anchors.size) {
  document.addEventListener("scroll", mark, { passive: true });
  mark();
}
