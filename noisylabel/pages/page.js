"use strict";
/* The state of a page stands in its address after "#", as name=value, with several values for a list. Controls set it;
   tables, charts and parts that are shown by choice follow it. What is not in the address is as the page was written. */
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
let state = new URLSearchParams(location.hash.slice(1)), pointed = null;

function set(name, values, isKept = true) {
  state.delete(name);
  for (const value of values) state.append(name, value);
  if (isKept) keep();
  draw();
}
const keep = () => history.replaceState(null, "", "#" + state);

/* Values that are switched off: those in the address, or those whose buttons were written so. */
const offValues = name => state.has(name) ? state.getAll(name) : all(`[data-toggle="${name}"][data-off]`).map(button => button.value);

const actions = {
  set: button => set(button.dataset.set, state.get(button.dataset.set) === button.value ? [] : [button.value]),
  toggle: button => {
    const off = new Set(offValues(button.dataset.toggle));
    if (!off.delete(button.value)) off.add(button.value);
    set(button.dataset.toggle, off.size ? [...off] : [""]);
  },
  sort: button => {
    const { sort: key, down } = button.dataset, [first, second] = down === undefined ? [key, "-" + key] : ["-" + key, key];
    set("sort", [orderOf(button.closest("table")) === first ? second : first]);
  },
  clear: button => button.dataset.clear.split(" ").forEach(name => set(name, [])),
  play: button => {
    const slider = document.querySelector(`[name="${button.dataset.play}"]`), step = () => {
      set(slider.name, [(Number(slider.value) + 1) % (Number(slider.max) + 1)], false);
    };
    button.timer = button.timer ? clearInterval(button.timer) : setInterval(step, 150);
    button.textContent = button.timer ? "Stop" : "Play";
  },
  to: link => document.getElementById(link.dataset.to).scrollIntoView(),
};
document.addEventListener("click", event => {
  for (const [name, act] of Object.entries(actions)) {
    const element = event.target.closest(`[data-${name}]`);
    if (element) act(element);
  }
});
document.addEventListener("input", ({ target }) => { if (target.name) set(target.name, target.value ? [target.value] : [], false); });
document.addEventListener("change", keep);
addEventListener("hashchange", () => { state = new URLSearchParams(location.hash.slice(1)); draw(); });

/* Controls show the state. */
function drawControls() {
  for (const control of all("select[name]"))
    control.value = state.get(control.name) ?? (all("option", control).find(one => one.defaultSelected) ?? control.options[0]).value;
  for (const control of all("input[name]")) control.value = state.get(control.name) ?? control.defaultValue;
  for (const output of all("output")) output.value = document.getElementById(output.htmlFor).value;
  for (const button of all("[data-set]")) {
    const value = state.get(button.dataset.set);
    button.ariaPressed = value === null ? "first" in button.dataset : value === button.value;
  }
  for (const button of all("[data-toggle]")) button.ariaPressed = !offValues(button.dataset.toggle).includes(button.value);
  for (const part of all("[data-unless]")) part.hidden = offValues(part.dataset.unless).includes(part.dataset.value);
}
/* Of the parts of a [data-switch], the one that the state names is shown, or else the first. */
function drawSwitches() {
  for (const box of all("[data-switch]")) {
    const cases = all(":scope > [data-case]", box), name = box.dataset.switch, wanted = state.get(name);
    const shown = cases.find(one => one.dataset.case === wanted) ?? cases[0];
    for (const one of cases) one.hidden = one !== shown;
    for (const link of all(`[data-link="${name}"]`)) link.ariaCurrent = String(link.dataset.value === shown?.dataset.case);
  }
}

/* Tables: rows that match, in order. */
const orderOf = table => state.get("sort") ?? table.dataset.order ?? "";
function compare(a, b, sign) {
  if (!a || !b) return !a - !b;
  const [x, y] = [Number(a), Number(b)], isWord = [isNaN(x), isNaN(y)];
  if (isWord[0] !== isWord[1]) return sign * (isWord[0] - isWord[1]);
  return sign * (isWord[0] ? a.localeCompare(b, "en", { numeric: true }) : x - y);
}
function sortRows(table, rows) {
  const order = orderOf(table), key = order.replace(/^-/, ""), sign = order === key ? 1 : -1, heads = [...table.tHead.rows[0].cells];
  const at = heads.findIndex(head => head.dataset.key === key);
  heads.forEach((head, index) => { head.ariaSort = at < 0 || index !== at ? null : sign > 0 ? "ascending" : "descending"; });
  const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent;
  if (at >= 0) rows.sort((a, b) => compare(value(a), value(b), sign));
  return rows;
}
function matches(row, table) {
  const names = kind => (table.dataset[kind] ?? "").split(" ").filter(Boolean);
  const isLike = (name, wanted) => name === "text" ? row.textContent.toLowerCase().includes(wanted.toLowerCase()) : row.dataset[name] === wanted;
  return names("filter").every(name => !state.get(name) || isLike(name, state.get(name)))
    && names("hide").every(name => !offValues(name).includes(row.dataset[name]));
}
const written = new Map(all("table[data-rows]").map(table => [table, [...table.tBodies[0].rows]]));
function drawTable(table) {
  const rows = sortRows(table, [...written.get(table)]), kept = rows.filter(row => matches(row, table));
  const shown = new Set(state.has("all") ? kept : kept.slice(0, Number(table.dataset.rows) || Infinity));
  if (rows.some((row, at) => row !== table.tBodies[0].rows[at])) table.tBodies[0].append(...rows);
  for (const row of rows) row.hidden = !shown.has(row);
  for (const text of all(".matching", table.closest("section"))) {
    text.hidden = kept.length === rows.length;
    text.firstElementChild.textContent = kept.length;
  }
  for (const more of all(".more", table.closest("section"))) {
    more.hidden = shown.size === kept.length;
    more.textContent = `Show ${kept.length - shown.size} more`;
  }
}

/* Charts. */
const datasets = Object.fromEntries(all("script[data-name]").map(one => [one.dataset.name, JSON.parse(one.textContent)]));
const config = JSON.parse(document.getElementById("chart-config").textContent), charts = [];
async function drawChart(element) {
  const spec = JSON.parse(element.textContent);
  element.dataset.drawn = "";
  spec.datasets = { ...datasets, ...spec.datasets };
  const { view } = await vegaEmbed(element, spec, { ast: true, actions: false, renderer: "svg", config, defaultStyle: false,
    tooltip: { disableDefaultStyle: true }, logLevel: 1 });  // 1: errors
  const params = (spec.params ?? []).filter(param => "value" in param);
  charts.push({ view, params });
  if ((spec.params ?? []).some(param => param.name === "pointed")) {
    view.addSignalListener("pointed", (name, value) => point(Object.values(value).find(Array.isArray)?.[0] ?? null));
    view.addEventListener("click", () => { if (pointed !== null) set("marked", state.get("marked") === pointed ? [] : [pointed]); });
  }
  follow({ view, params });
}
function follow({ view, params }) {
  for (const { name, value } of params) {
    const own = name === "marked" ? pointed ?? state.get(name) : state.get(name) ?? value;
    view.signal(name, Array.isArray(value) ? offValues(name) : typeof value === "number" ? Number(own) : own);
  }
  view.runAsync();
}
function mark() {
  const marked = pointed ?? state.get("marked");
  for (const element of all("[data-mark]")) element.classList.toggle("hot", element.dataset.mark === marked);
}
function point(value) {
  if (value === pointed) return;
  pointed = value;
  mark();
  charts.filter(({ params }) => params.some(param => param.name === "marked")).forEach(follow);
}
for (const button of all("button[data-mark]")) {
  button.onpointerenter = () => point(button.dataset.mark);
  button.onpointerleave = () => point(null);
}

function draw() {
  drawControls();
  drawSwitches();
  written.forEach((rows, table) => drawTable(table));
  mark();
  charts.forEach(follow);
  for (const element of all(".chart:not([data-drawn])")) if (element.offsetParent) drawChart(element);
  dispatchEvent(new Event("resize"));  // charts that were out of sight take their width
  dispatchEvent(new Event("statechange"));  // for scripts of single pages
}
draw();
