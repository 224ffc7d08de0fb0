// The tables, and the codes that make their guests customers.

import { find, fromTemplate, keep, say } from "../elements.js";
import { complain, tell } from "../messages.js";
import { ask } from "../session.js";

const list = find("#table-list");
const form = find("#new-tables");
const wrong = find("#tables-wrong");
const tableOf = new WeakMap();

export function prepareTables() {
  form.addEventListener("submit", add);
  find("#print").addEventListener("click", () => print());
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const table = tableOf.get(button.closest("li"));
    const deed = button.dataset.do === "revoke"
      ? ask("POST", `/tables/${table.id}/revoke`).then(() => tell(`${table.label} has a new code: print it. The old one is good no more.`))
      : ask("DELETE", `/tables/${table.id}`).then(() => tell(`${table.label} is removed, and its code with it.`));
    deed.then(readTables).catch(complain);
  });
}

export async function readTables() {
  const { tables } = await ask("GET", "/tables");
  keep(list, tables, { key: (table) => table.id, make: () => fromTemplate("table-template"), update: showTable });
  find("#print").hidden = !tables.length;
}

function showTable(element, table) {
  tableOf.set(element, table);
  say(element, "label", table.label);
  say(element, "link", table.link);
  const code = find("[data-is=code]", element);
  code.alt = `Code of ${table.label}`;
  const source = `/tables/${table.id}/qr.svg?made_at=${encodeURIComponent(table.link_made_at)}`;
  if (element.dataset.link !== table.link) code.src = source;
  element.dataset.link = table.link;
  for (const button of element.querySelectorAll("button")) {
    button.setAttribute("aria-label", `${button.textContent}: ${table.label}`);
  }
}

async function add(event) {
  event.preventDefault();
  const labels = form.elements.labels.value.split(",").map((label) => label.trim()).filter(Boolean);
  try {
    await ask("POST", "/tables", { labels });
    form.reset();
    wrong.hidden = true;
    await readTables();
  } catch (error) {
    wrong.textContent = error.message;
    wrong.hidden = false;
  }
}
