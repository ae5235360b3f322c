"""L99: whether the venue holds what we think it holds, and whether the chart decided what we decided.

Rule: position_gap = reported - expected; a gap within ROUNDING of the larger of the two is none.
    since = bars in a row with a gap, this one included; mismatch = 1 when it exceeds `grace`.
    pine_mismatch likewise for bars in a row on which pine_word is not mirror_word; a bar without a pine_word neither
    counts nor breaks the row, and clears nothing.
"""

from math import fabs, isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Bars, Flag, Opt, Real, SignedQty

ROUNDING = 1e-9


class Params(Parameters):
    grace: int = param(2, 0, 100, "bars that a difference may last")


class Memory(State):
    since: float = 0.0
    pine_since: float = 0.0


class Out(NamedTuple):
    position_gap: SignedQty
    mismatch: Flag
    pine_mismatch: Flag
    since: Bars


@layer(
    99,
    "reconciliation",
    domain="execution",
    source="modules.md (reconcilepositions); StratoQuant section 12.4",
    loop="closed",
    origins={
        "expected": "account.position",
        "reported": "account.reported",
    },
)
def step(
    s: Memory, p: Params, expected: SignedQty, reported: SignedQty, mirror_word: Real, pine_word: Opt[Real]
) -> Out:
    gap = reported - expected
    if fabs(gap) <= ROUNDING * max(fabs(reported), fabs(expected)):
        gap = 0.0
    s.since = s.since + 1.0 if gap != 0.0 else 0.0
    if not isnan(pine_word):
        s.pine_since = s.pine_since + 1.0 if pine_word != mirror_word else 0.0
    mismatch = s.since > p.grace
    pine_mismatch = s.pine_since > p.grace
    return Out(gap, 1.0 if mismatch else 0.0, 1.0 if pine_mismatch else 0.0, s.since)
