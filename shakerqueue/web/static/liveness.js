// Whether a page shows how things are: said in its head and, while it does not, across its top.

import { find, say } from "./elements.js";

/** For `Live`: shows how current the picture is; `warning` is said once, when it no longer is. */
export function liveness(warning) {
  return ({ stale, heardAt }) => {
    document.body.dataset.stale = String(stale);
    const state = find("#liveness");
    state.hidden = false;
    state.title = `Last heard ${Math.round((Date.now() - heardAt) / 1000)} s ago`;
    say(state, "text", stale ? "Not live" : "Live");
    const banner = find("#stale");
    banner.hidden = !stale;
    const text = stale ? warning : "";
    if (banner.textContent !== text) banner.textContent = text; // only then is it read out
  };
}
