"""The last swings of a market: confirmed pivots that are highs and lows by turns."""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class Swings(State):
    """Memory of the last swings, as many as it is sized for. A swing is a pivot; its date is the bar it stands on.

    count: all swings so far; now: the number of this bar, counted from 1; side: of the last swing, +1 a high, -1 a
    low, 0 until there is one.
    """

    values: Array = array()
    dates: Array = array()
    count: int = 0
    now: int = 0
    side: float = 0.0


@kernel
def take_pivots(s: Swings, top: float, bottom: float, strength: int) -> bool:
    """Takes in a bar and the pivots of that strength it confirmed (NaN for none); True if a swing is new.

    Of pivots of one side in a row only the farthest is a swing, of equal ones the first. Where a bar is a pivot on
    both sides, the one that turns the last swing comes first; as the very first swing such a bar counts for neither.
    """
    s.now += 1
    fresh = False
    if isnan(top) or isnan(bottom):
        if not isnan(top):
            fresh = take_swing(s, top, 1.0, strength)
        elif not isnan(bottom):
            fresh = take_swing(s, bottom, -1.0, strength)
    elif s.side > 0.0:
        turned = take_swing(s, bottom, -1.0, strength)
        fresh = take_swing(s, top, 1.0, strength) or turned
    elif s.side < 0.0:
        turned = take_swing(s, top, 1.0, strength)
        fresh = take_swing(s, bottom, -1.0, strength) or turned
    return fresh


@kernel
def take_swing(s: Swings, value: float, side: float, strength: int) -> bool:
    """Adds a pivot of a side, or puts it in the place of the last one when that is of the same side and not so far."""
    turns = side != s.side
    fresh = turns or side * (value - swing_value(s, 0)) > 0.0
    if turns:
        s.count += 1
        s.side = side
    if fresh:
        place = (s.count - 1) & (len(s.values) - 1)
        s.values[place] = value
        s.dates[place] = s.now - strength
    return fresh


@kernel
def swing_value(s: Swings, i: int) -> float:
    """The price of the swing i before the last one; missing until there are so many."""
    return s.values[(s.count - 1 - i) & (len(s.values) - 1)] if i < s.count else nan


@kernel
def swing_date(s: Swings, i: int) -> float:
    """The bar of the swing i before the last one; missing until there are so many."""
    return s.dates[(s.count - 1 - i) & (len(s.values) - 1)] if i < s.count else nan


@kernel
def newest_of(s: Swings, side: float, strength: int) -> int:
    """How many swings ago the last one of a side was, if it is new on this bar; else -1."""
    i = 0 if s.side == side else 1
    return i if swing_date(s, i) == s.now - strength else -1
