# /// script
# requires-python = ">=3.11"
# dependencies = ["csp==0.19.1", "numpy==2.4.6", "pandas==3.1.1"]
# ///
"""One tick through a csp graph of 150 nodes in C++: exponential averages in chains, in simulation."""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, perf_counter_ns

import csp
import numpy as np
from csp import stats, ts

CHAINS, LENGTH, WARM = 15, 10, 1_000
STAMPS: list[int] = []


@csp.node
def arrived(values: [ts[float]]):  # type: ignore[valid-type]
    if csp.ticked(values):
        STAMPS.append(perf_counter_ns())


@csp.graph
def program(close: object, ticks: int):
    start = datetime(2022, 1, 1)
    source = csp.curve(float, [(start + timedelta(minutes=k), float(close[k])) for k in range(ticks)])
    ends = []
    for chain in range(CHAINS):
        value = source
        for link in range(LENGTH):
            value = stats.ema(value, span=5 + chain + link, adjust=False)
        ends.append(value)
    arrived(ends)


def main() -> None:
    close = np.load(Path(sys.argv[1]) / "close.npy")
    ticks = min(len(close), 20_000)
    begin = perf_counter()
    csp.run(program, close, ticks, starttime=datetime(2022, 1, 1), endtime=timedelta(minutes=ticks))
    seconds = perf_counter() - begin
    gaps = np.diff(STAMPS[WARM:]) / 1e3
    p50, p99 = (float(np.percentile(gaps, q)) for q in (50, 99))
    print(json.dumps({"seconds": seconds, "p50": p50, "p99": p99, "what": f"{CHAINS * LENGTH} nodes"}))


if __name__ == "__main__":
    main()
