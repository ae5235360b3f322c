"""What steers a session: one record that the compiled step reads and writes at each bar."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stratoquant.graph.account import VENUE_PORTS

CONTROL = np.dtype(
    [
        ("simulate", np.int64),  # 1: orders meet the venue of the plan; 0: the account is kept from outside
        ("audit", np.int64),  # 1: hash every edge of every step and watch the ranges
        ("row", np.int64),  # of `edges`, that of the last bar
        ("kill", np.float64),
        ("reset", np.float64),
        *((name, np.float64) for name in VENUE_PORTS),  # from the settings; missing where the venue does not tell
        ("ruined", np.int64),  # 1: equity is used up, and the loop stopped behind that bar
        ("digest", np.int64),
        ("violations", np.int64),
        ("violation_time", np.float64),
        ("violation_symbol", np.int64),
        ("violation_column", np.int64),
        ("violation_value", np.float64),
    ]
)


def new_control(settings: Any, *, simulate: bool, audit: bool) -> npt.NDArray[np.void]:
    """The record at the start of a session. settings: of the venue."""
    control = np.zeros(1, CONTROL)
    control["simulate"], control["audit"] = simulate, audit
    for name in VENUE_PORTS:
        control[name] = getattr(settings, name, np.nan)
    return control
