# /// script
# requires-python = ">=3.11"
# dependencies = ["nautilus_trader==1.221.0", "pandas==2.3.3"]
# ///
"""One bar through sixteen of NautilusTrader's indicators in Rust, each called from Python."""

import json
import sys
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from nautilus_trader.core import nautilus_pyo3 as rust
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.objects import Price, Quantity

WARM, BARS = 1_000, 8_000
REDO_A_WINDOW = ("OnBalanceVolume", "LinearRegression")


def indicators() -> list[object]:
    kinds = rust.MovingAverageType
    return [
        rust.SimpleMovingAverage(20),
        rust.ExponentialMovingAverage(50),
        rust.RelativeStrengthIndex(14, kinds.Wilder),
        rust.AverageTrueRange(14, kinds.Wilder),
        rust.MovingAverageConvergenceDivergence(12, 26, kinds.Exponential),
        rust.BollingerBands(20, 2.0),
        rust.DonchianChannel(20),
        rust.Stochastics(14, 3),
        rust.OnBalanceVolume(20),
        rust.RateOfChange(10),
        rust.LinearRegression(30),
        rust.VolumeWeightedAveragePrice(),
        rust.KeltnerChannel(20, 2.0),
        rust.DirectionalMovement(14, kinds.Wilder),
        rust.CommodityChannelIndex(20, 0.015),
        rust.AdaptiveMovingAverage(10, 2, 30),
    ]


def main() -> None:
    folder = Path(sys.argv[1])
    columns = [np.load(folder / f"{n}.npy")[:BARS] for n in ("open", "high", "low", "close", "volume")]
    kind = BarType.from_str("X.SIM-1-MINUTE-LAST-EXTERNAL")
    bars = []
    for k, (opened, high, low, close, volume) in enumerate(zip(*columns, strict=True)):
        prices = (Price(float(v), 2) for v in (opened, high, low, close))
        made = Bar(kind, *prices, Quantity(float(volume), 2), k * 60_000_000_000, k * 60_000_000_000)
        bars.append(rust.Bar.from_dict(Bar.to_dict(made)))
    p50, p99 = percentiles(indicators(), bars)
    quick = [i for i in indicators() if type(i).__name__ not in REDO_A_WINDOW]
    quick_p50, quick_p99 = percentiles(quick, bars)
    without = {f"{len(quick)} that redo no window, p50": quick_p50, f"{len(quick)} that redo no window, p99": quick_p99}
    print(json.dumps({"p50": p50, "p99": p99, **without, "what": f"{len(indicators())} indicators"}))


def percentiles(chosen: list, bars: list) -> tuple[float, float]:
    handlers = [i.handle_bar for i in chosen]
    taken = np.empty(len(bars))
    for k, bar in enumerate(bars):
        start = perf_counter_ns()
        for handle in handlers:
            handle(bar)
        taken[k] = perf_counter_ns() - start
    p50, p99 = (float(np.percentile(taken[WARM:], q)) / 1e3 for q in (50, 99))
    return p50, p99


if __name__ == "__main__":
    main()
