"""L100: one number that stands for every decision so far; two runs agree when their last numbers do.

Rule: the memory is a word h of 64 bits. A step takes in time, direction, edge, target, veto, order_side, qty, quality
    and health, in this order, by their bits: h = (h xor bits) * PRIME modulo 2^64, h = h xor (h >> 29). Both are
    one-to-one, so one changed bit in one field changes h for certain; several agree by chance once in 2^52.
    digest = the low 52 bits of h xor (h >> 32), a whole number that a double holds exactly.
    A missing field has bits of its own. seq = decisions so far; heartbeat = time; alive = 1 while time goes forward.

Note: only time is required, so that a decision with a missing field is recorded as well.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import State, float_bits, kernel, layer
from stratoquant.graph.types import Bitmask, Count, Flag, Opt, Qty, Real, Score, Side, SignedQty, TimeMs, Unit

SEED = 7526465159102573431
PRIME = 1099511628211
MISSING = 9221120237041090560
"""The bits of the quiet NaN, whichever NaN it is."""
LOW_35 = 34359738367
LOW_32 = 4294967295
LOW_52 = 4503599627370495


class Memory(State):
    word: int = SEED
    seq: int = 0
    time: float = nan


class Out(NamedTuple):
    seq: Count
    digest: Real
    heartbeat: TimeMs
    alive: Flag


@kernel
def mixed(word: int, x: float) -> int:
    """The word after a field; the shift is made unsigned by its mask."""
    bits = MISSING if isnan(x) else float_bits(x)
    word = (word ^ bits) * PRIME
    return word ^ ((word >> 29) & LOW_35)


@layer(
    100, "decision_record", domain="execution", source="this project; Fowler, Noll and Vo (the prime)", loop="closed"
)
def step(
    s: Memory,
    time: TimeMs,
    direction: Opt[Side],
    edge: Opt[Score],
    target: Opt[SignedQty],
    veto: Opt[Bitmask],
    order_side: Opt[Side],
    qty: Opt[Qty],
    quality: Opt[Unit],
    health: Opt[Unit],
) -> Out:
    word = mixed(s.word, time)
    word = mixed(word, direction)
    word = mixed(word, edge)
    word = mixed(word, target)
    word = mixed(word, veto)
    word = mixed(word, order_side)
    word = mixed(word, qty)
    word = mixed(word, quality)
    word = mixed(word, health)
    alive = isnan(s.time) or time > s.time
    s.word = word
    s.seq += 1
    s.time = time
    digest = (word ^ ((word >> 32) & LOW_32)) & LOW_52
    return Out(float(s.seq), float(digest), time, 1.0 if alive else 0.0)
