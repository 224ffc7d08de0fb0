// What a page says about what was just done, and about what went wrong.

import { Away } from "./http.js";
import { find, fromTemplate, say } from "./elements.js";

const SHOWN_SECONDS = 6;
const SHOWN_AT_ONCE = 3;
const list = find("#messages");

/** Say something for a while, with one thing that can be done about it. */
export function tell(text, { action, onAction } = {}) {
  const message = show(text, action ?? "");
  find("button", message).addEventListener("click", () => { message.remove(); onAction?.(); });
  setTimeout(() => message.remove(), SHOWN_SECONDS * 1000);
}

/** Say what went wrong, until somebody has read it. */
export function complain(error) {
  if (!(error instanceof Error)) return;
  const text = error instanceof Away ? `Not saved: ${error.message || "no connection."} Try it again.` : error.message;
  const message = show(text, "OK");
  message.classList.add("alarm");
  find("button", message).addEventListener("click", () => message.remove());
}

function show(text, action) {
  const message = fromTemplate("message-template");
  say(message, "text", text);
  say(message, "action", action);
  bringForward();
  list.append(message);
  while (list.children.length > SHOWN_AT_ONCE) list.firstElementChild.remove();
  return message;
}

/** What stands outside of an open dialog can be neither tapped nor heard, so the messages go into it. */
function bringForward() {
  (find("dialog[open]") ?? document.body).append(list);
  list.showPopover();
}

document.addEventListener("close", () => { if (list.childElementCount) bringForward(); }, true);
