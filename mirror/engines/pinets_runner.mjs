// Runs a Pine script through PineTS: `node pinets_runner.mjs FOLDER JOB.json`, FOLDER holding node_modules/pinets.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, jobFile] = process.argv.slice(2);
const job = JSON.parse(fs.readFileSync(jobFile, 'utf8'));
const timeframe = { 1440: 'D', 10080: 'W' }[job.clock_ms / 60000] ?? String(job.clock_ms / 60000);
const say = console.error;
for (const word of ['log', 'warn', 'info', 'error']) console[word] = () => {};
globalThis.fetch = () => { throw new Error('a script has no business on the network'); };

function readBars() {
  const [, ...rows] = fs.readFileSync(job.bars, 'utf8').trim().split(/\r?\n/);
  return rows.map((row) => {
    const [openTime, open, high, low, close, volume] = row.split(',').map(Number);
    return { openTime, closeTime: openTime + job.clock_ms, open, high, low, close, volume,
      quoteAssetVolume: 0, numberOfTrades: 0, takerBuyBaseAssetVolume: 0, takerBuyQuoteAssetVolume: 0, ignore: 0 };
  });
}

function provider(bars) {
  const symbol = { ticker: 'MIRROR', tickerid: 'MIRROR', prefix: '', root: 'MIRROR', description: 'MIRROR', type: 'crypto',
    currency: 'USD', basecurrency: 'MIRROR', timezone: 'Etc/UTC', session: '24x7', mintick: 0.01, minmove: 1, pricescale: 100,
    pointvalue: 1, mincontract: job.lot };
  return { configure() {}, async getMarketData() { return bars.map((b) => ({ ...b })); }, async getSymbolInfo() { return symbol; } };
}

async function main() {
  const entry = createRequire(pathToFileURL(path.join(folder, 'x.js'))).resolve('pinets');
  const { PineTS, Indicator, Context } = await import(pathToFileURL(entry)).then((m) => (m.PineTS ? m : m.default));
  Context.prototype.precision = (value) => value; // the engine rounds to ten decimals of its own accord
  const bars = readBars();
  Date.now = () => bars.at(-1).closeTime; // every bar is a closed one
  const indicator = new Indicator(fs.readFileSync(job.script, 'utf8'), job.inputs);
  indicator.prepare();
  const engine = new PineTS(provider(bars), 'MIRROR', timeframe, bars.length);
  await engine.ready();
  const { plots } = await engine.run(indicator);
  const named = Object.entries(plots).filter(([name, plot]) => !/^__.*__$/.test(name) && Array.isArray(plot?.data));
  const byTime = named.map(([, plot]) => new Map(plot.data.map((d) => [d?.time, d?.value])));
  const cell = (v) => (typeof v === 'boolean' ? Number(v) : typeof v === 'number' && !Number.isNaN(v) ? v : '');
  const rows = bars.map((bar) => byTime.map((values) => cell(values.get(bar.openTime))).join(','));
  const head = named.map(([name]) => (/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join(',');
  fs.writeFileSync(job.out, [head, ...rows].join('\n') + '\n');
}

main().catch((problem) => {
  say(`PineTS: ${problem?.message ?? problem}`);
  process.exit(1);
});
