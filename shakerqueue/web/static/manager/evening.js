// The evening in figures and bars: what was ordered, how long it took, what went wrong.

import { lying, standing } from "./charts.js";
import { keyOf, labelOf } from "../board/tickets.js";
import { cells, clock, find, fromTemplate, keep, minutes, say } from "../elements.js";
import { ask } from "../session.js";

const MOST_RECIPES = 10;
const SHARES = ["half of them within", "nine of ten within"];
const IN_MINUTES = { series: SHARES, format: (seconds) => (seconds / 60).toFixed(1) };
const IN_SECONDS = { series: SHARES, format: (seconds) => seconds.toFixed(0) };
const day = find("#day");

let chosen = ""; // nothing: the present business day, also after it has become another one

/** `onDay` is called when another business day is chosen. */
export function prepareEvening(onDay) {
  day.value = new URLSearchParams(location.search).get("day") ?? ""; // a day can be passed on by its address
  chosen = day.value;
  day.addEventListener("change", () => {
    if (!day.validity.valid) return;
    chosen = day.value;
    onDay();
  });
}

export async function readEvening() {
  const window = chosen ? `?from=${chosen}&to=${chosen}` : "";
  const [service, staff, status, queue] = await Promise.all([
    ask("GET", `/reports/service${window}`),
    ask("GET", `/reports/staff${window}`),
    ask("GET", "/admin/status"),
    ask("GET", "/queue?limit=500"),
  ]);
  if (!chosen && day !== document.activeElement) day.value = service.window.to;
  find("#csv").href = `/reports/service?from=${service.window.from}&to=${service.window.to}&format=csv`;
  showFigures(service.totals, status);
  showCharts(service);
  showLate(queue);
  showLost(service);
  showStaff(staff.staff);
}

function showFigures(totals, status) {
  const { queue } = status;
  const figures = [
    ["Orders", totals.orders],
    ["Drinks made", totals.complete],
    ["Wait, half", time(totals.wait_seconds.p50)],
    ["Wait, 9 of 10", time(totals.wait_seconds.p90)],
    ["Make, half", time(totals.make_seconds.p50)],
    ["Make, 9 of 10", time(totals.make_seconds.p90)],
    ["Served", totals.served],
    ["Fetched, half", time(totals.fetch_seconds.p50)],
    ["Fetched, 9 of 10", time(totals.fetch_seconds.p90)],
    ["Made late", totals.late],
    ["Open now", known(status.drinks_open)],
    ["Late now", known(status.drinks_late), status.drinks_late > 0],
    ["Consumers", queue ? queue.consumers : status.broker, queue ? !queue.consumers : status.broker !== "off"],
    ["In the queue", queue ? queue.ready + queue.put_off : "–"],
    ["Dead letters", queue ? queue.dead_letters : "–", queue?.dead_letters > 0],
  ];
  keep(find("#figures"), figures, {
    key: ([name]) => name,
    make: () => fromTemplate("figure-template"),
    update: (element, [name, value, bad]) => {
      say(element, "name", name);
      say(element, "value", String(value));
      element.dataset.bad = String(Boolean(bad));
    },
  });
}

function showCharts({ by_hour: hours, by_recipe: recipes }) {
  const most = recipes.slice(0, MOST_RECIPES);
  const byHour = (valuesOf) => hours.map((hour) => ({ name: `${hour.hour}:00`, values: valuesOf(hour) }));
  const byRecipe = (valuesOf) => most.map((recipe) => ({ name: recipe.recipe, values: valuesOf(recipe) }));
  const drinks = ({ drinks: count }) => [count];
  standing(find("#chart-hours"), { series: ["drinks"], rows: byHour(drinks) });
  lying(find("#chart-recipes"), { series: ["drinks"], rows: byRecipe(drinks) });
  standing(find("#chart-waits-by-hour"), { ...IN_MINUTES, rows: byHour(waits) });
  lying(find("#chart-waits-by-recipe"), { ...IN_MINUTES, rows: byRecipe(waits) });
  standing(find("#chart-makes-by-hour"), { ...IN_SECONDS, rows: byHour(makes) });
  lying(find("#chart-makes-by-recipe"), { ...IN_SECONDS, rows: byRecipe(makes) });
}

function showLate({ items }) {
  const late = items.filter((drink) => drink.late);
  list("#late", late, "Nothing is late.", (drink) => [
    `${drink.recipe.name}, ${labelOf(drink)}`,
    `ordered ${clock(drink.placed_at)}${drink.claimed_by_username ? `, ${drink.claimed_by_username} makes it` : ""}`,
  ], keyOf);
}

function showLost({ failures, cancellations, remakes }) {
  const lost = [
    ...failures.map(({ reason, count }) => [`Not made: ${reason ?? "no reason given"}`, `${count} ×`]),
    ...cancellations.map(({ reason, count }) => [`Canceled: ${reason ?? "no reason given"}`, `${count} ×`]),
    ...remakes.map(({ recipe, count }) => [`Made again: ${recipe}`, `${count} ×`]),
  ];
  list("#lost", lost, "Nothing was lost.", (texts) => texts, ([text]) => text);
}

function list(selector, items, nothing, textsOf, key) {
  const shown = items.length ? items : [null];
  keep(find(selector), shown, {
    key: (item) => (item ? key(item) : ""),
    make: () => fromTemplate("item-template"),
    update: (row, item) => {
      const [text, more] = item ? textsOf(item) : [nothing, ""];
      say(row, "text", text);
      say(row, "more", more);
    },
  });
}

function showStaff(staff) {
  keep(find("#staff tbody"), staff, {
    key: (maker) => maker.user_id,
    make: () => fromTemplate("row-template"),
    update: (row, maker) => cells(row, [maker.username, maker.drinks, time(maker.make_seconds.p50), maker.late]),
  });
}

const waits = ({ wait_seconds: { p50, p90 } }) => [p50, p90];
const makes = ({ make_seconds: { p50, p90 } }) => [p50, p90];
const time = (count) => (count === null ? "–" : minutes(count));
const known = (value) => value ?? "?";
