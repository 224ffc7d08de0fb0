// Bars, as SVG of our own: a chart here is a dozen numbers, and its table says the same to whoever cannot see it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 200;
const FOOT = 24;
const HEAD = 18;

/**
 * Draw groups of bars. `rows` are `{name, values}`, one value for each of `series`, null where there is none;
 * `format` turns a value into text.
 */
export function bars(place, { series, rows, format = String }) {
  const most = Math.max(1e-9, ...rows.flatMap((row) => row.values.map((value) => value ?? 0)));
  place.replaceChildren(...(rows.length ? [drawing(rows, most, format, series), tableOf(rows, series, format)] : [nothing()]));
}

function drawing(rows, most, format, series) {
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Bars: ${series.join(", ")}` });
  const step = WIDTH / rows.length;
  rows.forEach((row, index) => svg.append(...group(row, index * step, step, most, format)));
  return svg;
}

function group(row, left, step, most, format) {
  const width = Math.min(64, step * 0.8) / row.values.length;
  const begin = left + (step - width * row.values.length) / 2;
  const drawn = row.values.flatMap((value, place) => (value === null ? [] : bar(value, begin + place * width, width, place, most, format)));
  const name = element("text", { x: left + step / 2, y: HEIGHT - 6, class: "name" }, row.short ?? row.name);
  return [...drawn, name];
}

function bar(value, left, width, place, most, format) {
  const height = (value / most) * (HEIGHT - FOOT - HEAD);
  const top = HEIGHT - FOOT - height;
  const rect = element("rect", { x: left + 1, y: top, width: Math.max(1, width - 2), height, rx: 3, class: `series-${place}` });
  return [rect, element("text", { x: left + width / 2, y: top - 4, class: "value" }, format(value))];
}

function tableOf(rows, series, format) {
  const details = document.createElement("details");
  const summary = Object.assign(document.createElement("summary"), { textContent: "As a table" });
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of ["", ...series]) head.append(Object.assign(document.createElement("th"), { scope: "col", textContent: text }));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    line.append(Object.assign(document.createElement("th"), { scope: "row", textContent: row.name }));
    for (const value of row.values) line.insertCell().textContent = value === null ? "–" : format(value);
  }
  details.append(summary, table);
  return details;
}

function nothing() {
  return Object.assign(document.createElement("p"), { className: "quiet", textContent: "Nothing yet." });
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
