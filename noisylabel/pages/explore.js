"use strict";
/* Learning paths: what training thought of a row over time, on its sheet, and the map of all rows. */
const paths = audit.paths, nSteps = paths.steps.length;
function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}
const packed = { loss: unpacked(paths.loss, Int16Array), margin: unpacked(paths.margin, Int16Array), proba: unpacked(paths.proba, Uint8Array),
  classes: unpacked(paths.classes, Int16Array), mean: unpacked(paths.mean, Int16Array), spread: unpacked(paths.spread, Int16Array) };
const pathOf = new Map(paths.rows.map((row, at) => [row, at]));

/* A small chart of lines over the steps of training. Lines: a name, a colour, and a value a step. */
function draw_(tag, attributes, content = []) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[content].flat());
  return element;
}
function lineChart(title, lines, low, high) {
  const [width, height, left, bottom, top] = [300, 138, 30, 18, 10], last = paths.steps[nSteps - 1] || 1;
  const x = step => left + (width - left - 4) * step / last, y = value => top + (height - bottom - top - 4) * (high - value) / (high - low);
  const soft = { "font-size": 10, fill: "var(--soft)" };
  const marks = [low, (low + high) / 2, high].flatMap(value => [draw_("line", { x1: left, x2: width - 4, y1: y(value), y2: y(value), stroke: "var(--line)" }),
    draw_("text", { x: left - 4, y: y(value) + 3, "text-anchor": "end", ...soft }, String(Math.round(value * 10) / 10))]);
  const drawn = lines.map(({ colour, values, isStrong }) => draw_("polyline", { fill: "none", stroke: colour, "stroke-width": isStrong ? 2.5 : 1.2,
    points: values.map((value, at) => `${x(paths.steps[at])},${y(Math.min(Math.max(value, low), high))}`).join(" ") }));
  const ends = [draw_("text", { x: left, y: height - 4, ...soft }, "0"),
    draw_("text", { x: width - 4, y: height - 4, "text-anchor": "end", ...soft }, `${last} steps`)];
  const words = lines.map(({ name, values }) => `${name} ends at ${values[nSteps - 1].toFixed(2)}`).join(", ");
  const picture = draw_("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${words}` }, [...marks, ...drawn, ...ends]);
  const key = lines.map(({ name, colour }) => {
    const sample = draw_("svg", { viewBox: "0 0 10 10", class: "swatch", width: 10, height: 10 }, draw_("rect", { width: 10, height: 10, rx: 2, fill: colour }));
    return make("span", "", [sample, ` ${name}`]);
  });
  return make("figure", "", [make("figcaption", "", title), picture, ...(lines.length > 1 ? [make("div", "names", key)] : [])]);
}
const slice = (name, at) => [...packed[name].subarray(at * nSteps, (at + 1) * nSteps)].map(value => value / 1000);
const colours = ["var(--doubt)", "var(--best)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"];
function drawPaths() {
  document.querySelector("#paths")?.remove();
  const at = pathOf.get(current), k = paths.n_classes;
  if (current < 0) return;
  if (at === undefined) return byId("sheet").append(make("p", "soft", "The path of this row was not recorded.", { id: "paths" }));
  const classes = [...packed.classes.subarray(at * k, (at + 1) * k)];
  const lines = classes.map((code, which) => ({ name: labelOf(code) + (which === 0 ? " (given)" : ""), colour: colours[which], isStrong: which < 2,
    values: [...packed.proba.subarray((at * k + which) * nSteps, (at * k + which + 1) * nSteps)].map(value => value / 255) }));
  const loss = slice("loss", at), margin = slice("margin", at), span = Math.max(2, ...margin.map(Math.abs));
  const charts = [lineChart("Probability of each label", lines, 0, 1),
    lineChart("Loss of the given label", [{ name: "loss", colour: "var(--ink)", values: loss, isStrong: true }], 0, Math.max(2, ...loss)),
    lineChart("Its margin over the best other label", [{ name: "margin", colour: "var(--ink)", values: margin, isStrong: true }], -span, span)];
  byId("sheet").append(make("div", "paths", charts, { id: "paths" }));
}

/* The map: a point a row, drawn once and kept; a ring around the row that is on the sheet. */
const map = byId("map"), ground = document.createElement("canvas"), most = 550;
const counts = new Map();
for (const row of paths.rows) counts.set(rows.given[row], (counts.get(rows.given[row]) ?? 0) + 1);
const frequent = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 8).sort((a, b) => a - b);
const colourName = code => frequent.includes(code) ? `--c${frequent.indexOf(code) + 1}` : "--faint";
const colourOf = name => getComputedStyle(document.documentElement).getPropertyValue(name);
const margins = { left: 46, right: 10, top: 28, bottom: 34 };
const across = spread => margins.left + (map.clientWidth - margins.left - margins.right) * spread / most;
const down = mean => margins.top + (map.clientHeight - margins.top - margins.bottom) * (1 - mean / 1000);
function clear(canvas) {
  const ratio = devicePixelRatio || 1;
  canvas.width = map.clientWidth * ratio;
  canvas.height = map.clientHeight * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}
function drawAxes(pen) {
  pen.font = "12px system-ui, sans-serif";
  pen.strokeStyle = colourOf("--line");
  pen.fillStyle = colourOf("--soft");
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    pen.strokeRect(across(0), down(share * 1000), across(most) - across(0), 0);
    pen.fillText(share.toFixed(2), 12, down(share * 1000) + 4);
  }
  for (const share of [0, 0.1, 0.2, 0.3, 0.4, 0.5]) pen.fillText(share.toFixed(1), across(share * 1000) - 8, map.clientHeight - 20);
  pen.strokeRect(across(200), down(1000), 0, down(0) - down(1000));
  pen.strokeRect(across(0), down(500), across(200) - across(0), 0);
  pen.fillText("variability of the given label's probability over training", across(0), map.clientHeight - 4);
  pen.font = "600 13px system-ui, sans-serif";
  for (const [name, spread, y] of [["easy", 0, 16], ["ambiguous", 200, 16], ["hard, or wrong", 0, down(500) + 18]]) pen.fillText(name, across(spread) + 4, y);
}
function drawGround() {
  const pen = clear(ground);
  drawAxes(pen);
  const chosen = new Set(shown), tones = new Map([...frequent, -1].map(code => [code, colourOf(colourName(code))]));
  for (const isIn of [false, true]) paths.rows.forEach((row, at) => {
    if (chosen.has(row) !== isIn) return;
    pen.globalAlpha = isIn ? 0.9 : 0.3;
    pen.fillStyle = tones.get(rows.given[row]) ?? tones.get(-1);
    const size = isIn ? 5 : 3, x = across(packed.spread[at]), y = down(packed.mean[at]);
    if (rows.flagged[row]) pen.fillRect(x - size / 2, y - size / 2, size, size);
    else { pen.beginPath(); pen.arc(x, y, size / 2, 0, 7); pen.fill(); }
  });
}
let drawnOf = null;
function drawMap() {
  if (drawnOf !== shown.join() + map.clientWidth) { drawGround(); drawnOf = shown.join() + map.clientWidth; }
  const pen = clear(map), at = pathOf.get(current);
  pen.drawImage(ground, 0, 0, map.clientWidth, map.clientHeight);
  if (at === undefined) return;
  pen.strokeStyle = colourOf("--ink");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(across(packed.spread[at]), down(packed.mean[at]), 8, 0, 7);
  pen.stroke();
}
map.onclick = event => {
  let nearest = null, least = 20 ** 2;
  paths.rows.forEach((row, at) => {
    const distance = (across(packed.spread[at]) - event.offsetX) ** 2 + (down(packed.mean[at]) - event.offsetY) ** 2;
    if (distance < least) { least = distance; nearest = row; }
  });
  if (nearest !== null) goTo(nearest);
};
byId("map-key").append(...frequent.map(code => make("span", `dot c${frequent.indexOf(code) + 1}`, labelOf(code))),
  ...(counts.size > frequent.length ? [make("span", "dot", "other labels")] : []));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawnOf = null; drawMap(); });
addEventListener("resize", drawMap);
addEventListener("shown", () => { drawPaths(); drawMap(); });
dispatchEvent(new Event("shown"));
