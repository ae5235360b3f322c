"""L97: whether a command may be sent now without breaking the venue's limit on messages.

Rule: a bucket holds at most `burst` tokens, is full at first, and gains per_minute / 60000 a millisecond of event
    time; time that stands still or goes back adds none. Placing, replacing and cancelling cost a token each. A
    command goes when tokens - 1 >= floor and weight_used + 1 <= limit. Exits (reduce_only = 1, and cancels) have
    floor = 0 and limit = per_minute; all else floor = reserve (burst - 1), limit = per_minute - reserve
    (per_minute - 1), so that the reserve is for exits alone and never all there is. weight_used below 0 or missing
    is 0. What is none of the three is keep. send = 1 when a command goes. tokens: what is left. wait_ms: until a
    command that does not go could: the time to gain what is missing, or the rest of the minute where the weight
    stands in the way, the longer of both.
    released = the command, or keep in place of one that does not go.

Note: the catalogue lacks `reduce_only`, without which no reserve can be kept, and `released`, which tells the venue
    to do nothing. One bucket a symbol: where a venue counts them together, per_minute is a symbol's share.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.origin import DECISION
from stratoquant.graph.types import Flag, Label, Opt, Real, TimeMs
from stratoquant.layers.execution.order_words import CANCEL, COMMANDS, KEEP
from stratoquant.layers.primitives.scalars import or_else

MINUTE = 60000.0
ROUNDING = 1e-9
"""Of a token."""


class Params(Parameters):
    per_minute: int = param(1200, 1, 100000, "messages that the venue takes in a minute")
    burst: int = param(20, 1, 1000, "messages that it takes at once")
    reserve: float = param(0.2, 0, 0.9, "share of both that is kept for exits")


class Memory(State):
    tokens: float = nan
    time: float = nan


class Out(NamedTuple):
    send: Flag
    tokens: Real
    wait_ms: Real
    released: Label


@layer(
    97,
    "rate_limit",
    domain="execution",
    source="StratoQuant section 12.1",
    loop="closed",
    labels={"released": COMMANDS},
    says="{released}, {tokens} messages left",
    origins={
        "time": "clock.time",
        "command": (DECISION, "L89.command"),
        "reduce_only": (DECISION, "L5.reduce_only"),
    },
    sends={"command": "released"},
)
def step(s: Memory, p: Params, time: TimeMs, command: Label, weight_used: Opt[Real], reduce_only: Opt[Flag]) -> Out:
    a_token = MINUTE / p.per_minute
    if s.time == s.time:
        s.tokens = min(s.tokens + max(time - s.time, 0.0) / a_token, float(p.burst))
        s.time = max(time, s.time)
    else:
        s.tokens = float(p.burst)
        s.time = time
    if command == KEEP or command > CANCEL:
        return Out(0.0, s.tokens, 0.0, KEEP)
    spared = 0.0 if reduce_only == 1.0 or command == CANCEL else p.reserve
    lacking = spared * (p.burst - 1.0) + 1.0 - s.tokens
    over = max(or_else(weight_used, 0.0), 0.0) + 1.0 - (p.per_minute - spared * (p.per_minute - 1.0))
    if lacking <= ROUNDING and over <= 0.0:
        s.tokens -= 1.0
        return Out(1.0, s.tokens, 0.0, command)
    wait = max(lacking * a_token, 0.0)
    if over > 0.0:
        wait = max(wait, MINUTE - time % MINUTE)
    return Out(0.0, s.tokens, wait, KEEP)
