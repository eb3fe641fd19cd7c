"use strict";
/* The rows of an audit: which are shown, what is decided on each, and the files that decisions leave as. Rows are numbered by
   their place in the lists of the page; in the browser's memory and in files by their number (or file) in what was audited. */
const audit = JSON.parse(document.getElementById("audit-rows").textContent), rows = audit.rows, n = rows.key.length;
const byId = id => document.getElementById(id);
const numbered = new Map(rows.key.map((key, row) => [String(key), row]));
const labelOf = code => audit.labels[code], wrongness = row => rows.wrong?.[row] ?? rows.flagged[row];

/* An element: its class, its content (texts stay texts), and more of its properties. */
function make(tag, className, content = [], more = {}) {
  const element = Object.assign(document.createElement(tag), { className, ...more });
  element.append(...[content].flat());
  return element;
}
const labelled = (code, className = "") => make("span", `label ${className}`, labelOf(code), { title: labelOf(code) });
const percents = share => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/* Decisions: of a row, "change", "keep" or "unsure" and the label that it is to have (-1: nobody knows). They are kept by the
   number of the row, as [decision, right label, given label]; those on rows that this page does not hold are kept as they are. */
const decisions = new Map(), past = [], place = `noisylabel-audit-${audit.audit}`;
let isKept = true, elsewhere = {};
const named = code => code < 0 ? null : labelOf(code);
function read(stored) {
  decisions.clear();
  elsewhere = {};
  for (const [key, decision] of Object.entries({ ...audit.decided, ...stored })) {
    const row = numbered.get(key), [what, label] = decision, code = label === null ? -1 : audit.labels.indexOf(label);
    if (row === undefined) elsewhere[key] = decision;
    else if (what !== "none" && (label === null || code >= 0)) decisions.set(row, { what, label: code });
  }
}
function store() {
  const takenBack = Object.keys(audit.decided).map(key => [key, ["none", null, null]]);
  const made = [...decisions].map(([row, { what, label }]) => [rows.key[row], [what, named(label), labelOf(rows.given[row])]]);
  try {
    localStorage.setItem(place, JSON.stringify({ ...elsewhere, ...Object.fromEntries([...takenBack, ...made]) }));
    isKept = true;
  } catch { isKept = false; }
}
function restore() {
  try {
    read(JSON.parse(localStorage.getItem(place) ?? "{}"));
  } catch { isKept = false; read({}); }
}
addEventListener("storage", event => { if (event.key === place) { restore(); show(); } });  // decided in another window

function decide(row, decision) {
  past.push([row, decisions.get(row)]);
  if (decision) decisions.set(row, decision); else decisions.delete(row);
  store();
  if (decision) move(nextOpen(row));
  show();
}
function undo() {
  const last = past.pop();
  if (!last) return;
  const [row, before] = last;
  if (before) decisions.set(row, before); else decisions.delete(row);
  store();
  move(row);
  show();
}
const giveLabel = code => decide(current, { what: code === rows.given[current] ? "keep" : "change", label: code });

/* Which rows are shown, in which order. */
let shown = [], current = -1;
const regionOf = new Map(audit.paths?.rows.map((row, at) => [row, audit.paths.region[at]]));
const texts = [];
const textOf = row => texts[row] ??= [rows.place[row], labelOf(rows.given[row]), labelOf(rows.suggested[row]),
  ...audit.values.map(column => column[row])].join("\n").toLowerCase();
function isShown(row) {
  const wanted = byName("show").value, decision = decisions.get(row), text = (state.get("text") ?? "").toLowerCase();
  const fits = { any: true, flagged: rows.flagged[row], open: rows.flagged[row] && !decision, decided: decision }[wanted]
    ?? decision?.what === wanted;
  return fits && (!state.get("verdict") || rows.verdict?.[row] === state.get("verdict"))
    && (!state.get("region") || regionOf.get(row) === state.get("region")) && ["given", "suggested"].every(name => !state.get(name) || labelOf(rows[name][row]) === state.get(name))
    && (!text || textOf(row).includes(text));
}
const byName = name => document.querySelector(`[name="${name}"]`);
function select() {
  const order = byName("order").value, key = order.replace(/^-/, ""), sign = order === key ? 1 : -1;
  shown = [...rows.key.keys()].filter(isShown);
  if (key === "given" || key === "suggested") shown.sort((a, b) => rows[key][a] - rows[key][b] || a - b);
  if (key === "place") shown.sort((a, b) => compare(rows.place[a], rows.place[b], 1));
  if (sign < 0) shown.reverse();
  if (!shown.includes(current)) current = shown.find(row => !decisions.has(row)) ?? shown[0] ?? -1;
}
/* The next row without a decision: after this one, or else from the top; this one if there is none. */
function nextOpen(row) {
  const at = shown.indexOf(row);
  return [...shown.slice(at + 1), ...shown.slice(0, at)].find(one => !decisions.has(one)) ?? row;
}
function move(row) { current = row; }
/* Show a row, if need be without filters. */
function goTo(row) {
  if (!shown.includes(row)) for (const name of ["given", "suggested", "text", "region", "verdict"]) state.delete(name);
  if (!shown.includes(row)) state.set("show", "any");
  move(row);
  draw();
  keep();
}
document.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-row]");
  if (link) { goTo(Number(link.dataset.row)); byId("doubtful").scrollIntoView(); }
});
function step(by) {
  const at = shown.indexOf(current);
  if (shown.length) move(shown[Math.min(Math.max(at + by, 0), shown.length - 1)]);
  show();
}

/* The list: only rows in sight are drawn, whatever their number. */
const list = byId("list"), height = rows.image.length ? 72 : 46;
const signs = { change: "✎", keep: "✓", unsure: "?" };
function listed(row, at) {
  const decision = decisions.get(row), to = decision?.what === "change" ? decision.label : rows.suggested[row];
  const words = [labelled(rows.given[row], decision?.what === "change" || !decision && rows.flagged[row] ? "doubt" : "")];
  if (to !== rows.given[row] && decision?.what !== "keep") words.push(" → ", labelled(to));
  const picture = rows.image[row] ? [make("img", "", [], { src: rows.image[row], alt: "" })] : [];
  const sign = make("span", `sign ${decision?.what ?? ""}`, decision ? signs[decision.what] : "");
  const element = make("div", "", [sign, ...picture, make("div", "words", [make("div", "", words), make("small", "", rows.place[row])]),
    make("small", "count", rows.wrong ? percents(rows.wrong[row]) : rows.quality[row].toFixed(2))], { role: "option", id: `row-${row}` });
  element.style.top = `${at * height}px`;
  element.style.height = `${height}px`;
  element.ariaSelected = String(row === current);
  element.ariaLabel = `${rows.place[row]}: ${labelOf(rows.given[row])}, ${decision?.what ?? "undecided"}`;
  element.onclick = () => { move(row); show(); };
  return element;
}
function drawList() {
  const first = Math.max(0, Math.floor(list.scrollTop / height) - 4), last = first + Math.ceil(list.clientHeight / height) + 8;
  list.firstElementChild.style.height = `${shown.length * height}px`;
  list.firstElementChild.replaceChildren(...shown.slice(first, last).map((row, at) => listed(row, first + at)));
  list.setAttribute("aria-activedescendant", `row-${current}`);
}
function intoSight() {
  const top = shown.indexOf(current) * height;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
}
list.addEventListener("scroll", drawList);

/* The sheet: one row, all that is known of it, and a button for each thing that can be decided. */
const isDigits = audit.labels.every(label => /^\d$/.test(label));
const keyOf = code => isDigits ? labelOf(code) : code < 10 ? String((code + 1) % 10) : "";  // 0 is the tenth
function button(key, content, act, isOn = false) {
  const element = make("button", "", [make("kbd", "", key), " ", ...[content].flat()], { type: "button", onclick: act });
  element.ariaPressed = String(isOn);
  return element;
}
function judged(row) {
  const says = [["Given", labelled(rows.given[row], rows.flagged[row] ? "doubt" : "")]], suggested = [labelled(rows.suggested[row])];
  if (rows.probability?.[row] != null) suggested.push(` ${percents(rows.probability[row])}`);
  if (rows.suggested[row] !== rows.given[row]) says.push(["Suggested", suggested]);
  if ((rows.second?.[row] ?? -1) >= 0)
    says.push(["Or else", [labelled(rows.second[row]), ` ${percents(rows.second_probability?.[row] ?? 0)}`]]);
  says.push(["Quality", rows.quality[row].toFixed(2)]);
  if (rows.wrong?.[row] != null) says.push(["Wrong", `with probability ${percents(rows.wrong[row])}`]);
  if (rows.verdict) says.push(["Verdict", rows.verdict[row]]);
  return make("dl", "judged", says.flatMap(([name, content]) => [make("dt", "", name), make("dd", "", content)]));
}
function choices(row) {
  const decision = decisions.get(row), isNow = what => decision?.what === what;
  const isAccepted = isNow("change") && decision.label === rows.suggested[row];
  const accept = rows.suggested[row] === rows.given[row] ? []
    : [button("A", ["accept ", labelled(rows.suggested[row])], accepted, isAccepted)];
  return make("div", "row choices", [...accept, button("K", ["keep ", labelled(rows.given[row])], () => giveLabel(rows.given[row]), isNow("keep")),
    button("U", "unsure", unsure, isNow("unsure"))]);
}
function heading(row) {
  return make("div", "row heading", [make("h3", "", rows.image.length ? rows.place[row] : `Row ${rows.place[row]}`),
    button("←", "previous", () => step(-1)), button("→", "next", () => step(1)), button("Z", "undo", undo),
    button("X", "no decision", () => decide(current, null))]);
}
function others(row) {
  const decision = decisions.get(row), codes = [...audit.labels.keys()].filter(code => keyOf(code));
  const named = codes.map(code => button(keyOf(code), labelled(code), () => giveLabel(code), decision?.label === code));
  const field = make("input", "", [], { id: "other", placeholder: "another label", autocomplete: "off" });
  field.setAttribute("list", "labels");
  field.onchange = () => chosen(field);
  field.oninput = () => field.setCustomValidity("");
  return make("div", "row others", [...named, make("label", "", [make("kbd", "", "C"), " ", field])]);
}
function chosen(field) {
  const wanted = field.value.trim().toLowerCase(), codes = [...audit.labels.keys()];
  const exact = codes.filter(code => labelOf(code) === field.value.trim()), same = codes.filter(code => labelOf(code).toLowerCase() === wanted);
  const begun = codes.filter(code => wanted && labelOf(code).toLowerCase().startsWith(wanted));
  const found = [exact, same, begun].find(one => one.length === 1);
  field.setCustomValidity(found ? "" : "None of the labels, or of more than one the beginning.");
  if (!found) return void field.reportValidity();
  field.blur();
  giveLabel(found[0]);
}
function drawSheet() {
  const sheet = byId("sheet");
  if (current < 0) return sheet.replaceChildren(make("p", "soft", "Nothing matches. Choose something else to show, or clear the filters."));
  const row = current, values = audit.columns.map((name, at) => [name, audit.values[at][row]]).filter(([, value]) => value !== "");
  const whenLoaded = ({ target }) => target.classList.toggle("tiny", target.naturalWidth <= 64);
  const picture = rows.image[row] ? [make("img", "", [], { src: rows.image[row], alt: rows.place[row], onload: whenLoaded })]
    : rows.image.length ? [make("p", "soft", rows.image[row] === "" ? "This image can no longer be read." : "This page has no picture of it.")] : [];
  sheet.replaceChildren(heading(row), choices(row), others(row),
    make("div", "about", [...picture, judged(row)]),
    ...(values.length ? [make("dl", `values ${values.every(([, value]) => value.length < 20) ? "brief" : ""}`, values.flatMap(([name, value]) =>
      [make("dt", "", name), make("dd", "", value)]))] : []));
}

/* What is decided so far, and what that says of the rest. */
function sums() {
  let expected = 0, wrong = 0, rest = 0, nOpen = 0;
  for (let row = 0; row < n; row++) {
    const what = decisions.get(row)?.what;
    if (isOld(row) && what) continue;
    if (what === "change" || what === "keep") { expected += wrongness(row); wrong += what === "change"; }
    else { rest += wrongness(row); nOpen += 1; }
  }
  return { expected, wrong, rest, nOpen };
}
const isOld = row => rows.key[row] in audit.decided;  // the audit knew of the decision, so that its probability is that
function remaining() {
  const { expected, wrong, rest, nOpen } = sums();
  const mean = rest * (wrong + 1) / (expected + 1), shape = 1 / (1 / (wrong + 1) + 1 / mean);
  const bound = z => mean * Math.max(1 - 1 / (9 * shape) + z / (3 * Math.sqrt(shape)), 0) ** 3;
  return [mean, ...(mean ? [bound(-1.96), bound(1.96)] : [0, 0])].map(number => Math.min(nOpen, Math.round(number)));
}
function drawProgress() {
  const counted = what => [...decisions.values()].filter(one => one.what === what).length, total = rows.flagged.filter(Boolean).length;
  const done = [...decisions.keys()].filter(row => rows.flagged[row]).length, known = [...decisions].filter(([row, one]) => one.what !== "unsure" && !isOld(row)).length;
  Object.assign(byId("progress"), { max: total || 1, value: done });
  byId("counts").textContent = `${total ? `${done} of ${total} flagged decided. ` : ""}Changed: ${counted("change")}, kept: ${counted("keep")}, unsure: ${counted("unsure")}.`;
  const [estimate, low, high] = remaining();
  byId("left").textContent = known < 10 ? `After 10 decisions this says how many wrong labels are left.`
    : `Wrong labels left, by your ${known} decisions: about ${estimate} (${low} to ${high}), if the audit is as right about the rest as about these.`;
  byId("found").textContent = `${shown.length.toLocaleString("en")} of ${n.toLocaleString("en")}` + (current < 0 ? "" : `, at ${shown.indexOf(current) + 1}`);
  byId("kept").textContent = isKept ? "This browser keeps your decisions." : "This browser keeps nothing: save before you close the page.";
}
function show() {
  select();
  intoSight();
  drawList();
  drawSheet();
  drawProgress();
  dispatchEvent(new Event("shown"));  // for the learning paths, if the page has some
}

/* Keys, unless something is being typed. */
const accepted = () => { if (rows.suggested[current] !== rows.given[current]) giveLabel(rows.suggested[current]); };
const unsure = () => decide(current, { what: "unsure", label: -1 });
const keys = { a: accepted, k: () => giveLabel(rows.given[current]), u: unsure, x: () => decide(current, null), z: undo,
  c: () => byId("other").focus(), ArrowRight: () => step(1), ArrowLeft: () => step(-1), n: () => step(1), p: () => step(-1),
  ArrowDown: () => step(1), ArrowUp: () => step(-1) };
for (const code of audit.labels.keys()) if (keyOf(code)) keys[keyOf(code)] = () => giveLabel(code);
document.addEventListener("keydown", event => {
  const { target, key } = event, isTyping = target.matches("input, select, textarea");
  if (isTyping && key === "Escape") target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || current < 0 && key !== "z") return;
  const act = keys[key.length === 1 ? key.toLowerCase() : key];
  if (!act || /Arrow(Up|Down)/.test(key) && target !== list) return;
  event.preventDefault();
  act();
});

/* Files. Texts that a spreadsheet would run are guarded in CSV. */
function records() {
  const here = [...decisions].sort(([a], [b]) => a - b).map(([row, { what, label }]) => ({ [audit.key]: rows.key[row],
    given_label: labelOf(rows.given[row]), decision: what, right_label: named(label), suggested_label: labelOf(rows.suggested[row]),
    wrong_probability: isOld(row) ? null : rows.wrong?.[row] ?? null }));
  const others = Object.entries(elsewhere).map(([key, [what, label, given]]) => ({ [audit.key]: key, given_label: given, decision: what,
    right_label: label, suggested_label: null, wrong_probability: null }));
  return [...here, ...others];
}
const safe = record => Object.fromEntries(Object.entries(record).map(([name, value]) =>
  [name, name.endsWith("_label") ? audit.safe[audit.labels.indexOf(value)] ?? value : value]));
const cell = value => /[",\r\n]/.test(value ?? "") ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? "");
function save(name, content, type) {
  const link = make("a", "", [], { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
byId("save-csv").onclick = () => {
  const head = [audit.key, "given_label", "decision", "right_label", "suggested_label", "wrong_probability"];
  const lines = records().map(safe).map(record => head.map(name => cell(record[name])).join(","));
  save("decisions.csv", `\ufeff${[head.join(","), ...lines].join("\r\n")}\r\n`, "text/csv");
};
byId("save-json").onclick = () => save("decisions.json", JSON.stringify({ source: audit.source, decisions: records() }, null, 1), "application/json");

document.body.append(make("datalist", "", audit.labels.map(label => make("option", "", [], { value: label })), { id: "labels" }));
restore();
addEventListener("statechange", show);
show();
