// The server's time, by which all deadlines are: a tablet's own clock may be wrong by hours.

let aheadMs = 0;

/** The server has just said what time it is. */
export function setServerTime(text) {
  aheadMs = Date.parse(text) - Date.now();
}

export const serverNow = () => Date.now() + aheadMs;
