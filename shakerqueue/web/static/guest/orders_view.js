// The guest's orders: what is on its way, and what was before.

import { clock, find, fromTemplate, keep, say } from "../elements.js";
import { canCancel, estimateOf, isCurrent, linesOf } from "./progress.js";

const current = find("#orders");
const history = find("#history");
const shownAs = new WeakMap(); // what an element stands for: an order and the drinks that its button cancels

/** `onCancel` gets the order and the drinks. */
export function listenToOrders(onCancel) {
  current.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do=cancel]");
    if (!button) return;
    const { order, items } = shownAs.get(button.closest("li"));
    onCancel(order, items);
  });
}

/** Let keyboard and screen reader go on at the orders; at those of before where none is on its way. */
export function focusOrders() {
  const title = find(current.children.length ? "#orders-title" : "#history-title");
  title.focus({ preventScroll: true });
  title.scrollIntoView({ block: "start" });
}

/** The newest first. */
export function showOrders(orders, now) {
  const isNow = (order) => isCurrent(order, now);
  show(current, orders.filter(isNow), now);
  show(history, orders.filter((order) => !isNow(order)), now);
  find("#now").hidden = !current.children.length;
  find("#history-section").hidden = !history.children.length;
}

function show(list, orders, now) {
  keep(list, orders, {
    key: (order) => order.id,
    make: () => fromTemplate("order-template"),
    update: (element, order) => showOrder(element, order, now),
  });
}

function showOrder(element, order, now) {
  const open = order.items.filter(canCancel);
  const lines = linesOf(order, now);
  shownAs.set(element, { order, items: open });
  say(element, "title", `${dayOf(order, now)}${clock(order.placed_at)}${order.ticket ? ` · ${order.ticket}` : ""}`);
  say(element, "estimate", estimateOf(order, now));
  say(element, "note", order.note);
  say(element, "cancel", lines.length > 1 && open.length > 1 ? "Cancel all that is not begun" : "");
  keep(find("[data-is=drinks]", element), lines, {
    key: (line) => line.key,
    make: () => fromTemplate("ordered-template"),
    update: (row, line) => showLine(row, line, order),
  });
}

function showLine(row, line, order) {
  const [first] = line.items;
  shownAs.set(row, { order, items: line.items });
  row.dataset.state = first.status;
  const name = `${line.items.length > 1 ? `${line.items.length} × ` : ""}${line.recipe}`;
  say(row, "name", name);
  say(row, "note", line.note);
  say(row, "state", line.state);
  const cancel = say(row, "cancel", canCancel(first) ? "Cancel" : "");
  cancel.setAttribute("aria-label", `Cancel: ${name}`);
}

function dayOf(order, now) {
  const hours = (now - Date.parse(order.placed_at)) / 3_600_000;
  return hours < 12 ? "" : `${new Date(order.placed_at).toLocaleDateString([], { day: "numeric", month: "short" })}, `;
}
