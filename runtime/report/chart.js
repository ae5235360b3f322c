// A canvas of stacked panes over one time axis. Charts that share a view move and point together. Knows no trading.
"use strict";

const GUTTER = 62, FOOT = 24, PANE_GAP = 10, PANE_HEAD = 22;
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE)
  .concat([1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 4, 7, 14].map((n) => n * DAY));

// What stretch of time is shown, and where the pointer is.
class View {
  constructor(from, to, shortest) {
    Object.assign(this, { full: [from, to], from, to, shortest, cursor: null, watchers: [] });
  }

  show(from, to) {
    const [first, last] = this.full;
    const length = Math.min(Math.max(to - from, this.shortest), last - first);
    this.from = Math.min(Math.max(from, first), last - length);
    this.to = this.from + length;
    this.changed();
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    this.show(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  pan(share) {
    const step = (this.to - this.from) * share;
    this.show(this.from + step, this.to + step);
  }

  reset() { this.show(...this.full); }
  point(time) { this.cursor = time; this.changed(); }
  changed() { this.watchers.forEach((watch) => watch()); }
}

// Index of the last time at or before t, -1 before the first.
function indexAt(times, t) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1; else high = middle;
  }
  return low - 1;
}

function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(wanted, 1);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5, 10].find((n) => n * unit >= rough) || 10);
  const levels = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) levels.push(n * step + 0); // + 0: no negative zero
  return { levels, step };
}

function timeTicks(from, to, wanted) {
  const step = STEPS.find((s) => (to - from) / s <= wanted);
  const found = [];
  if (step) {
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) found.push(t);
    return found;
  }
  const months = (to - from) / (30.4 * DAY);
  const every = [1, 2, 3, 6, 12, 24, 60].find((n) => months / n <= wanted) || 120;
  const start = new Date(from);
  for (let m = start.getUTCFullYear() * 12 + start.getUTCMonth(); ; m++) {
    const t = Date.UTC(Math.floor(m / 12), m % 12);
    if (t > to) return found;
    if (m % every === 0 && t >= from) found.push(t);
  }
}

function tickLabel(t) {
  const at = new Date(t);
  if (t % DAY) return clockTime(t);
  if (at.getUTCDate() > 1) return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
  return at.getUTCMonth() ? MONTHS[at.getUTCMonth()] : String(at.getUTCFullYear());
}

// pane: {title, weight, format, axis(value, step), domain(from, to), layers: [draw(frame)], readout(time) -> [[text, colour]]}
class Chart {
  constructor(host, view, label, panes) {
    Object.assign(this, { host, view, panes, pointer: null, drag: null, queued: false });
    this.canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": label });
    this.context = this.canvas.getContext("2d");
    this.inks = Object.fromEntries(["text", "muted", "faint", "line", "line-strong", "panel", "accent"].map((n) => [n, colour(n)]));
    this.font = getComputedStyle(document.body).fontFamily;
    host.replaceChildren(this.canvas);
    view.watchers.push(() => this.queue());
    new ResizeObserver(() => this.queue()).observe(host);
    this.listen();
    this.draw();
  }

  setPanes(panes) { this.panes = panes; this.queue(); }

  queue() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.draw(); });
  }

  timeAt(x) { return this.view.from + (x / this.plotWidth) * (this.view.to - this.view.from); }
  xOf(t) { return ((t - this.view.from) / (this.view.to - this.view.from)) * this.plotWidth; }

  listen() {
    const c = this.canvas, view = this.view;
    const place = (event) => { const box = c.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    c.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      this.pointer = [x, y];
      if (this.drag && this.drag.pan) {
        const moved = ((this.drag.x - x) / this.plotWidth) * (view.to - view.from);
        this.drag.x = x;
        view.show(view.from + moved, view.to + moved);
      } else if (this.drag) this.drag.to = x;
      view.point(x >= 0 && x <= this.plotWidth ? this.timeAt(x) : null);
    });
    c.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return;
      const [x] = place(event);
      this.drag = { x, to: x, pan: event.shiftKey };
      c.setPointerCapture(event.pointerId);
    });
    c.addEventListener("pointerup", () => {
      const drag = this.drag;
      this.drag = null;
      if (drag && !drag.pan && Math.abs(drag.to - drag.x) > 6) {
        view.show(this.timeAt(Math.min(drag.x, drag.to)), this.timeAt(Math.max(drag.x, drag.to)));
      } else this.queue();
    });
    c.addEventListener("pointerleave", () => { this.pointer = null; view.point(null); });
    c.addEventListener("dblclick", () => view.reset());
    c.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      view.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(place(event)[0]));
    }, { passive: false });
    const keys = { ArrowLeft: () => view.pan(-0.2), ArrowRight: () => view.pan(0.2), "+": () => view.zoom(0.6),
      "=": () => view.zoom(0.6), "-": () => view.zoom(1.6), Escape: () => view.reset() };
    c.addEventListener("keydown", (event) => {
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
  }

  draw() {
    const width = this.host.clientWidth, height = this.host.clientHeight, dots = window.devicePixelRatio || 1;
    if (!width || !height) return;
    const c = this.canvas, ctx = this.context;
    if (c.width !== Math.round(width * dots) || c.height !== Math.round(height * dots)) {
      c.width = Math.round(width * dots);
      c.height = Math.round(height * dots);
      c.style.height = `${height}px`;
    }
    this.plotWidth = width - GUTTER;
    ctx.setTransform(dots, 0, 0, dots, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = `11px ${this.font}`;
    ctx.textBaseline = "middle";
    const room = height - FOOT - PANE_GAP * (this.panes.length - 1);
    const weights = this.panes.reduce((sum, pane) => sum + pane.weight, 0);
    const marks = timeTicks(this.view.from, this.view.to, Math.max(3.5, this.plotWidth / 105));
    let top = 0;
    for (const pane of this.panes) {
      const bottom = top + (room * pane.weight) / weights;
      this.drawPane(pane, top, bottom, marks);
      top = bottom + PANE_GAP;
    }
    this.drawTimes(marks, height);
    this.drawCursor(height);
  }

  drawPane(pane, top, bottom, marks) {
    const ctx = this.context, inks = this.inks, wide = this.plotWidth, start = top + PANE_HEAD;
    let [low, high] = pane.domain(this.view.from, this.view.to) || [0, 1];
    if (!(high > low)) { const room = Math.abs(low) * 0.01 || 1; low -= room; high += room; }
    const frame = { ctx, wide, top: start, bottom, from: this.view.from, to: this.view.to, x: (t) => this.xOf(t),
      y: (v) => bottom - ((v - low) / (high - low)) * (bottom - start) };
    pane.frame = { ...frame, low, high, start };
    ctx.strokeStyle = inks.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const t of marks) { const x = Math.round(frame.x(t)) + 0.5; ctx.moveTo(x, start); ctx.lineTo(x, bottom); }
    const { levels, step } = ticks(low, high, Math.max(2, (bottom - start) / 44));
    for (const v of levels) { const y = Math.round(frame.y(v)) + 0.5; ctx.moveTo(0, y); ctx.lineTo(wide, y); }
    ctx.stroke();
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, start, wide, bottom - start);
    ctx.clip();
    for (const layer of pane.layers) layer(frame);
    ctx.restore();
    ctx.fillStyle = inks.muted;
    ctx.textAlign = "left";
    for (const v of levels) {
      const y = frame.y(v);
      if (y > start + 5 && y < bottom - 4) ctx.fillText(pane.axis(v, step), wide + 8, y);
    }
    ctx.strokeStyle = inks["line-strong"];
    ctx.beginPath();
    ctx.moveTo(0, Math.round(bottom) + 0.5);
    ctx.lineTo(wide, Math.round(bottom) + 0.5);
    ctx.stroke();
    this.drawReadout(pane, top);
  }

  drawReadout(pane, top) {
    const ctx = this.context, y = top + PANE_HEAD / 2 - 2;
    ctx.fillStyle = this.inks.muted;
    ctx.fillText(pane.title, 0, y);
    let x = ctx.measureText(pane.title).width + 14;
    const time = this.view.cursor ?? this.view.to;
    for (const [text, ink] of pane.readout(time)) {
      const wide = ctx.measureText(text).width;
      if (x + wide > this.plotWidth + GUTTER) break;
      ctx.fillStyle = ink || this.inks.text;
      ctx.fillText(text, x, y);
      x += wide + 12;
    }
  }

  drawTimes(marks, height) {
    const ctx = this.context;
    ctx.fillStyle = this.inks.muted;
    ctx.textAlign = "center";
    for (const t of marks) {
      const label = tickLabel(t), half = ctx.measureText(label).width / 2, x = this.xOf(t);
      if (x - half > 0 && x + half < this.plotWidth + GUTTER) ctx.fillText(label, x, height - FOOT / 2 + 3);
    }
    ctx.textAlign = "left";
  }

  drawCursor(height) {
    const ctx = this.context, time = this.view.cursor;
    if (this.drag && !this.drag.pan) {
      ctx.fillStyle = "rgba(143, 180, 232, 0.14)";
      ctx.fillRect(Math.min(this.drag.x, this.drag.to), 0, Math.abs(this.drag.to - this.drag.x), height - FOOT);
    }
    if (time === null || time < this.view.from || time > this.view.to) return;
    const x = Math.round(this.xOf(time)) + 0.5;
    ctx.strokeStyle = this.inks.faint;
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(x, 0);
    ctx.lineTo(x, height - FOOT);
    const pane = this.pointer && this.panes.find((p) => this.pointer[1] >= p.frame.start && this.pointer[1] <= p.frame.bottom);
    if (pane) { const y = Math.round(this.pointer[1]) + 0.5; ctx.moveTo(0, y); ctx.lineTo(this.plotWidth, y); }
    ctx.stroke();
    ctx.setLineDash([]);
    if (pane) {
      const { low, high, start, bottom } = pane.frame;
      const value = low + ((bottom - this.pointer[1]) / (bottom - start)) * (high - low);
      this.tag(pane.format(value), this.plotWidth + 4, this.pointer[1], "left");
    }
    this.tag(minuteOf(Math.round(time / 1000) * 1000), x, height - FOOT / 2 + 2, "center");
  }

  tag(text, x, y, align) {
    const ctx = this.context, wide = ctx.measureText(text).width + 10;
    const left = align === "center" ? Math.min(Math.max(x - wide / 2, 0), this.plotWidth + GUTTER - wide) : x;
    ctx.fillStyle = this.inks["line-strong"];
    ctx.fillRect(left, y - 9, wide, 18);
    ctx.fillStyle = this.inks.text;
    ctx.fillText(text, left + 5, y + 0.5);
  }
}

function zoomTools(view) {
  const tool = (text, label, act) => el("button", { class: "tool", type: "button", "aria-label": label, title: label, onclick: act }, text);
  return [
    tool("−", "Zoom out", () => view.zoom(1.8)),
    tool("+", "Zoom in", () => view.zoom(0.55)),
    tool("Whole period", "Show the whole period", () => view.reset()),
  ];
}
