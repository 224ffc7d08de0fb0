// Bars, as SVG of our own: a chart here is a dozen numbers, and its table says the same to whoever cannot see it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 200;
const FOOT = 24;
const HEAD = 18;
const NAMES = 190; // the width of the names beside lying bars
const VALUES = 48;
const THICK = 13;

/**
 * Draw groups of standing bars. `rows` are `{name, values}`, one value for each of `series`, null where there is none;
 * `format` turns a value into text.
 */
export function standing(place, chart) {
  draw(place, chart, HEIGHT, (rows, most, format) => {
    const step = WIDTH / rows.length;
    return rows.flatMap((row, index) => standingGroup(row, index * step, step, most, format));
  });
}

/** The same, lying: for names that need room. */
export function lying(place, chart) {
  const step = chart.series.length * THICK + 8;
  draw(place, chart, chart.rows.length * step, (rows, most, format) =>
    rows.flatMap((row, index) => lyingGroup(row, index * step, most, format)));
}

function draw(place, { series, rows, format = String }, height, groups) {
  if (!rows.length) {
    place.replaceChildren(Object.assign(document.createElement("p"), { className: "quiet", textContent: "Nothing yet." }));
    return;
  }
  const most = Math.max(1e-9, ...rows.flatMap((row) => row.values.map((value) => value ?? 0)));
  const isOpen = place.querySelector("details")?.open ?? false;
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `Bars: ${series.join(", ")}` });
  svg.append(...groups(rows, most, format));
  place.replaceChildren(...(series.length > 1 ? [legend(series)] : []), svg, tableOf(rows, series, format, isOpen));
}

function standingGroup(row, left, step, most, format) {
  const width = Math.min(64, step * 0.8) / row.values.length;
  const begin = left + (step - width * row.values.length) / 2;
  const bars = row.values.flatMap((value, series) => {
    if (value === null) return [];
    const height = (value / most) * (HEIGHT - FOOT - HEAD);
    const top = HEIGHT - FOOT - height;
    const x = begin + series * width;
    return [
      element("rect", { x: x + 1, y: top, width: Math.max(1, width - 2), height, rx: 3, class: `series-${series}` }),
      element("text", { x: x + width / 2, y: top - 4 }, format(value)),
    ];
  });
  return [...bars, element("text", { x: left + step / 2, y: HEIGHT - 6, class: "name" }, row.name)];
}

function lyingGroup(row, top, most, format) {
  const bars = row.values.flatMap((value, series) => {
    if (value === null) return [];
    const width = (value / most) * (WIDTH - NAMES - VALUES);
    const y = top + series * THICK;
    return [
      element("rect", { x: NAMES, y: y + 1, width: Math.max(1, width), height: THICK - 2, rx: 3, class: `series-${series}` }),
      element("text", { x: NAMES + width + 5, y: y + THICK - 2, class: "beside" }, format(value)),
    ];
  });
  const middle = top + (row.values.length * THICK) / 2 + 4;
  return [element("text", { x: NAMES - 8, y: middle, class: "before" }, row.name), ...bars];
}

function legend(series) {
  const line = Object.assign(document.createElement("p"), { className: "legend" });
  series.forEach((name, index) => {
    line.append(Object.assign(document.createElement("span"), { className: `series-${index}`, textContent: name }));
  });
  return line;
}

function tableOf(rows, series, format, isOpen) {
  const details = Object.assign(document.createElement("details"), { open: isOpen });
  const summary = Object.assign(document.createElement("summary"), { textContent: "As a table" });
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of ["", ...series]) head.append(headCell("col", text));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    line.append(headCell("row", row.name));
    for (const value of row.values) line.insertCell().textContent = value === null ? "–" : format(value);
  }
  details.append(summary, table);
  return details;
}

function headCell(scope, text) {
  return Object.assign(document.createElement(text ? "th" : "td"), text ? { scope, textContent: text } : {});
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
