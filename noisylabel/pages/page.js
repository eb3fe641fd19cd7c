/* What the pages share. Texts are only ever set as text, so that no value can be markup. */
const find = id => document.getElementById(id);
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
const cell = (text, className) => make("td", { className: className || "" }, text ?? "");
const clip = (text, length) => text.length > length ? text.slice(0, length - 1) + "…" : text;

/* Plots. */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const label = (x, y, text, attributes) => svg("text", { x, y, ...attributes }, text);
function chart(width, height, name) {
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
}
const scale = (low, high, from, to) => value => low === high ? (from + to) / 2 : from + (value - low) / (high - low) * (to - from);
function ticks(low, high, most) {
  if (low === high) return [low];
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => +((first + at) * step).toPrecision(12));
}
function showTip(event, text) {
  const tip = find("tip");
  tip.textContent = text;
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8), below = event.clientY + 16;
  tip.style.left = Math.max(4, left) + "px";
  tip.style.top = (below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : below) + "px";
}
