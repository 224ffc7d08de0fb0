// The round on the screen: how many of what, with which wishes, and one button that orders it.

import { closable, find, fromTemplate, keep, open, say } from "../elements.js";
import { Away } from "../http.js";
import { Round, troubles } from "./round.js";

const dialog = closable(find("#round"));
const list = find("#lines");
const note = find("#round-note");
const button = find("#order");
const lineOf = new WeakMap();

let trouble = new Map();

const REPEATABLE = "Tap Order again: an unchanged round is ordered only once.";

export const round = new Round(show);

/** `onPlaced` gets the accepted order. `mayOrder` is asked first, and tells a guest what is missing. */
export function prepareRound({ mayOrder, onPlaced }) {
  find("#open-round").addEventListener("click", () => { if (mayOrder()) open(dialog); });
  list.addEventListener("click", ({ target }) => {
    const step = { more: 1, less: -1 }[target.dataset.do];
    if (!step) return;
    const line = lineOf.get(target.closest("li"));
    changed();
    round.change(line, { quantity: line.quantity + step });
    if (!round.count) dialog.close();
  });
  list.addEventListener("change", ({ target }) => {
    changed();
    round.change(lineOf.get(target.closest("li")), { note: target.value.trim() });
  });
  note.addEventListener("change", () => { changed(); round.remark(note.value.trim()); });
  button.addEventListener("click", () => order(onPlaced));
  show();
}

async function order(onPlaced) {
  button.disabled = true;
  button.textContent = "Ordering…";
  try {
    const placed = await round.order();
    changed();
    dialog.close();
    onPlaced(placed);
  } catch (error) {
    trouble = troubles(error);
    say(dialog, "wrong", error instanceof Away ? `${error.message || "No answer."} ${REPEATABLE}` : error.message);
    show();
  } finally {
    button.disabled = false;
    button.textContent = "Order";
  }
}

function changed() {
  trouble = new Map();
  say(dialog, "wrong", "");
}

function show() {
  const count = round.count;
  find("#round-count").textContent = count ? `${count} ${count === 1 ? "drink" : "drinks"}` : "is empty";
  find("#open-round").disabled = !count;
  if (note !== document.activeElement) note.value = round.note;
  keep(list, round.lines, {
    key: (line) => String(line.id),
    make: () => fromTemplate("line-template"),
    update: (row, line) => showLine(row, line, trouble.get(round.lines.indexOf(line))),
  });
}

function showLine(row, line, wrong) {
  lineOf.set(row, line);
  say(row, "name", line.recipe);
  say(row, "count", String(line.quantity));
  say(row, "trouble", wrong);
  find("[data-is=group]", row).setAttribute("aria-label", `How many ${line.recipe}`);
  find("[data-do=less]", row).setAttribute("aria-label", `One less: ${line.recipe}`);
  find("[data-do=more]", row).setAttribute("aria-label", `One more: ${line.recipe}`);
  const wish = find("[data-do=note]", row);
  wish.setAttribute("aria-label", `Wishes for ${line.recipe}`);
  if (wish !== document.activeElement) wish.value = line.note;
}
