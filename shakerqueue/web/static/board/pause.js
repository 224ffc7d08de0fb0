// Whether guests can order: paused for a while, or until somebody opens the bar again.

import { clock, closable, find, open, say } from "../elements.js";
import { complain } from "../messages.js";
import { ask } from "../session.js";
import { serverNow } from "../server_time.js";

const dialog = closable(find("#pause"));
const form = find("form", dialog);
const banner = find("#paused");

/** `onChange` gets the bar as it is then. */
export function preparePause(onChange) {
  find("#open-pause").addEventListener("click", () => open(dialog));
  find("#open-again").addEventListener("click", () => {
    ask("PATCH", "/bar", { accepting: true }).then(onChange).catch(complain);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      onChange(await ask("PATCH", "/bar", pauseOf(event.submitter.value)));
      dialog.close();
      say(dialog, "wrong", "");
    } catch (error) {
      say(dialog, "wrong", error.message);
    }
  });
}

/** Say on the board what guests are told. */
export function showBar(bar) {
  banner.hidden = bar.state === "open";
  find("#open-pause").hidden = !bar.accepting;
  const until = bar.state === "last_call" ? bar.closes_at : bar.reopens_at;
  const what = bar.state === "last_call" ? "Last call" : "No new orders from guests";
  say(banner, "text", [`${what}${until ? ` until ${clock(until)}` : ""}`, bar.reason].filter(Boolean).join(": "));
}

function pauseOf(minutes) {
  const reason = form.elements.reason.value.trim() || null;
  const reopens = minutes ? { reopens_at: new Date(serverNow() + minutes * 60_000).toISOString() } : {};
  return { accepting: false, reason, ...reopens };
}
