"""L81: how much of what each symbol wants fits under the caps of the whole account.

Rule: caps in multiples of equity, none if it is not positive. The symbols are served by rank (1 first; 0 or missing
    last, then by their order), each with size = min(|want|, per_symbol, what is left of gross, what is left of net
    in its direction), and none when all places are taken. allowed = sign(want) * size: never beyond what is wanted,
    so a reduction is never in the way of anything, and a holding has no claim against a better rank. Growth beyond
    what is held already also has to fit into the gross and the places that are free at this moment; room that
    another symbol still has to give up counts only once it has. A symbol whose want is missing is absent: allowed
    is missing, and what it holds is taken off all caps first. gross = sum |allowed| / equity and net = sum allowed
    / equity, with the holdings of absent symbols; 0 without equity. slots = places left.

Note: the net that is left counts only the symbols served before, so a later opposite one makes no room for it; of
    those in the other direction it counts what they may hold at this moment.
"""

from math import fabs, inf, isfinite, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, Cut, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Count, Notional, PerSymbol, Real
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    per_symbol: float = param(0.25, 0.01, 5, "greatest position of one symbol, multiple of equity")
    gross: float = param(1, 0.05, 30, "greatest sum of all positions, multiple of equity")
    net: float = param(1, 0.05, 30, "greatest difference of long and short, multiple of equity")
    max_positions: int = param(5, 1, 100, "symbols that may be held at a time")


class Memory(State):
    allowed: Array = array(PER_SYMBOL)
    served: Array = array(PER_SYMBOL)


class Out(NamedTuple):
    allowed: PerSymbol[Notional]
    gross: Real
    net: Real
    slots: Count


@kernel
def next_in_rank(served: Array, rank: Array) -> int:
    """The symbol with the best rank that is not served yet; -1 when all are."""
    best = -1
    lowest = inf
    for i in range(len(rank)):
        if served[i] == 0.0:
            place = rank[i] if rank[i] > 0.0 else inf
            if best < 0 or place < lowest:
                best = i
                lowest = place
    return best


@kernel
def known(x: float) -> float:
    """x, or 0 where it is missing or endless."""
    return x if isfinite(x) else 0.0


@layer(
    81,
    "exposure_caps",
    domain="risk",
    source="v6.0 map sections 3.2 and 4; StratoQuant section 9",
    scope="portfolio",
    loop="closed",
    says="wanted {want}, allowed {allowed}; gross {gross}, net {net} of equity, {slots} slots free",
    origins={
        "held": "account.reach",
        "equity": "account.equity",
    },
    cuts={"allowed": Cut(of="want")},
)
def step(
    s: Memory,
    p: Params,
    want: PerSymbol[Notional],
    held: PerSymbol[Notional],
    equity: Notional,
    rank: PerSymbol[Count],
) -> Out:
    capital = max(known(equity), 0.0)
    gross = 0.0
    up = 0.0  # longs in full, less the shorts that fit at this moment
    down = 0.0  # the reverse
    places = 0
    free = p.gross * capital
    free_places = p.max_positions
    for i in range(len(want)):
        holding = known(held[i])
        free -= fabs(holding)
        if holding != 0.0:
            free_places -= 1
        s.served[i] = 0.0
        s.allowed[i] = 0.0
        if not isfinite(want[i]):
            s.served[i] = 1.0
            s.allowed[i] = nan
            gross += fabs(holding)
            up += holding
            down -= holding
            if holding != 0.0:
                places += 1
        elif want[i] == 0.0:
            s.served[i] = 1.0
    i = next_in_rank(s.served, rank)
    while i >= 0:
        s.served[i] = 1.0
        direction = sign(want[i])
        holding = max(direction * known(held[i]), 0.0)
        size = min(fabs(want[i]), p.per_symbol * capital)
        size = min(size, min(p.gross * capital - gross, p.net * capital - (up if direction > 0.0 else down)))
        if size > 0.0 and places < p.max_positions:
            places += 1
            gross += size
            entitled = size
            if size > holding:
                grown = min(size - holding, max(free, 0.0))
                if known(held[i]) == 0.0:
                    if free_places <= 0:
                        grown = 0.0
                    elif grown > 0.0:
                        free_places -= 1
                free -= grown
                size = holding + grown
            up += entitled if direction > 0.0 else -size
            down += entitled if direction < 0.0 else -size
            s.allowed[i] = direction * size
        i = next_in_rank(s.served, rank)
    gross = 0.0
    net = 0.0
    places = 0
    for i in range(len(want)):
        size = known(held[i]) if isnan(s.allowed[i]) else s.allowed[i]
        gross += fabs(size)
        net += size
        if size != 0.0:
            places += 1
    scale = 1.0 / capital if capital > 0.0 else 0.0
    return Out(s.allowed, known(gross * scale), known(net * scale), max(p.max_positions - places, 0))
