// The guest's page: what can be had, a round of it, and how far it is.

import { mayOrder, prepareAccount } from "./account.js";
import { prepareMenu, showMenu } from "./menu_view.js";
import { focusOrders, listenToOrders, showOrders } from "./orders_view.js";
import { lostSince } from "./progress.js";
import { allowSound, prepareReady, showReady } from "./ready.js";
import { prepareRound, round } from "./round_view.js";
import { clock, find } from "../elements.js";
import { call, insist, passesSoon, persist } from "../http.js";
import { Live } from "../live.js";
import { liveness } from "../liveness.js";
import { complain, tell } from "../messages.js";
import { serverNow } from "../server_time.js";
import { ask, onSession, resume, session, sitDown } from "../session.js";

const PAGE_ORDERS = 20;
const SHOWN_ORDERS = 200;

const live = new Live("guest", read, liveness("No connection: this may have changed. It catches up by itself."));
const older = find("#older");

let orders = [];
let wanted = PAGE_ORDERS;
let placed = []; // accepted, and not yet among the orders
let table = null; // of the guest's pass

/** Everything that the page shows, read as a whole; the menu and the bar are anybody's. */
async function read() {
  const [menu, bar] = await Promise.all([call("GET", "/menu"), call("GET", "/bar")]);
  showMenu(menu.recipes, bar.accepting);
  showBar(bar);
  if (!session) return;
  const page = await ask("GET", `/orders?mine=true&limit=${wanted}`);
  const known = new Set(page.orders.map((order) => order.id));
  lostSince([...placed, ...orders], page.orders).forEach((loss) => complain(new Error(loss)));
  placed = placed.filter((order) => !known.has(order.id));
  orders = page.orders;
  older.hidden = !page.next_cursor || wanted >= SHOWN_ORDERS;
  show();
}

function show() {
  const now = serverNow();
  const all = [...placed, ...orders];
  showOrders(all, now);
  showReady(all, now);
}

function showBar(bar) {
  const banner = find("#closed");
  banner.hidden = bar.state === "open";
  const times = { closed: bar.reopens_at && ` It opens at ${clock(bar.reopens_at)}.`, last_call: ` Order until ${clock(bar.closes_at)}.` };
  const what = bar.state === "last_call" ? "Last call." : "The bar takes no orders right now.";
  banner.textContent = bar.state === "open" ? "" : `${what}${times[bar.state] || ""}${bar.reason ? ` ${bar.reason}` : ""}`;
}

function accepted(order) {
  // Without its drinks it is a repeat, and among the orders already.
  if (order.items) placed = [{ ...order, items: order.items.map((item) => ({ ...item, status: "queued" })) }, ...placed];
  tell("Ordered. The bar has it.");
  show();
  focusOrders();
  live.news();
}

async function cancel(order, items) {
  for (const item of items) {
    try {
      await insist(() => ask("POST", `/orders/${order.id}/items/${item.number}/cancel`, {}));
    } catch (error) {
      complain(error.code === "invalid_transition" ? new Error(`${item.recipe} is being made already.`) : error);
      break;
    }
  }
  await live.news();
  if (document.activeElement === document.body) focusOrders(); // the button that was tapped is gone
}

/** A link that was scanned opens a pass, and leaves the address line: it is the table's, and nobody else's. */
async function takeSeat() {
  const { link } = find("main").dataset;
  if (!link) return resume();
  try {
    await sitDown(link);
  } catch (error) {
    if (!error.status || passesSoon(error)) throw error; // the next try, or a reload, needs the link
    complain(error);
    await resume();
  }
  history.replaceState(null, "", "/");
}

function follow(who) {
  if (table && !who) complain(new Error(`You are no longer a guest of ${table}. To order again, scan the code on the table.`));
  table = who?.table ?? null;
  placed = [];
  orders = [];
  wanted = PAGE_ORDERS;
  show();
  live.start({ stream: Boolean(session) });
}

async function begin() {
  prepareAccount();
  prepareMenu((name) => { round.add(name); find("#added").textContent = `${name} added: ${round.count} in your round`; });
  prepareRound({ mayOrder: () => { allowSound(); return mayOrder(); }, onPlaced: accepted });
  prepareReady();
  listenToOrders((order, items) => cancel(order, items));
  older.addEventListener("click", () => { wanted = Math.min(wanted + 60, SHOWN_ORDERS); live.news(); });
  setInterval(show, 1000);
  onSession(follow);
  live.start({ stream: false }); // the menu is anybody's
  await persist(takeSeat);
}

begin();
