// What may be drawn in a pane: lines, candles, bands of a label, levels, entries and exits. Each returns draw(frame).
"use strict";

// Indices of the points in view, with one more on either side so that lines leave the frame.
function inView(times, from, to) {
  return [Math.max(indexAt(times, from), 0), Math.min(indexAt(times, to) + 1, times.length - 1)];
}

function spanOf(times, lists, from, to, pad = 0.06) {
  const [a, b] = inView(times, from, to);
  let low = Infinity, high = -Infinity;
  for (const values of lists) {
    for (let i = a; i <= b; i++) {
      const v = values[i];
      if (v === null) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  if (low > high) return null;
  const room = (high - low) * pad;
  return [low - room, high + room];
}

function lineLayer(times, values, ink, { base = null, fill = null, stepped = false } = {}) {
  return ({ ctx, x, y, from, to, top, bottom }) => {
    const [a, b] = inView(times, from, to);
    const path = () => {
      ctx.beginPath();
      for (let i = a; i <= b; i++) {
        if (stepped && i > a) ctx.lineTo(x(times[i]), y(values[i - 1]));
        ctx.lineTo(x(times[i]), y(values[i]));
      }
    };
    if (fill) {
      const floor = base === null ? bottom : y(base);
      path();
      ctx.lineTo(x(times[b]), floor);
      ctx.lineTo(x(times[a]), floor);
      const shade = ctx.createLinearGradient(0, base === null ? top : floor, 0, bottom);
      shade.addColorStop(0, fill[0]);
      shade.addColorStop(1, fill[1]);
      ctx.fillStyle = shade;
      ctx.fill();
    }
    path();
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.25;
    ctx.lineJoin = "round";
    ctx.stroke();
  };
}

function ruleLayer(value, ink) {
  return ({ ctx, y, wide }) => {
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(0, Math.round(y(value)) + 0.5);
    ctx.lineTo(wide, Math.round(y(value)) + 0.5);
    ctx.stroke();
    ctx.setLineDash([]);
  };
}

// Candles while there is room for them, else the range from low to high with the close on it.
function candleLayer(price, spacing, inks) {
  const { time, open, high, low, close } = price;
  return (frame) => {
    const { ctx, x, y, from, to } = frame;
    const [a, b] = inView(time, from, to), each = x(from + spacing);
    if (each < 2.6) {
      ctx.fillStyle = inks.range;
      ctx.beginPath();
      for (let i = a; i <= b; i++) ctx.lineTo(x(time[i]), y(high[i]));
      for (let i = b; i >= a; i--) ctx.lineTo(x(time[i]), y(low[i]));
      ctx.fill();
      lineLayer(time, close, inks.line)(frame);
      return;
    }
    const body = Math.max(1, Math.min(12, each * 0.68));
    ctx.lineWidth = 1;
    for (let i = a; i <= b; i++) {
      const middle = x(time[i] + spacing / 2), rising = close[i] >= open[i];
      ctx.strokeStyle = ctx.fillStyle = rising ? inks.rise : inks.fall;
      ctx.beginPath();
      ctx.moveTo(middle, y(high[i]));
      ctx.lineTo(middle, y(low[i]));
      ctx.stroke();
      const head = y(Math.max(open[i], close[i])), foot = y(Math.min(open[i], close[i]));
      ctx.fillRect(middle - body / 2, head, body, Math.max(foot - head, 1));
    }
  };
}

function bandLayer(runs, inks) {
  return ({ ctx, x, from, to, top, bottom, wide: frameWide }) => {
    const seen = indexAt(runs.start, to) - indexAt(runs.start, from);
    const crowded = seen > frameWide / 8; // the ground would flicker: the strip alone says it
    const strip = crowded ? 8 : 4;
    for (let i = Math.max(indexAt(runs.start, from), 0); i < runs.start.length && runs.start[i] < to; i++) {
      const left = x(runs.start[i]), wide = x(runs.end[i]) - left;
      ctx.fillStyle = inks[runs.label[i] % inks.length];
      ctx.globalAlpha = crowded ? 0 : 0.085;
      ctx.fillRect(left, top, wide, bottom - top);
      ctx.globalAlpha = 0.75;
      ctx.fillRect(left, bottom - strip, wide, strip);
    }
    ctx.globalAlpha = 1;
  };
}

// A level that holds for one candle at a time; nothing where it is missing.
function levelLayer(times, values, spacing, ink) {
  return ({ ctx, x, y, from, to }) => {
    const [a, b] = inView(times, from, to);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1;
    ctx.globalAlpha = x(from + spacing) < 1 ? 0.45 : 0.85;
    ctx.beginPath();
    for (let i = a; i <= b; i++) {
      if (values[i] === null) continue;
      const level = y(values[i]), left = x(times[i]);
      ctx.moveTo(left, level);
      ctx.lineTo(Math.max(x(times[i] + spacing), left + 2), level);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  };
}

// Entries as triangles that point where the trade went, exits as dots, joined while there is room; small when they crowd.
function tradeLayer(trades, inks) {
  return ({ ctx, x, y, from, to, wide }) => {
    const shown = [];
    for (let i = 0; i < trades.side.length; i++) {
      const end = trades.exit_time[i] ?? to;
      if (end >= from && trades.entry_time[i] <= to) shown.push(i);
    }
    const crowded = shown.length > wide / 14, size = shown.length > wide / 6 ? 2 : crowded ? 3 : 5.5;
    for (const i of shown) {
      const left = x(trades.entry_time[i]), entry = y(trades.entry_price[i]), closed = trades.exit_time[i] !== null;
      const result = trades.pnl[i] >= 0 ? inks.gain : inks.loss;
      if (closed && !crowded) {
        ctx.strokeStyle = result;
        ctx.lineWidth = 1.2;
        ctx.setLineDash([4, 3]);
        ctx.beginPath();
        ctx.moveTo(left, entry);
        ctx.lineTo(x(trades.exit_time[i]), y(trades.exit_price[i]));
        ctx.stroke();
        ctx.setLineDash([]);
      }
      const up = trades.side[i] > 0 ? 1 : -1;
      ctx.fillStyle = inks.entry;
      ctx.strokeStyle = inks.edge;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(left, entry - up * size);
      ctx.lineTo(left - size * 0.8, entry + up * size * 0.7);
      ctx.lineTo(left + size * 0.8, entry + up * size * 0.7);
      ctx.closePath();
      if (!crowded) ctx.stroke();
      ctx.fill();
      if (!closed) continue;
      ctx.fillStyle = result;
      ctx.beginPath();
      ctx.arc(x(trades.exit_time[i]), y(trades.exit_price[i]), size * 0.62, 0, 7);
      if (!crowded) ctx.stroke();
      ctx.fill();
    }
  };
}
