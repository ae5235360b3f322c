// Tables: sortable rows, calendar heat, lists of pairs. Knows columns and values; what they mean is page.js's business.
"use strict";

// column: {key, title, text: left aligned, show(value, row), tone: coloured by sign, hint}
function sortableTable(columns, rows, { caption, tall = false, pick = null, sort = null } = {}) {
  const body = el("tbody");
  const heads = columns.map((column) => el("th", { class: column.text ? "text" : null, scope: "col", title: column.hint },
    el("button", { type: "button", onclick: () => order(column) }, column.title)));
  let by = null, falling = false;

  function order(column) {
    falling = by === column ? !falling : !column.text;
    by = column;
    heads.forEach((head, i) => {
      if (columns[i] === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const sorted = [...rows].sort((a, b) => compare(a[column.key], b[column.key], falling));
    fill(sorted);
  }

  function fill(list) {
    body.replaceChildren(...list.map((row) => el("tr", { class: pick ? "pick" : null, onclick: pick ? () => pick(row) : null },
      columns.map((column) => {
        const value = row[column.key];
        const kind = [column.text ? "text" : "", column.tone ? tone(value) : ""].join(" ").trim();
        return el("td", { class: kind || null }, column.show ? column.show(value, row) : String(value ?? BLANK));
      }))));
  }

  if (sort) order(columns.find((column) => column.key === sort)); else fill(rows);
  return el("div", { class: tall ? "scroll tall" : "scroll" },
    el("table", { "aria-label": caption }, el("thead", {}, el("tr", {}, heads)), body));
}

// Missing values stay last, whichever way the rest goes.
function compare(a, b, falling) {
  const noA = a === null || a === undefined, noB = b === null || b === undefined;
  if (noA || noB) return noA - noB;
  const order = a < b ? -1 : a > b ? 1 : 0;
  return falling ? -order : order;
}

function pairList(pairs) {
  return el("dl", { class: "pairs" }, pairs.map(([name, value, kind]) =>
    el("div", {}, el("dt", {}, name), el("dd", { class: kind || null }, value))));
}

// rows: [[label, [values], total]]; a cell's colour grows with its size against the largest.
function heatTable(titles, rows, caption) {
  const sizes = rows.flatMap(([, values]) => values.filter(known).map(Math.abs)).sort((a, b) => a - b);
  const largest = sizes[Math.floor(sizes.length * 0.95)] || sizes.at(-1) || 1;
  const cell = (value) => {
    if (value === undefined || value === null) return el("td", {});
    const strength = Math.round(8 + 42 * Math.min(1, Math.abs(value) / largest));
    const ground = value === 0 ? "transparent" : `color-mix(in srgb, var(--${value > 0 ? "gain" : "loss"}) ${strength}%, transparent)`;
    return el("td", {}, el("span", { class: "cell", style: { background: ground } }, percent(value, true, 2)));
  };
  const total = (value) => el("td", {}, el("span", { class: `cell ${tone(value)}` }, percent(value, true, 2)));
  return el("div", { class: "scroll" }, el("table", { class: "heat", "aria-label": caption },
    el("thead", {}, el("tr", {}, titles.map((title, i) => el("th", { class: i ? null : "text", scope: "col" }, title)))),
    el("tbody", {}, rows.map(([label, values, sum]) =>
      el("tr", {}, el("th", { class: "text", scope: "row" }, label), values.map(cell), total(sum))))));
}

const compounded = (values) => values.filter(known).reduce((product, value) => product * (1 + value), 1) - 1;

// Months in rows of years, days in rows of weeks.
function calendarTable(returns) {
  const rows = new Map();
  const monthly = returns.every === "1mo";
  for (const [period, value] of returns.periods) {
    const at = Date.parse(monthly ? `${period}-01` : period), date = new Date(at);
    const column = monthly ? date.getUTCMonth() : (date.getUTCDay() + 6) % 7;
    const row = monthly ? String(date.getUTCFullYear()) : day(at - column * DAY);
    if (!rows.has(row)) rows.set(row, Array(monthly ? 12 : 7).fill(null));
    rows.get(row)[column] = value;
  }
  const names = monthly ? ["", ...MONTHS, "Year"] : ["Week of", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Week"];
  return heatTable(names, [...rows].map(([label, values]) => [label, values, compounded(values)]), `${monthly ? "Monthly" : "Daily"} returns`);
}

function barList(items) {
  const largest = Math.max(...items.map((item) => item.bars));
  return el("div", { class: "bars" }, items.flatMap((item) => [
    el("span", {}, item.name),
    el("div", { class: "track" }, el("div", { class: "fill", style: { width: `${(100 * item.bars) / largest}%` } })),
    el("span", { class: "count" }, count(item.bars)),
    el("span", { class: "count share muted" }, percent(item.share)),
  ]));
}
