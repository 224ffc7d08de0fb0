// The server's time, by which all deadlines are: the clock of a tablet or a phone may be hours off.

const ACCURACY_SECONDS = 2; // the header has whole seconds, and took a moment to get here

let aheadMs = 0;

/** In milliseconds since 1970. */
export const serverNow = () => Date.now() + aheadMs;

/** The server has said what time it is. A small difference is none, or ages would jump to and fro. */
export function hearServerTime(text) {
  const ahead = Date.parse(text) - Date.now();
  if (Math.abs(ahead - aheadMs) > ACCURACY_SECONDS * 1000) aheadMs = ahead;
}
