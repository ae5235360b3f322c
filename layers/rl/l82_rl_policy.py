"""L82: what a learned policy would make of the position that risk is about to take.

Rule: action is the mode of the policy at the observation, without sampling; multiplier is the share of the proposal
    that it leaves, and 1 unless mode is 2 (active): mode 0 is off, mode 1 (shadow) is recorded and used by nobody.
Note: there is no policy yet, and none is made up: ok = 0, value is missing, multiplier = 1 and the action is to take
    the proposal as it is, whatever comes in.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Cut, Parameters, layer, param
from stratoquant.graph.types import Flag, Label, Real, Score, Unit, Vec

ACTIONS = ("as proposed", "half", "none")


class Params(Parameters):
    mode: int = param(1, 0, 2, "0 off, 1 shadow, 2 active")


class Out(NamedTuple):
    multiplier: Unit
    action: Label
    value: Real
    ok: Flag


@layer(
    82,
    "rl_policy",
    domain="rl",
    source="Schulman et al. 2017; Quantum Trader 1.1; modules.md trainrlmodel",
    oracle="the torch module, once there is one",
    loop="closed",
    labels={"action": ACTIONS},
    origins={"unrealised": "account.unrealised"},
    cuts={"multiplier": Cut()},
)
def step(p: Params, observation: Vec[64, Real], position: Score, unrealised: Real) -> Out:
    return Out(1.0, 0.0, nan, 0.0)
