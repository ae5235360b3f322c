'use strict';
const { createChart, createSeriesMarkers, AreaSeries, BaselineSeries, CandlestickSeries, LineSeries,
  LineStyle, LineType } = LightweightCharts;
const data = JSON.parse(document.getElementById('data').textContent);
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const UP = '#089981', DOWN = '#f23645', VETO = '#ff9800', BLUE = '#2962ff';
const REGIMES = ['#90a4ae', '#fbc02d', '#43a047', '#e53935', '#fb8c00', '#8e24aa', '#00acc1', '#6d4c41'];

const plain = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const chart = createChart(document.getElementById('chart'), {
  autoSize: true,
  layout: { background: { color: colour('back') }, textColor: colour('soft'), fontSize: 11,
    panes: { separatorColor: colour('line'), enableResize: true } },
  grid: { vertLines: { color: colour('grid') }, horzLines: { color: colour('grid') } },
  rightPriceScale: { borderColor: colour('line') },
  timeScale: { borderColor: colour('line'), timeVisible: true, secondsVisible: false, rightOffset: 3 },
  crosshair: { mode: 0 },
});
const known = data.bars.filter((bar) => bar.c !== undefined);
const digits = Math.max(0, Math.min(8, 5 - Math.floor(Math.log10(Math.abs(known.at(-1)?.c ?? 1)))));
const format = { type: 'price', precision: digits, minMove: 10 ** -digits };
const points = (field, change = (v) => v) =>
  data.bars.map((bar) => (bar[field] === undefined ? { time: bar.t } : { time: bar.t, value: change(bar[field]) }));

function drawRegimes() {
  const series = chart.addSeries(AreaSeries, { priceScaleId: 'regime', priceLineVisible: false, lastValueVisible: false,
    crosshairMarkerVisible: false, lineType: LineType.WithSteps, autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 1 } }) });
  series.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 }, visible: false });
  series.setData(data.bars.map((bar) => {
    const shade = bar.regime === undefined ? 'transparent' : `${REGIMES[data.regimes.indexOf(bar.regime) % REGIMES.length]}24`;
    return { time: bar.t, value: 1, lineColor: 'transparent', topColor: shade, bottomColor: shade };
  }));
  document.getElementById('regimes').innerHTML = data.regimes
    .map((name, k) => `<i style="background:${REGIMES[k % REGIMES.length]}"></i>${plain(name.replaceAll('_', ' '))}`).join('');
}

function drawPrice() {
  const candles = chart.addSeries(CandlestickSeries, { upColor: UP, downColor: DOWN, wickUpColor: UP, wickDownColor: DOWN,
    borderVisible: false, priceFormat: format, priceLineVisible: false });
  candles.setData(known.map((bar) => ({ time: bar.t, open: bar.o ?? bar.c, high: bar.h ?? bar.c, low: bar.l ?? bar.c, close: bar.c })));
  const level = { lineWidth: 1, lineType: LineType.WithSteps, lineStyle: LineStyle.Dashed, priceLineVisible: false,
    lastValueVisible: false, crosshairMarkerVisible: false, priceFormat: format };
  // the library joins over what is missing: such a stretch keeps the last level and is drawn in no colour
  const held = (field, shade) => {
    const path = [];
    for (const bar of data.bars) {
      const there = Boolean(bar.target) && bar[field] !== undefined;
      if (there || path.length) path.push({ time: bar.t, value: there ? bar[field] : path.at(-1).value, color: there ? shade : 'transparent' });
    }
    return path;
  };
  chart.addSeries(LineSeries, level).setData(held('stop', DOWN));
  chart.addSeries(LineSeries, level).setData(held('take', BLUE));
  createSeriesMarkers(candles, markers());
}

// One marker a bar on which the position is entered, left or turned, and one where a wish begins to be vetoed.
function markers() {
  const found = [];
  let position = 0, vetoed = false;
  for (const bar of data.bars) {
    for (const fill of bar.fills ?? []) {
      const before = position;
      position += fill.side * fill.qty;
      if (Math.abs(position) < 1e-9 * fill.qty) position = 0;
      const label = before === 0 ? (position > 0 ? 'long' : 'short') : position === 0 ? fill.reason : '';
      if (label) {
        found.push({ time: bar.t, position: fill.side > 0 ? 'belowBar' : 'aboveBar', color: fill.side > 0 ? UP : DOWN,
          shape: fill.side > 0 ? 'arrowUp' : 'arrowDown', text: label });
      }
    }
    const blocked = Boolean(bar.direction) && !bar.target && (bar.vetoes?.length ?? 0) > 0;
    if (blocked && !vetoed) found.push({ time: bar.t, position: 'aboveBar', color: VETO, shape: 'circle', text: '', size: 0.6 });
    vetoed = blocked;
  }
  return found;
}

function drawAccount() {
  const thin = { priceLineVisible: false, lineWidth: 1 };
  chart.addSeries(LineSeries, { ...thin, color: BLUE, title: 'equity', priceFormat: { type: 'price', precision: 0, minMove: 1 } }, 1)
    .setData(points('equity'));
  chart.addSeries(BaselineSeries, { ...thin, baseValue: { type: 'price', price: 0 }, bottomLineColor: DOWN, topLineColor: DOWN,
    bottomFillColor1: `${DOWN}11`, bottomFillColor2: `${DOWN}44`, title: 'drawdown %', priceFormat: { type: 'price', precision: 1, minMove: 0.1 } }, 2)
    .setData(points('drawdown', (v) => -100 * v));
  chart.panes()[0].setStretchFactor(6);
  chart.panes()[1].setStretchFactor(1.3);
  chart.panes()[2].setStretchFactor(1.1);
}

function tell(bar) {
  const parts = [];
  const add = (name, value) => value !== undefined && parts.push(`${name} <b>${plain(value)}</b>`);
  add('', new Date(bar.t * 1000).toISOString().slice(0, 16).replace('T', ' '));
  for (const [name, field] of [['O', 'o'], ['H', 'h'], ['L', 'l'], ['C', 'c']]) add(name, bar[field]?.toFixed(digits));
  add('regime', bar.regime?.replaceAll('_', ' '));
  add('direction', bar.direction === undefined ? undefined : ['short', 'flat', 'long'][bar.direction + 1]);
  add('edge', bar.edge?.toFixed(2));
  add('confidence', bar.confidence?.toFixed(2));
  add('pattern', bar.direction ? bar.pattern?.replaceAll('_', ' ') : undefined);
  add('stop', bar.target ? bar.stop?.toFixed(digits) : undefined);
  add('take', bar.target ? bar.take?.toFixed(digits) : undefined);
  if (bar.vetoes) parts.push(`<span class="veto">${plain(bar.vetoes.join(', '))}</span>`);
  document.getElementById('legend').innerHTML = parts.join(' &nbsp; ');
}

drawRegimes();
drawPrice();
if (data.bars.some((bar) => bar.equity !== undefined)) drawAccount();
const byTime = new Map(data.bars.map((bar) => [bar.t, bar]));
chart.subscribeCrosshairMove(({ time }) => tell(byTime.get(time) ?? data.bars.at(-1)));
tell(data.bars.at(-1));
chart.timeScale().fitContent();
