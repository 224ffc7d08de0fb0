// The board: reads the queue, shows it, and does what is tapped.

import { listenToHand, showHand } from "./hand_view.js";
import { act, takeBack, Undo } from "./deeds.js";
import { openMore, prepareMore } from "./more.js";
import { preparePause, showBar } from "./pause.js";
import { preparePeople } from "./people.js";
import { listenToTickets, showTickets } from "./queue_view.js";
import { listenToReady, showReady } from "./ready_view.js";
import { prepareSoldOut, showSoldOut } from "./sold_out.js";
import { batchesOf, CANCELED, DONE, keyOf, labelOf, named, nextUp, ticketsOf } from "./tickets.js";
import { cells, find, fromTemplate, keep, rest, say, tapped } from "../elements.js";
import { DOUBLE_TAP_SECONDS, persist, seconds } from "../http.js";
import { isText, keepFor, kept } from "../kept.js";
import { Live } from "../live.js";
import { liveness } from "../liveness.js";
import { complain, tell } from "../messages.js";
import { ask, onSession, resume, session } from "../session.js";
import { serverNow } from "../server_time.js";
import { askToSignIn, closeSignIn } from "../sign_in.js";

const LISTED_DRINKS = 200;
const DONE_SHOWN_SECONDS = 5;
const USUAL_BATCH = "3";
const NOTHING = { items: [], canceled: [], ready: [], all_day: [], sold_out: [] };

const undo = new Undo();
const live = new Live("bar", read, liveness("No connection: this is not how things are now. It catches up by itself."));
const station = find("#station");
const batch = find("#batch");

let queue = NOTHING;
let busy = new Set();
let claiming = false;
let undoing = false;
let done = []; // drinks that were finished here a moment ago

async function read() {
  const chosen = station.value ? `&station=${encodeURIComponent(station.value)}` : "";
  const reader = session?.user.id;
  const [nextQueue, bar] = await Promise.all([ask("GET", `/queue?limit=${LISTED_DRINKS}${chosen}`), ask("GET", "/bar")]);
  if (session?.user.id !== reader) return; // it was not read for who is there now, or for nobody
  queue = nextQueue;
  showBar(bar);
  showSoldOut(queue);
  offerStations();
  show();
}

function show() {
  const now = serverNow();
  done = done.filter((drink) => drink.shownUntil > Date.now());
  showTickets(ticketsOf(queue, done, now), { busy, now });
  showHand(batchesOf(queue, session?.user.id), busy);
  showReady(queue.ready, { busy, now });
  showCounts();
  showActions(now);
}

function showCounts() {
  const drinks = queue.all_day.reduce((sum, count) => sum + count.pending + count.in_progress, 0);
  find("#queue-count").textContent = drinks ? `· ${drinks} ${drinks === 1 ? "drink" : "drinks"}` : "";
  find("#sold-out-now").textContent = queue.sold_out.length ? `86: ${queue.sold_out.join(", ")}` : "";
  keep(find("#all-day tbody"), queue.all_day, {
    key: (count) => count.recipe,
    make: () => fromTemplate("row-template"),
    update: (row, count) => cells(row, [count.recipe, count.pending, count.in_progress]),
  });
}

function showActions(now) {
  const next = nextUp(queue, now);
  const count = next && Math.min(next.count, Number(batch.value));
  find("#next-up").textContent = next ? `${count > 1 ? `${count} × ` : ""}${next.recipe}` : "";
  rest(find("#claim"), claiming || !next);
  rest(find("#undo"), undoing || !undo.last);
  find("#undo-what").textContent = undo.last?.label ?? "";
}

/** Do something to the drinks, say what went wrong, look again, and return those to which it was done. */
async function during(drinks, deed) {
  const { done: changed, failed } = await whileTheyRest(drinks, deed);
  failed.slice(0, 1).forEach(complain);
  return changed;
}

/** Let nothing be tapped at the drinks meanwhile, nor by a double tap, which would meet what is in the same place then. */
async function whileTheyRest(drinks, deed) {
  const keys = drinks.map(keyOf);
  busy = new Set([...busy, ...keys]);
  show();
  try {
    return await deed();
  } finally {
    seconds(DOUBLE_TAP_SECONDS).then(() => { keys.forEach((key) => busy.delete(key)); show(); });
    show();
    live.news();
  }
}

async function finish(drinks) {
  const userId = session.user.id;
  const pending = drinks.map((drink) => ({ ...drink, shownUntil: Infinity })); // the queue may be ahead of the answer
  done = [...done, ...pending];
  const finished = await during(drinks, () => act(drinks, "complete"));
  done = done.filter((drink) => !pending.includes(drink));
  if (!finished.length) return;
  const deed = undo.remember(`${named(finished)} done`, () => takeBack(finished, userId));
  const shownUntil = Date.now() + DONE_SHOWN_SECONDS * 1000;
  done = [...done, ...finished.map((drink) => ({ ...drink, deed, shownUntil }))];
  queue = { ...queue, items: queue.items.filter((drink) => !finished.some((one) => keyOf(one) === keyOf(drink))) };
  show();
}

async function claim() {
  claiming = true;
  show();
  const body = { max: Number(batch.value), ...(station.value && { station: station.value }) };
  try {
    const answer = await ask("POST", "/queue/claim", body);
    if (answer?.items.length) undo.remember(`${named(answer.items)} claimed`, () => act(answer.items, "release"));
    else tell("Nothing waits.");
  } catch (error) {
    complain(error); // it may have been claimed all the same: then it is in hand with the next look
  }
  await Promise.all([live.news(), seconds(DOUBLE_TAP_SECONDS)]);
  claiming = false;
  show();
}

async function change(line, verb, reason) {
  const changed = await during(line.drinks, () => act(line.drinks, verb, reason && { reason }));
  if (!changed.length) return;
  if (verb === "fail") undo.remember(`${named(changed)} failed`, () => act(changed, "recall"));
  if (verb === "start") undo.remember(`${named(changed)} claimed`, () => act(changed, "release"));
  show();
}

async function handOver(drinks) {
  const gone = await during(drinks, () => act(drinks, "serve"));
  if (gone.length) undo.remember(`${labelOf(gone[0])} handed over`, () => act(gone, "unserve"));
  show();
}

function acknowledge(drinks) {
  return during(drinks, () => act(drinks, "acknowledge"));
}

function tappedLine(line) {
  if (line.state === DONE) return whileTheyRest(line.drinks, () => takeBackDeed(line.deed));
  if (line.state === CANCELED) return acknowledge(line.drinks);
  return finish(line.drinks);
}

async function undoLast() {
  undoing = true;
  show();
  await takeBackDeed(undo.last);
  await seconds(DOUBLE_TAP_SECONDS);
  undoing = false;
  show();
}

async function takeBackDeed(deed) {
  try {
    const undone = await undo.undo(deed);
    if (undone) tell(`Taken back: ${undone.label}.`);
  } catch (error) {
    complain(error);
  }
  done = done.filter((drink) => drink.deed !== deed);
  await live.news();
}

/** Every station that has something to make; the chosen one stays on offer. */
function offerStations() {
  const known = [...station.options].map((option) => option.value);
  for (const name of new Set(queue.items.map((drink) => drink.station))) {
    if (!known.includes(name)) station.add(new Option(name, name));
  }
}

function restoreChoices() {
  batch.value = kept("batch", isText, USUAL_BATCH);
  batch.value ||= USUAL_BATCH;
  const chosen = kept("station", isText, "");
  if (chosen) station.add(new Option(chosen, chosen, true, true));
}

function listen() {
  listenToTickets({ onTap: (line) => tappedLine(line).catch(complain), onMore: openMore });
  listenToHand({
    onDone: (drinks) => finish(drinks).catch(complain),
    onSeen: (drinks) => acknowledge(drinks).catch(complain),
    onRelease: (drinks) => during(drinks, () => act(drinks, "release")).catch(complain),
  });
  listenToReady((drinks) => handOver(drinks).catch(complain));
  prepareMore((line, verb, reason) => change(line, verb, reason).catch(complain));
  preparePause((bar) => { showBar(bar); live.news(); });
  prepareSoldOut(undo);
  preparePeople();
  find("#claim").addEventListener("click", (event) => { if (tapped(event)) claim(); });
  find("#undo").addEventListener("click", (event) => { if (tapped(event)) undoLast(); });
  batch.addEventListener("change", () => { keepFor("batch", batch.value); show(); });
  station.addEventListener("change", () => { keepFor("station", station.value); live.news(); });
}

/** Follow as whoever is signed in, and show nothing to anybody else. */
function followAs(who) {
  undo.forget();
  done = [];
  if (who && who.role !== "customer") {
    closeSignIn();
    live.start();
    return;
  }
  live.stop();
  queue = NOTHING;
  show();
  askToSignIn(who ? "This account is a guest's: the board is for the staff." : "The board is for the staff.");
}

async function begin() {
  restoreChoices();
  listen();
  onSession(followAs);
  setInterval(show, 1000);
  if (!(await persist(resume))) followAs(null);
}

begin();
