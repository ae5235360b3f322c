// The wiring as a graph: a column a domain, a box a node, a curve for every pair that is joined, an inspector for the ports.
"use strict";

const DOMAINS = ["data", "regime", "microstructure", "kinematics", "pattern", "fusion", "meta", "rl", "risk", "execution", "block", "orders"];
const BOX = { wide: 130, high: 25, across: 30, down: 8, head: 26 };
const CLOCK_UNITS = { s: 1000, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

function clockLength(text) {
  const parts = /^(\d+)\s*([smhdw])/.exec(text || "");
  return parts ? Number(parts[1]) * CLOCK_UNITS[parts[2]] : null;
}

// The clock's name where it is slower than the base clock, else null.
function slowClock(node, base) {
  const length = clockLength(node.clock);
  return length !== null && length > base ? node.clock : null;
}

const nodeOf = (port) => port.slice(0, port.lastIndexOf("."));

// The orders that leave the graph, drawn as one more node.
function withOrders(wiring) {
  if (!wiring.orders || !wiring.orders.length) return wiring;
  const orders = { key: "orders", name: "orders", layer: null, domain: "orders", clock: "", scope: "symbol", outputs: [], params: {},
    inputs: wiring.orders.map((order) => ({ port: order.port, type: order.type ?? "order", source: order.source })) };
  return { ...wiring, nodes: [...wiring.nodes, orders] };
}

// One joint for each pair of nodes and kind of edge.
function joints(wiring, keys) {
  const found = new Map();
  for (const edge of wiring.edges) {
    const from = nodeOf(edge.from), to = nodeOf(edge.to);
    if (keys.has(from) && keys.has(to)) found.set(JSON.stringify([from, to, edge.kind]), { from, to, kind: edge.kind });
  }
  return [...found.values()];
}

// Columns in the order of the domains; inside one, nodes stand near what they are joined to.
function columnsOf(wiring, joined) {
  const names = [...new Set(wiring.nodes.map((node) => node.domain))];
  const rank = (name) => (DOMAINS.includes(name) ? DOMAINS.indexOf(name) : DOMAINS.length);
  names.sort((a, b) => rank(a) - rank(b));
  const columns = names.map((name) => ({ name, nodes: wiring.nodes.filter((node) => node.domain === name) }));
  const place = new Map();
  const settle = () => columns.forEach((column) =>
    column.nodes.forEach((node, i) => place.set(node.key, (i + 0.5) / column.nodes.length)));
  settle();
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const pull = new Map(column.nodes.map((node) => {
        const near = joined.filter((j) => j.kind !== "delay" && (j.from === node.key || j.to === node.key))
          .map((j) => place.get(j.from === node.key ? j.to : j.from));
        return [node.key, near.length ? near.reduce((a, b) => a + b) / near.length : place.get(node.key)];
      }));
      column.nodes.sort((a, b) => pull.get(a.key) - pull.get(b.key));
      settle();
    }
  }
  return columns;
}

function positions(columns) {
  const tallest = Math.max(...columns.map((column) => column.nodes.length));
  const at = new Map();
  columns.forEach((column, c) => {
    const lead = ((tallest - column.nodes.length) * (BOX.high + BOX.down)) / 2;
    column.nodes.forEach((node, i) =>
      at.set(node.key, { x: c * (BOX.wide + BOX.across), y: BOX.head + lead + i * (BOX.high + BOX.down), column: c }));
  });
  return { at, wide: columns.length * (BOX.wide + BOX.across) - BOX.across + 10, high: BOX.head + tallest * (BOX.high + BOX.down) + 4 };
}

// Forward edges leave on the right and arrive on the left; those in a column bulge to its right; those that go back leave on the left.
function curve(from, to) {
  const y1 = from.y + BOX.high / 2, y2 = to.y + BOX.high / 2;
  if (to.column > from.column) {
    const x1 = from.x + BOX.wide, x2 = to.x, bend = Math.max(24, (x2 - x1) * 0.45);
    return { path: `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`, middle: [(x1 + x2) / 2, (y1 + y2) / 2], end: [x2, y2] };
  }
  if (to.column === from.column) {
    const x = from.x + BOX.wide, bulge = Math.min(BOX.across - 4, 12 + Math.abs(y2 - y1) * 0.12);
    return { path: `M${x},${y1}C${x + bulge},${y1} ${x + bulge},${y2} ${x},${y2}`, middle: [x + bulge * 0.75, (y1 + y2) / 2], end: [x, y2] };
  }
  const x1 = from.x, x2 = to.x + BOX.wide, bend = Math.max(24, (x1 - x2) * 0.45);
  return { path: `M${x1},${y1}C${x1 - bend},${y1} ${x2 + bend},${y2} ${x2},${y2}`, middle: [(x1 + x2) / 2, (y1 + y2) / 2], end: [x2, y2] };
}

function cut(text, longest) {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

function nodeBox(node, place, base) {
  const slow = slowClock(node, base), key = cut(node.key, 14);
  const room = Math.floor((BOX.wide - 22) / 6.4) - key.length - (slow ? slow.length : 0);
  const name = node.name === node.key ? "" : cut(node.name, Math.max(room, 4));
  return svg("g", { class: `node ${node.scope === "portfolio" ? "portfolio" : ""}`, tabindex: 0, transform: `translate(${place.x},${place.y})` },
    svg("rect", { width: BOX.wide, height: BOX.high, rx: 4 }),
    svg("text", { x: 9, y: BOX.high / 2 + 4 }, svg("tspan", { class: "key" }, key), svg("tspan", { dx: 6 }, name)),
    slow ? svg("text", { class: "clock", x: BOX.wide - 7, y: BOX.high / 2 + 4, "text-anchor": "end" }, slow) : null);
}

function inspector(node, base) {
  if (!node) return [el("p", { class: "muted" }, "Point at a node to see its ports; click to keep it.")];
  const slow = slowClock(node, base), params = Object.entries(node.params || {});
  const facts = [known(node.layer) || node.layer ? `layer ${node.layer}` : null, node.domain,
    node.scope === "portfolio" ? "portfolio" : null, slow ? `clock ${slow}` : null].filter(Boolean).join(" · ");
  const part = (title, items, kind = null) => (items.length ? el("div", { class: kind }, el("h3", {}, title), el("ul", {}, items)) : null);
  const written = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return [
    el("div", {}, el("p", { class: "called" }, node.name), el("p", { class: "muted" }, facts)),
    part("Inputs", node.inputs.map((port) => el("li", {}, port.port,
      el("span", { class: "muted" }, `: ${port.type} ← ${port.source ?? "not wired"}`))), "inputs"),
    part("Outputs", node.outputs.map((port) => el("li", {}, port.port, el("span", { class: "muted" }, `: ${port.type}`)))),
    part("Parameters", params.map(([name, value]) => el("li", {}, `${name} `, el("span", { class: "muted" }, written(value))))),
  ].filter(Boolean);
}

// The graph and its inspector, laid out for a panel of the given width.
function wiringGraph(given, base, available) {
  const wiring = withOrders(given);
  const nodes = new Map(wiring.nodes.map((node) => [node.key, node]));
  const joined = joints(wiring, nodes), columns = columnsOf(wiring, joined);
  const { at, wide, high } = positions(columns);
  const details = el("div", { class: "inspector", "aria-live": "polite" }, inspector(null, base));
  const scale = Math.max(0.7, Math.min(1, available / wide));
  const drawing = svg("svg", { width: wide * scale, height: high * scale, viewBox: `0 0 ${wide} ${high}`, role: "group", "aria-label": "Wiring graph" });
  columns.forEach((column, c) => drawing.append(svg("text", { class: "stage", x: c * (BOX.wide + BOX.across), y: 13 }, column.name)));
  const drawn = joined.map((joint) => {
    const line = curve(at.get(joint.from), at.get(joint.to));
    const parts = [svg("path", { class: `edge ${joint.kind}`, d: line.path })];
    if (joint.kind === "sample" || joint.kind === "hold") {
      parts.push(svg("circle", { class: `knot ${joint.kind}`, cx: line.middle[0], cy: line.middle[1], r: 3.2 }));
    }
    drawing.append(...parts);
    return { joint, parts };
  });
  let kept = null;

  function focus(key) {
    drawing.classList.toggle("focus", key !== null);
    boxes.forEach((box) => box.classList.remove("lit"));
    if (key !== null) boxes.get(key).classList.add("lit");
    for (const { joint, parts } of drawn) {
      const near = key !== null && (joint.from === key || joint.to === key);
      parts.forEach((part) => part.classList.toggle("lit", near));
      if (near) { boxes.get(joint.from).classList.add("lit"); boxes.get(joint.to).classList.add("lit"); }
    }
    details.replaceChildren(...inspector(key === null ? null : nodes.get(key), base));
  }

  const boxes = new Map(wiring.nodes.map((node) => {
    const box = nodeBox(node, at.get(node.key), base);
    const keep = () => { kept = kept === node.key ? null : node.key; focus(kept); };
    box.addEventListener("pointerenter", () => focus(node.key));
    box.addEventListener("pointerleave", () => focus(kept));
    box.addEventListener("focus", () => focus(node.key));
    box.addEventListener("click", keep);
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") keep(); });
    drawing.append(box);
    return [node.key, box];
  }));
  const beside = wide <= available - 320;
  return el("div", { class: beside ? "wiring beside" : "wiring" }, el("div", { class: "scroll" }, drawing), details);
}
