// The tickets on the screen, and what is tapped on them.

import { find, fromTemplate, keep, minutes, rest, say, tapped } from "../elements.js";
import { CANCELED, DONE, IN_HAND, keyOf, named } from "./tickets.js";

const SOON_SECONDS = 60;
const TAPS = { [CANCELED]: "Seen", [DONE]: "Undo" };
const STATES = { [CANCELED]: "Canceled", [DONE]: "Done" };

const list = find("#tickets");
const lineOf = new WeakMap();

/** `onTap` and `onMore` get the line and its ticket. */
export function listenToTickets({ onTap, onMore }) {
  list.addEventListener("click", (event) => {
    const button = tapped(event);
    if (!button) return;
    const { line, ticket } = lineOf.get(button.closest(".lines > li"));
    (button.dataset.do === "more" ? onMore : onTap)(line, ticket);
  });
}

/** `busy` holds the keys of the drinks that something is being done to. */
export function showTickets(tickets, { busy, now }) {
  keep(list, tickets, {
    key: (ticket) => ticket.id,
    make: () => fromTemplate("ticket-template"),
    update: (element, ticket) => showTicket(element, ticket, busy, now),
  });
  find("#nothing").hidden = tickets.length > 0;
}

function showTicket(element, ticket, busy, now) {
  const seconds = (ticket.dueAt - now) / 1000;
  element.dataset.due = !ticket.isOpen ? "over" : seconds < 0 ? "late" : seconds < SOON_SECONDS ? "soon" : "later";
  say(element, "label", ticket.label);
  say(element, "rush", ticket.rush ? "Rush" : "");
  say(element, "age", minutes((now - ticket.placedAt) / 1000));
  say(element, "due", ticket.isOpen ? dueText(seconds) : "");
  say(element, "note", ticket.note);
  say(element, "left", ticket.total > 1 && ticket.left !== undefined ? `${ticket.left} of ${ticket.total} left` : "");
  keep(find("[data-is=lines]", element), ticket.lines, {
    key: (line) => line.key,
    make: () => fromTemplate("line-template"),
    update: (row, line) => showLine(row, line, ticket, busy),
  });
}

function showLine(row, line, ticket, busy) {
  lineOf.set(row, { line, ticket });
  row.dataset.state = line.state;
  say(row, "modifiers", line.modifiers.join(" · "));
  say(row, "note", line.note);
  say(row, "allergens", line.recipe.allergens.length ? `contains ${line.recipe.allergens.join(", ")}` : "");
  say(row, "maker", line.state === IN_HAND ? `${line.maker} makes it` : "");
  say(row, "state", [STATES[line.state], line.state === CANCELED && line.reason].filter(Boolean).join(": "));
  showButtons(row, line, { what: named(line.drinks), where: ticket.label }, line.drinks.some((drink) => busy.has(keyOf(drink))));
}

function showButtons(row, line, { what, where }, isBusy) {
  const tap = say(row, "tap", TAPS[line.state] ?? "Done");
  tap.setAttribute("aria-label", `${tap.textContent}: ${what}, ${where}`);
  rest(tap, isBusy);
  const more = say(row, "name", what);
  more.setAttribute("aria-label", `${what}, ${where}: more`);
  more.disabled = line.state === CANCELED || line.state === DONE;
  rest(more, isBusy);
  row.setAttribute("aria-busy", String(isBusy));
}

function dueText(seconds) {
  return seconds < 0 ? `late ${minutes(-seconds)}` : `due in ${minutes(seconds)}`;
}
