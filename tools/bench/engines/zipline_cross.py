# /// script
# requires-python = ">=3.11"
# dependencies = ["zipline-reloaded==3.2.1", "numpy==2.4.6", "pandas==2.3.3"]
# ///
"""The SMA cross in zipline: minutes around the clock, one share long or short."""

import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

os.environ["ZIPLINE_ROOT"] = tempfile.mkdtemp()

import numpy as np
import pandas as pd
from zipline import run_algorithm
from zipline.api import order_target, set_commission, set_slippage, symbol
from zipline.data.bundles import ingest, register
from zipline.finance.commission import PerDollar
from zipline.finance.slippage import NoSlippage
from zipline.utils.calendar_utils import get_calendar

FAST, SLOW, FEE, CASH = 50, 400, 0.0005, 100_000.0
DAY = 1_440
FIRST = pd.Timestamp("2022-01-03")


def minutes(folder: Path) -> pd.DataFrame:
    """Whole days of bars; volumes so large that no order is split, prices small enough for its integer storage."""
    columns = {name: np.load(folder / f"{name}.npy") for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns).iloc[: len(columns["close"]) // DAY * DAY]
    frame[["open", "high", "low", "close"]] *= 100.0 / frame["close"].iloc[0]
    frame["volume"] = 1_000_000
    frame.index = pd.date_range(FIRST, periods=len(frame), freq="min", tz="UTC")
    return frame


def bundle_of(frame: pd.DataFrame, last: pd.Timestamp):  # type: ignore[no-untyped-def]
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    daily = frame.resample("1D").agg(how)
    daily.index = daily.index.tz_localize(None)
    equity = {
        "symbol": ["X"],
        "asset_name": ["X"],
        "start_date": [FIRST],
        "end_date": [last],
        "auto_close_date": [last + pd.Timedelta(days=1)],
        "exchange": ["X"],
    }
    exchange = pd.DataFrame({"exchange": ["X"], "canonical_name": ["X"], "country_code": ["US"]})

    def write(environ, assets, minute, day, adjustments, *rest):  # type: ignore[no-untyped-def]
        assets.write(equities=pd.DataFrame(equity), exchanges=exchange)
        minute.write([(0, frame)], show_progress=False)
        day.write([(0, daily)], show_progress=False)
        adjustments.write()

    return write


def start(context):  # type: ignore[no-untyped-def]
    context.asset = symbol("X")
    context.prices, context.fast, context.slow, context.wanted, context.trades = [], 0.0, 0.0, 0, 0
    set_commission(PerDollar(FEE))
    set_slippage(NoSlippage())


def each_minute(context, data):  # type: ignore[no-untyped-def]
    price = data.current(context.asset, "close")
    seen = context.prices
    seen.append(price)
    context.fast += price - (seen[-FAST - 1] if len(seen) > FAST else 0.0)
    context.slow += price - (seen[-SLOW - 1] if len(seen) > SLOW else 0.0)
    if len(seen) < SLOW:
        return
    wanted = 1 if context.fast / FAST > context.slow / SLOW else -1
    if wanted != context.wanted:
        context.wanted = wanted
        context.trades += 1
        order_target(context.asset, wanted)


def main() -> None:
    frame = minutes(Path(sys.argv[1]))
    days = len(frame) // DAY
    last = FIRST + pd.Timedelta(days=days - 1)
    register(
        "x", bundle_of(frame, last), calendar_name="24/7", start_session=FIRST, end_session=last, minutes_per_day=DAY
    )
    ingest("x", show_progress=False)
    begin = perf_counter()
    found = run_algorithm(
        start=FIRST,
        end=last,
        initialize=start,
        handle_data=each_minute,
        capital_base=CASH,
        data_frequency="minute",
        bundle="x",
        trading_calendar=get_calendar("24/7"),
        benchmark_returns=pd.Series(0.0, index=pd.date_range(FIRST, last)),
    )
    seconds = perf_counter() - begin
    trades = int(found["orders"].map(len).sum())
    print(json.dumps({"seconds": seconds, "bars": len(frame), "trades": trades}))


if __name__ == "__main__":
    main()
