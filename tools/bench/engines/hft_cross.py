# /// script
# requires-python = ">=3.11"
# dependencies = ["hftbacktest==2.4.4", "numpy==2.2.6", "numba==0.68.1"]
# ///
"""The SMA cross in hftbacktest, which replays books: each close becomes a touch of one tick on either side."""

import json
import sys
from pathlib import Path
from time import perf_counter

import hftbacktest as hft
import numpy as np
from numba import njit

FAST, SLOW, SIZE, FEE = 50, 400, 0.1, 0.0005
MINUTE_NS = 60_000_000_000
TICK = 0.01
DEPTH = 1_000.0


def touches(close: np.ndarray) -> np.ndarray:
    """Four events a bar: the old bid and ask go, the new ones come."""
    mid = np.round(close / TICK) * TICK
    before = np.concatenate(([mid[0]], mid[:-1]))
    table = np.zeros(4 * len(mid), dtype=hft.event_dtype)
    times = (np.arange(len(mid), dtype=np.int64) + 1) * MINUTE_NS
    base = hft.DEPTH_EVENT | hft.EXCH_EVENT | hft.LOCAL_EVENT
    changes = (
        (hft.BUY_EVENT, before - TICK, 0.0),
        (hft.SELL_EVENT, before + TICK, 0.0),
        (hft.BUY_EVENT, mid - TICK, DEPTH),
        (hft.SELL_EVENT, mid + TICK, DEPTH),
    )
    for place, (side, price, quantity) in enumerate(changes):
        rows = table[place::4]
        rows["ev"], rows["px"], rows["qty"] = base | side, price, quantity
        rows["exch_ts"] = rows["local_ts"] = times
    return table


@njit
def follow(market, window):
    """Long above, short below; returns how many orders were sent."""
    fast = slow = 0.0
    seen, orders = 0, 0
    while market.elapse(MINUTE_NS) == 0:
        depth = market.depth(0)
        price = 0.5 * (depth.best_bid + depth.best_ask)
        if not np.isfinite(price):
            continue
        fast += price - (window[(seen - FAST) % SLOW] if seen >= FAST else 0.0)
        slow += price - (window[seen % SLOW] if seen >= SLOW else 0.0)
        window[seen % SLOW] = price
        seen += 1
        if seen < SLOW:
            continue
        wanted = SIZE if fast / FAST > slow / SLOW else -SIZE
        gap = wanted - market.position(0)
        if gap > 0.5 * SIZE:
            market.submit_buy_order(0, orders, depth.best_ask, gap, hft.GTC, hft.MARKET, False)
            orders += 1
        elif gap < -0.5 * SIZE:
            market.submit_sell_order(0, orders, depth.best_bid, -gap, hft.GTC, hft.MARKET, False)
            orders += 1
        market.clear_inactive_orders(0)
    return orders


def run(events: np.ndarray, low: float, high: float) -> int:
    asset = (
        hft.BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(FEE, FEE)
        .tick_size(TICK)
        .lot_size(0.01)
        .roi_lb(low)
        .roi_ub(high)
    )
    market = hft.HashMapMarketDepthBacktest([asset])
    orders = follow(market, np.zeros(SLOW))
    market.close()
    return int(orders)


def main() -> None:
    folder = Path(sys.argv[1])
    close = np.load(folder / "close.npy")
    events = touches(close)
    bounds = float(close.min()) - 1.0, float(close.max()) + 1.0
    run(events[:4_000].copy(), *bounds)
    seconds, trades = [], 0
    for _ in range(3):
        start = perf_counter()
        trades = run(events, *bounds)
        seconds.append(perf_counter() - start)
    print(json.dumps({"seconds": float(np.median(seconds)), "trades": trades}))


if __name__ == "__main__":
    main()
