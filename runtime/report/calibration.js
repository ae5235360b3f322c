// Forecasts against what happened: a reliability diagram per probability, predicted and realised expectancy, and cost.
"use strict";

const DIAGRAM = { size: 190, left: 34, bottom: 26, top: 8, right: 16 };

const judged = (side, horizon) => `${side ? `a move to ${side}` : "a rise"} over ${plural(horizon, "bar")}`;

function calibrationPanel() {
  const found = data.metrics.calibration;
  if (!found || !(found.chances.length || found.expectancies.length || found.cost)) return;
  const worst = [...found.chances].sort((a, b) => (b.brier - b.base_brier) - (a.brier - a.base_brier));
  section("calibration").append(heading("Forecasts"),
    el("div", { class: "forecasts" }, worst.map(reliability)),
    ...found.expectancies.flatMap(quintileTable), ...costLine(found.cost),
    el("p", { class: "note" }, forecastNotes(found).join(" ")));
}

function reliability(chance) {
  const better = chance.brier < chance.base_brier;
  return el("figure", {}, el("figcaption", {}, el("b", {}, chance.ports.join(", ")), el("span", { class: "muted" }, judged(chance.side, chance.horizon))),
    reliabilityDiagram(chance),
    el("dl", {}, [["Brier score", fixed(chance.brier, 4), better ? "gain" : "loss"], ["that of the base rate", fixed(chance.base_brier, 4)],
      ["base rate", percent(chance.base_rate)], ["forecasts", count(chance.count)], ["not overlapping", count(chance.independent)]]
      .flatMap(([name, value, kind]) => [el("dt", {}, name), el("dd", { class: kind || null }, value)])));
}

// Forecast across, what happened up; a bin's area grows with its forecasts. On the diagonal the two agree.
function reliabilityDiagram(chance) {
  const { size, left, bottom, top, right } = DIAGRAM;
  const x = (p) => left + p * size, y = (p) => top + (1 - p) * size;
  const most = Math.max(...chance.bins.map((bin) => bin.count));
  const drawing = svg("svg", { width: left + size + right, height: top + size + bottom, role: "img",
    "aria-label": `Reliability of ${chance.ports.join(", ")}` });
  for (const p of [0, 0.25, 0.5, 0.75, 1]) {
    drawing.append(svg("line", { class: "grid", x1: x(p), x2: x(p), y1: y(0), y2: y(1) }), svg("line", { class: "grid", x1: x(0), x2: x(1), y1: y(p), y2: y(p) }));
    if (p % 0.5 === 0) drawing.append(svg("text", { x: x(p), y: y(0) + 15, "text-anchor": "middle" }, percent(p, false, 0)),
      svg("text", { x: left - 6, y: y(p) + 4, "text-anchor": "end" }, percent(p, false, 0)));
  }
  drawing.append(svg("line", { class: "even", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    svg("line", { class: "base", x1: x(0), x2: x(1), y1: y(chance.base_rate), y2: y(chance.base_rate) }),
    svg("polyline", { class: "path", points: chance.bins.map((bin) => `${x(bin.forecast)},${y(bin.realised)}`).join(" ") }));
  for (const bin of chance.bins) {
    const said = `forecast ${percent(bin.forecast)}, happened ${percent(bin.realised)}, ${plural(bin.count, "forecast")}`;
    drawing.append(svg("circle", { class: "bin", cx: x(bin.forecast), cy: y(bin.realised), r: 2 + 5 * Math.sqrt(bin.count / most) }, svg("title", {}, said)));
  }
  return drawing;
}

function quintileTable(expectancy) {
  const bps = (value) => fixed(value, 2, true);
  const rows = expectancy.quintiles.map((group, i) => ({ quintile: i + 1, ...group }));
  const columns = [
    { key: "quintile", title: "Quintile", text: true },
    { key: "forecast", title: "Predicted, bps", show: bps, tone: true },
    { key: "realised", title: "Realised, bps", show: bps, tone: true },
    { key: "count", title: "Forecasts", show: count },
  ];
  const net = expectancy.cost ? `, net of two fills at ${expectancy.cost}` : "";
  return [el("h3", {}, `${expectancy.port}: mean of ${judged(expectancy.side, expectancy.horizon)}${net}`),
    sortableTable(columns, rows, { caption: `Predicted and realised expectancy of ${expectancy.port}` })];
}

function costLine(cost) {
  if (!cost) return [];
  return [el("h3", {}, "Cost of a round trip"), pairList([
    ["Charged by the gate, bps", fixed(cost.charged, 2)],
    ["Paid, bps", fixed(cost.paid, 2)],
    ["Charged over paid, median", fixed(cost.ratio, 2)],
    ["Its quartiles", `${fixed(cost.low, 2)} and ${fixed(cost.high, 2)}`],
    ["Round trips", count(cost.trades)],
  ])];
}

function forecastNotes(found) {
  const lacking = Object.entries(found.lacking).map(([port, ports]) => `Not judged: ${port}; record ${ports.join(", ")} in the wiring.`);
  return ["Dashed: the base rate. Neighbouring forecasts share most of their outcome, so fewer count as independent.", ...lacking,
    found.idle.length ? `Without a value whose outcome is known: ${found.idle.join(", ")}.` : null,
    found.stateless.length ? `Probability ports that declare no forecast of the close: ${found.stateless.join(", ")}.` : null].filter(Boolean);
}
