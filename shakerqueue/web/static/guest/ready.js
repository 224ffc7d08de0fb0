// "Ready" that cannot be missed: on top of the page, in its title, by sound and by vibration, until it was seen.

import { find, say } from "../elements.js";
import { areTexts, keepFor, kept } from "../kept.js";
import { focusOrders } from "./orders_view.js";
import { isReady, keyOf } from "./progress.js";

const KEPT_AS = "fetched";
const VIBRATION_MILLISECONDS = [300, 150, 300, 150, 600];
const TONES_HERTZ = [660, 880, 1100];
const TONE_SECONDS = 0.18;

const banner = find("#ready");
const title = document.title;
let fetched = new Set(kept(KEPT_AS, areTexts, []));
let called = new Set();
let audio = null;

/** Browsers let a page make a sound only after somebody has touched it: call this from a tap. */
export function allowSound() {
  audio ??= new AudioContext();
}

export function prepareReady() {
  find("button", banner).addEventListener("click", () => {
    fetched = new Set([...fetched, ...called]);
    keepFor(KEPT_AS, [...fetched].slice(-200));
    call([]);
    focusOrders();
  });
}

export function showReady(orders, now) {
  call(orders.flatMap((order) => order.items
    .filter((item) => isReady(item, now))
    .map((item) => ({ ...item, key: `${keyOf(order, item)}/${item.completed_at}` }))
    .filter((item) => !fetched.has(item.key))));
}

function call(items) {
  const isNew = items.some((item) => !called.has(item.key));
  called = new Set(items.map((item) => item.key));
  banner.hidden = !items.length;
  say(banner, "what", items.length ? `${namesOf(items)}: fetch it at the bar` : "");
  document.title = items.length ? `● Ready · ${title}` : title;
  if (isNew) signal();
}

function namesOf(items) {
  const counts = new Map();
  for (const { recipe } of items) counts.set(recipe, (counts.get(recipe) ?? 0) + 1);
  return [...counts].map(([recipe, count]) => (count > 1 ? `${count} × ${recipe}` : recipe)).join(", ");
}

function signal() {
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(VIBRATION_MILLISECONDS);
  if (!audio) return;
  TONES_HERTZ.forEach((frequency, index) => {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination);
    tone.start(audio.currentTime + index * TONE_SECONDS);
    tone.stop(audio.currentTime + (index + 1) * TONE_SECONDS);
  });
}
