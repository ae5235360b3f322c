// Puts the page together from the data it carries.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const metrics = data.metrics;
const section = (id) => document.getElementById(id);
const labelOf = (role, n) => (data.labels[role] || [])[n] ?? `${role} ${n}`;
const regimeInks = [0, 1, 2, 3, 4, 5].map((n) => colour(`regime-${n}`));
const view = new View(data.start_ms, data.end_ms, 5 * data.clock_ms);

function masthead() {
  section("name").textContent = data.name;
  const span = duration(data.end_ms - data.start_ms);
  const fell = known(metrics.max_drawdown) ? `The deepest fall was ${percent(-metrics.max_drawdown)}` : "No fall was measured";
  const lasted = metrics.drawdown_ms ? ` and lasted ${duration(metrics.drawdown_ms)}` : "";
  section("verdict").textContent = metrics.trades || metrics.open_trades
    ? `${percent(metrics.total_return, true)} in ${span}, from ${plural(metrics.trades, "closed trade")}. ${fell}${lasted}.`
    : `No trade was made in ${span}.`;
  section("notes").append(...data.notes.map((note) => el("li", {}, note.slice(note.indexOf(" ") + 1))));
  section("notes").hidden = !data.notes.length;
  const facts = [
    ["Period", `${minuteOf(data.start_ms)} to ${minuteOf(data.end_ms)}`],
    ["Symbols", data.symbols.join(", ")],
    ["Base clock", duration(data.clock_ms)],
    ["Digest", data.digest],
  ];
  section("brief").append(...facts.flatMap(([name, value]) =>
    [el("dt", {}, name), el("dd", { title: value, class: name === "Digest" ? "mono" : null }, value)]));
}

function cards() {
  const m = metrics;
  const also = (value, text, missing = "") => (known(value) ? text : missing);
  const list = [
    ["Return", percent(m.total_return, true), also(m.annual_return, `${percent(m.annual_return, true)} a year`, "too short for a year"), tone(m.total_return)],
    ["Sharpe", fixed(m.sharpe, 2), also(m.sortino, `Sortino ${fixed(m.sortino, 2)}`), tone(m.sharpe)],
    ["Max drawdown", percent(m.max_drawdown), also(m.calmar, `Calmar ${fixed(m.calmar, 2)}`), tone(m.max_drawdown)],
    ["Trades", count(m.trades), m.open_trades ? `${count(m.open_trades)} still open` : also(m.average_bars, `${fixed(m.average_bars, 1)} bars on average`), ""],
    ["Hit rate", percent(m.hit_rate), also(m.expectancy, `${money(m.expectancy, true)} a trade`), ""],
    ["Profit factor", fixed(m.profit_factor, 2), "won over lost", ""],
    ["Fees", money(m.fees), `slippage ${money(m.slippage)}`, ""],
    ["Exposure", percent(m.exposure), also(m.leverage, `leverage ${fixed(m.leverage, 2)}`), ""],
  ];
  section("summary").append(...list.map(([name, value, under, kind]) => el("div", { class: "card" },
    el("div", { class: "name" }, name), el("div", { class: `value ${kind}` }, value), el("div", { class: "under", title: under }, under))));
}

function equityChart() {
  const { time, equity, drawdown, net, bars } = data.curve;
  if (!time.length) return;
  const host = el("div", { class: "chart" });
  const at = (values, t) => values[Math.max(indexAt(time, t), 0)];
  section("equity").append(heading("Equity and drawdown", zoomTools(view)), host,
    el("p", { class: "note" }, bars > time.length ? `${count(time.length)} of ${count(bars)} bars are drawn; every high and low of equity and drawdown is among them. ` : "",
      "Drag to zoom, shift-drag to move, double-click for the whole period."));
  new Chart(host, view, "Equity, drawdown and net position value over time", [
    { title: "Equity", weight: 3, format: (v) => money(v), axis: axis(), domain: (a, b) => spanOf(time, [equity], a, b),
      layers: [ruleLayer(metrics.initial_equity, colour("faint")),
        lineLayer(time, equity, colour("accent"), { fill: ["rgba(143, 180, 232, 0.20)", "rgba(143, 180, 232, 0)"] })],
      readout: (t) => [[money(at(equity, t))], [percent(at(equity, t) / metrics.initial_equity - 1, true), colour(tone(at(equity, t) - metrics.initial_equity) || "muted")]] },
    { title: "Drawdown", weight: 1.3, format: (v) => percent(v), axis: axis(100, "%"), domain: (a, b) => [(spanOf(time, [drawdown], a, b) || [-0.01])[0], 0],
      layers: [lineLayer(time, drawdown, colour("loss"), { base: 0, fill: ["rgba(232, 115, 123, 0.05)", "rgba(232, 115, 123, 0.30)"] })],
      readout: (t) => [[percent(at(drawdown, t)), colour("loss")]] },
    { title: "Net position value", weight: 1, format: (v) => money(v), axis: axis(), domain: (a, b) => spanOf(time, [net, [0]], a, b),
      layers: [lineLayer(time, net, colour("muted"), { base: 0, fill: ["rgba(135, 146, 163, 0.18)", "rgba(135, 146, 163, 0.18)"], stepped: true })],
      readout: (t) => [[money(at(net, t))]] },
  ]);
}

function pricePanes(symbol) {
  const price = data.price[symbol], spacing = (data.end_ms - price.time[0]) / price.time.length;
  const write = priceStyle(price.close.at(-1)), layers = [];
  if (price.regime) layers.push(bandLayer(price.regime, regimeInks));
  layers.push(candleLayer(price, spacing, { rise: "#4a8f78", fall: "#a8585f", line: "#aab6c6", range: "rgba(170, 182, 198, 0.22)" }));
  for (const level of ["stop", "take"]) if (price[level]) layers.push(levelLayer(price.time, price[level], spacing, colour(level)));
  layers.push(tradeLayer(price.trades, { gain: colour("gain"), loss: colour("loss"), entry: colour("text"), edge: colour("panel") }));
  const readout = (t) => {
    const i = Math.max(indexAt(price.time, t), 0);
    const texts = ["open", "high", "low", "close"].map((part) => [`${part[0].toUpperCase()} ${write(price[part][i])}`]);
    if (price.regime) {
      const r = indexAt(price.regime.start, t);
      if (r >= 0 && price.regime.end[r] > t) texts.push([labelOf("regime", price.regime.label[r]), regimeInks[price.regime.label[r] % 6]]);
    }
    for (const level of ["stop", "take"]) if (price[level] && price[level][i] !== null) texts.push([`${level} ${write(price[level][i])}`, colour(level)]);
    return texts;
  };
  const levels = [price.stop, price.take].filter(Boolean);
  // from afar the levels of all trades would press the price into a thin line
  const domain = (a, b) => spanOf(price.time, [price.high, price.low, ...((b - a) / spacing < 400 ? levels : [])], a, b, 0.08);
  return [{ title: symbol, weight: 1, format: write, axis: axis(), layers, readout, domain }];
}

function priceNotes(symbol) {
  const price = data.price[symbol], notes = [];
  if (price.bars > price.time.length) notes.push(`${count(price.bars)} bars are drawn as ${count(price.time.length)} candles, each from the first open to the last close of its bars.`);
  const marked = price.trades.side.length;
  if (price.trade_count > marked) notes.push(`The first ${count(marked)} of ${count(price.trade_count)} trades are marked.`);
  return notes.join(" ");
}

function priceLegend() {
  const used = new Set(Object.values(data.price).flatMap((price) => (price.regime ? price.regime.label : [])));
  const levels = ["stop", "take"].filter((level) => Object.values(data.price).some((price) => price[level]));
  return el("div", { class: "legend" },
    [...used].sort((a, b) => a - b).map((n) => el("span", {}, el("i", { class: "swatch", style: { background: regimeInks[n % 6] } }), labelOf("regime", n))),
    levels.map((level) => el("span", {}, el("i", { class: "swatch stroke", style: { borderColor: colour(level) } }), level)),
    el("span", {}, "▲▼ entry"), el("span", {}, "● exit, coloured by result"));
}

// Returns show(symbol), which the trades table uses too.
function priceChart() {
  const symbols = Object.keys(data.price);
  if (!symbols.length) return null;
  const host = el("div", { class: "chart" }), note = el("p", { class: "note" });
  const buttons = symbols.map((symbol) => el("button", { class: "tool", type: "button", onclick: () => show(symbol) }, symbol));
  const menu = el("select", { class: "tool", "aria-label": "Symbol", onchange: () => show(menu.value) }, symbols.map((s) => el("option", { value: s }, s)));
  const picker = symbols.length < 2 ? [] : symbols.length > 6 ? [menu] : buttons;
  section("price").append(heading("Price and trades", picker, zoomTools(view)), priceLegend(), host, note);
  const chart = new Chart(host, view, "Price with entries and exits", pricePanes(symbols[0]));
  function show(symbol) {
    chart.setPanes(pricePanes(symbol));
    menu.value = symbol;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(symbols[i] === symbol)));
    note.textContent = priceNotes(symbol);
    note.hidden = !note.textContent;
  }
  show(symbols[0]);
  return show;
}

function vetoes() {
  if (!metrics.vetoes.length) return;
  section("vetoes").append(heading("Why orders were vetoed"), barList(metrics.vetoes.slice(0, 16)),
    el("p", { class: "note" }, `${data.symbols.length > 1 ? "Bars of all symbols" : "Bars"} on which each reason held, and their share of all that were recorded; several may hold at once.`));
}

function returnsTable() {
  if (!data.returns.every) return;
  section("returns").classList.toggle("monthly", data.returns.every === "1mo"); // thirteen columns want the whole width
  section("returns").append(heading(data.returns.every === "1mo" ? "Monthly returns" : "Daily returns"), calendarTable(data.returns));
}

function tradesTable(showSymbol) {
  const { rows, total } = data.trades;
  if (!rows.length) return;
  const styles = Object.fromEntries(data.symbols.map((s) => [s, priceStyle(Math.max(...rows.filter((r) => r.symbol === s).map((r) => r.entry_price)))]));
  const price = (value, row) => (known(value) ? styles[row.symbol](value) : BLANK);
  const columns = [
    { key: "entry_time", title: "Entry", text: true, show: minuteOf },
    { key: "symbol", title: "Symbol", text: true },
    { key: "side", title: "Side", text: true, show: (v) => (v > 0 ? "long" : "short") },
    { key: "qty", title: "Quantity", show: (v) => figure(v) },
    { key: "entry_price", title: "Entry price", show: price },
    { key: "exit_price", title: "Exit price", show: price },
    { key: "bars", title: "Bars", show: count },
    { key: "pnl", title: "Result", show: (v) => money(v, true), tone: true, hint: "after fees, before funding" },
    { key: "return", title: "Return", show: (v) => percent(v, true), tone: true, hint: "result over the notional of the entry" },
    { key: "mae", title: "Worst", show: (v) => percent(v, true), hint: "worst price reached, as a return on the entry" },
    { key: "mfe", title: "Best", show: (v) => percent(v, true), hint: "best price reached, as a return on the entry" },
    { key: "fees", title: "Fees", show: (v) => money(v) },
    { key: "entry_reason", title: "Entered on", text: true },
    { key: "exit_reason", title: "Left on", text: true, show: (v, row) => (row.open ? "still open" : v ?? BLANK) },
  ].filter((column) => rows.some((row) => row[column.key] !== null));
  const pick = (row) => {
    if (!showSymbol || !data.price[row.symbol]) return;
    const end = row.exit_time ?? data.end_ms, room = Math.max((end - row.entry_time) * 1.5, 40 * data.clock_ms);
    showSymbol(row.symbol);
    view.show(row.entry_time - room, end + room);
    section("price").scrollIntoView();
  };
  const notes = [`${plural(total, "trade")}.`, showSymbol ? "Click a trade to see it on the chart." : "", total > rows.length ? `The first ${count(rows.length)} are listed; every figure counts all of them.` : ""];
  section("trades").append(heading("Trades"), sortableTable(columns, rows, { caption: "Trades", tall: true, pick }),
    el("p", { class: "note" }, notes.filter(Boolean).join(" ")));
}

function figureTables() {
  const m = metrics;
  section("figures").append(heading("Figures"), pairList([
    ["Total return", percent(m.total_return, true), tone(m.total_return)],
    ["Annualised return", percent(m.annual_return, true), tone(m.annual_return)],
    ["Volatility, a year", percent(m.volatility)],
    ["Sharpe ratio", fixed(m.sharpe, 3)],
    ["Sortino ratio", fixed(m.sortino, 3)],
    ["Calmar ratio", fixed(m.calmar, 3)],
    ["Maximum drawdown", percent(m.max_drawdown), tone(m.max_drawdown)],
    ["Length of it", known(m.drawdown_bars) ? `${plural(m.drawdown_bars, "bar")}, ${duration(m.drawdown_ms)}` : BLANK],
    ["Longest time below a peak", duration(m.underwater_ms)],
    ["CVaR 95 % of a bar", percent(m.cvar_95, false, 3)],
    ["Exposure", percent(m.exposure)],
    ["Mean leverage", fixed(m.leverage, 3)],
    ["Turnover, a year", known(m.turnover) ? `${fixed(m.turnover, 1)}×` : BLANK],
    ["Hit rate", percent(m.hit_rate)],
    ["Profit factor", fixed(m.profit_factor, 3)],
    ["Expectancy", money(m.expectancy, true), tone(m.expectancy)],
    ["Expectancy on notional", percent(m.expectancy_return, true, 3), tone(m.expectancy_return)],
    ["Expectancy in R", fixed(m.expectancy_r, 3, true), tone(m.expectancy_r)],
    ["Bars held, mean", fixed(m.average_bars, 1)],
    ["Best trade", money(m.best, true), tone(m.best)],
    ["Worst trade", money(m.worst, true), tone(m.worst)],
    ["Fees", money(m.fees)],
    ["Slippage", money(m.slippage)],
    ["Funding", money(m.funding)],
    ["Final equity", money(m.final_equity)],
    ["Measured bars", count(m.measured_bars)],
    ["Bars a year", count(m.bars_per_year)],
  ]));
  groupTable("By symbol", "Symbol", m.per_symbol, [
    { key: "total_return", title: "Return", show: (v) => percent(v, true), tone: true },
    { key: "sharpe", title: "Sharpe", show: (v) => fixed(v, 2) },
    { key: "max_drawdown", title: "Max drawdown", show: (v) => percent(v) },
    { key: "exposure", title: "Exposure", show: (v) => percent(v) },
    { key: "turnover", title: "Turnover, a year", show: (v) => (known(v) ? `${fixed(v, 1)}×` : BLANK) },
  ]);
  groupTable("By regime at entry", "Regime", m.per_regime, []);
  groupTable("By leading pattern at entry", "Pattern", m.per_pattern, []);
  driverTable();
  sizeCutTable();
}

function sizeCutTable() {
  if (!data.size_cuts.length) return;
  const columns = [
    { key: "rule", title: "Rule", text: true },
    { key: "share", title: "Of the bars", show: (v) => percent(v), hint: "bars on which there was a size to cut" },
    { key: "mean", title: "Left, mean", show: (v) => percent(v), hint: "of the size, on bars that were cut" },
    { key: "least", title: "Least left", show: (v) => percent(v) },
    { key: "longest", title: "Bars in a row", show: count },
  ];
  section("figures").append(el("h3", {}, "Rules that cut size"),
    sortableTable(columns, data.size_cuts.map((cut) => ({ ...cut, share: cut.cut / cut.bars })), { caption: "Rules that cut size" }));
}

function driverTable() {
  if (!metrics.drivers.length) return;
  const columns = [
    { key: "port", title: "Signal", text: true },
    { key: "with_it", title: "Trades with it", show: count },
    { key: "hit_with", title: "Hit rate", show: (v) => percent(v) },
    { key: "expectancy_with", title: "Mean result", show: (v) => money(v, true), tone: true },
    { key: "against_it", title: "Trades against it", show: count },
    { key: "hit_against", title: "Hit rate", show: (v) => percent(v) },
    { key: "expectancy_against", title: "Mean result", show: (v) => money(v, true), tone: true },
    { key: "worth", title: "Difference", show: (v) => money(v, true), tone: true },
  ];
  section("figures").append(el("h3", {}, "What drove the results"),
    sortableTable(columns, metrics.drivers, { caption: "What drove the results" }),
    el("p", { class: "note" }, "Trades entered on the side that a recorded signal showed at the decision, and against it."));
}

function groupTable(title, first, groups, more) {
  const rows = Object.entries(groups).map(([name, figures]) => ({ name, ...figures }));
  if (!rows.length) return;
  const columns = [
    { key: "name", title: first, text: true },
    { key: "trades", title: "Trades", show: count },
    { key: "pnl", title: "Result", show: (v) => money(v, true), tone: true },
    ...more,
    { key: "hit_rate", title: "Hit rate", show: (v) => percent(v) },
    { key: "profit_factor", title: "Profit factor", show: (v) => fixed(v, 2) },
    { key: "expectancy", title: "Expectancy", show: (v) => money(v, true), tone: true },
    { key: "average_bars", title: "Bars held", show: (v) => fixed(v, 1) },
    { key: "best", title: "Best", show: (v) => money(v, true) },
    { key: "worst", title: "Worst", show: (v) => money(v, true) },
    { key: "fees", title: "Fees", show: (v) => money(v) },
  ];
  section("figures").append(el("h3", {}, title), sortableTable(columns, rows, { caption: title }));
}

function wiringPanel() {
  const { wiring } = data;
  if (!wiring.nodes || !wiring.nodes.length) return;
  const kinds = new Set(wiring.edges.map((edge) => edge.kind));
  const stroke = (ink, dashed) => el("i", { class: dashed ? "swatch stroke dashed" : "swatch stroke", style: { borderColor: ink } });
  const dot = (solid) => el("i", { class: "swatch", style: { borderRadius: "50%", border: "1px solid var(--take)", background: solid ? "var(--take)" : "none" } });
  const legend = el("div", { class: "legend" },
    el("span", {}, stroke("#3a4658"), "same clock"),
    kinds.has("delay") ? el("span", {}, stroke(colour("stop"), true), "delayed by a step") : null,
    kinds.has("sample") ? el("span", {}, dot(true), "sampled at the close") : null,
    kinds.has("hold") ? el("span", {}, dot(false), "last closed value held") : null,
    wiring.nodes.some((node) => node.scope === "portfolio") ? el("span", {}, el("i", { class: "swatch", style: { border: "1px solid #5b7391" } }), "sees every symbol") : null);
  const panel = section("wiring");
  panel.append(heading("Wiring", legend));
  panel.append(wiringGraph(wiring, data.clock_ms, panel.clientWidth - 36));
  panel.append(el("p", { class: "note" }, `${plural(wiring.nodes.length, "node")}, ${plural(wiring.edges.length, "edge")}.`));
}

function valuesTable() {
  if (!data.values.length) return;
  const rows = data.values.map(({ port, values }) => ({ port, ...Object.fromEntries(values.map((v, i) => [`s${i}`, v])) }));
  const columns = [{ key: "port", title: "Port", text: true },
    ...data.symbols.map((symbol, i) => ({ key: `s${i}`, title: symbol, show: (v) => figure(v) }))];
  const body = el("div"), fill = (list) => body.replaceChildren(sortableTable(columns, list, { caption: "Last values", tall: true }));
  const filter = el("input", { class: "tool", type: "search", placeholder: "Filter ports", "aria-label": "Filter ports",
    oninput: () => fill(rows.filter((row) => row.port.toLowerCase().includes(filter.value.toLowerCase()))) });
  fill(rows);
  section("values").append(heading("Last value of each recorded port", rows.length > 12 ? filter : null), body);
}

function facts() {
  const pairs = data.facts.map(([name, value]) => [name, typeof value === "number" ? figure(value) : String(value ?? BLANK), name === "digest" ? "mono" : null]);
  section("facts").append(heading("The run"), pairList([["period", `${minuteOf(data.start_ms)} to ${minuteOf(data.end_ms)}, UTC`], ...pairs]));
}

function contents() {
  section("contents").append(...[...document.querySelectorAll("main .panel")].filter((panel) => panel.childElementCount)
    .map((panel) => el("a", { href: `#${panel.id}` }, panel.querySelector("h2").textContent)));
}

masthead();
cards();
equityChart();
const showSymbol = priceChart();
vetoes();
returnsTable();
tradesTable(showSymbol);
figureTables();
calibrationPanel();
wiringPanel();
valuesTable();
facts();
contents();
