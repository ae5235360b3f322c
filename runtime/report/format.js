// How numbers, times and elements are written. Text from the data only ever becomes a text node.
"use strict";

const MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000;
const BLANK = "–";
const SVG_SPACE = document.getElementById("svg").namespaceURI;

function element(space, tag, attributes, children) {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}
const el = (tag, attributes, ...children) => element(null, tag, attributes, children);
const svg = (tag, attributes, ...children) => element(SVG_SPACE, tag, attributes, children);

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const tone = (value) => (!known(value) || value === 0 ? "" : value > 0 ? "gain" : "loss");
const minus = (text) => text.replace("-", "−");

function fixed(value, digits, sign = false) {
  if (!known(value)) return BLANK;
  const text = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (!/[1-9]/.test(text)) return text.replace("-", ""); // what rounds to zero has no sign
  return minus(sign && value > 0 ? `+${text}` : text);
}

// As many decimals as the size of the number deserves.
function figure(value, sign = false) {
  if (!known(value)) return BLANK;
  const size = Math.abs(value);
  if (Number.isInteger(value)) return fixed(value, 0, sign);
  if (size < 1e-6) return minus(value.toExponential(2));
  return fixed(value, size >= 1e5 ? 0 : size >= 1 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size))), sign);
}

function money(value, sign = false) {
  if (!known(value)) return BLANK;
  const size = Math.abs(value);
  if (size >= 1e6) return `${fixed(value / 1e6, 2, sign)}M`;
  return fixed(value, size >= 10_000 ? 0 : 2, sign);
}

function percent(value, sign = false, digits = null) {
  if (!known(value)) return BLANK;
  const size = Math.abs(value) * 100;
  if (size >= 1e5) return minus(`${(value * 100).toExponential(1)}%`);
  return `${fixed(value * 100, digits ?? (size >= 100 ? 0 : size >= 10 ? 1 : 2), sign)}%`;
}

// Prices of one symbol share their decimals, so that columns of them line up.
function priceStyle(largest) {
  const digits = largest > 0 ? Math.max(0, Math.min(10, 5 - Math.floor(Math.log10(largest)))) : 2;
  return (value) => fixed(value, Math.max(digits - 1, digits > 1 ? 2 : 0));
}

// Axis labels have the decimals that their step needs.
function axis(scale = 1, suffix = "") {
  return (value, step) => fixed(value * scale, Math.max(0, -Math.floor(Math.log10(step * scale) + 1e-9))) + suffix;
}

const two = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function day(ms) {
  const at = new Date(ms);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
}

function clockTime(ms) {
  const at = new Date(ms);
  const seconds = ms % MINUTE ? `:${two(at.getUTCSeconds())}` : "";
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${seconds}`;
}

const moment = (ms) => (known(ms) ? (ms % DAY ? `${day(ms)} ${clockTime(ms)}` : day(ms)) : BLANK);
const minuteOf = (ms) => (known(ms) ? `${day(ms)} ${clockTime(ms)}` : BLANK);

function duration(ms) {
  if (!known(ms)) return BLANK;
  const units = [[365.25 * DAY, "y"], [DAY, "d"], [HOUR, "h"], [MINUTE, "min"], [1000, "s"]];
  const [size, unit] = units.find(([length]) => ms >= length) || units.at(-1);
  const count = ms / size;
  return `${fixed(count, count >= 10 || Number.isInteger(count) ? 0 : 1)} ${unit}`;
}

const count = (value) => fixed(value, 0);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function heading(title, ...tools) {
  return el("div", { class: "head" }, el("h2", {}, title), tools.length ? el("div", { class: "tools" }, tools) : null);
}
