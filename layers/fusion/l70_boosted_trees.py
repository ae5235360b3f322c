"""L70: the chance of a rise by boosted trees over a vector of features.

Rule: margin = sum over the trees of the value of the leaf that the features lead to, a missing one by the split's
    default side; p_up = 1 / (1 + e^-margin).
Note: there is no model yet, and none is made up: ok = 0, p_up and margin are missing. Readers take them as optional.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Flag, Prob, Real, Vec


class Out(NamedTuple):
    p_up: Prob
    margin: Real
    ok: Flag


@layer(
    70,
    "boosted_trees",
    domain="fusion",
    source="Quantum Trader 1.1; Chen and Guestrin 2016; Ke et al. 2017",
    oracle="xgboost and lightgbm predict, once there is a model",
)
def step(features: Vec[64, Real]) -> Out:
    return Out(nan, nan, 0.0)
