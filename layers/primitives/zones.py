"""Price zones that wait for the price to come back: the last few on one side, each with two edges and a worth."""

from math import nan

from stratoquant.graph.language import Array, State, array, kernel

KEPT = 8


class Zones(State):
    """Memory of zones on one side. near: the edge that a return meets first, missing once the zone is dead or spent.

    found_near, found_far, found_worth: of the newest zone that was met last.
    """

    near: Array = array(KEPT, nan)
    far: Array = array(KEPT, nan)
    worth: Array = array(KEPT, nan)
    born: Array = array(KEPT, nan)
    head: int = 0
    step: int = 0
    found_near: float = nan
    found_far: float = nan
    found_worth: float = nan


@kernel
def add_zone(s: Zones, near: float, far: float, worth: float) -> float:
    """Adds a zone in place of the oldest of KEPT; call it after `meet_zones` of the same bar, whose zone it is."""
    s.near[s.head] = near
    s.far[s.head] = far
    s.worth[s.head] = worth
    s.born[s.head] = s.step
    s.head = (s.head + 1) % KEPT
    return near


@kernel
def meet_zones(s: Zones, side: float, reach: float, close: float, lost: float, live: int) -> float:
    """Takes in a bar of which `reach` went farthest towards the zones, which lie below for side 1 and above for -1.

    A zone is dead when it is older than `live` bars or `lost` is at its far edge or beyond. It is met, and spent, when
    the reach is beyond its near edge and the close is not back at it or behind. Returns 1 when one was met, else 0.
    """
    s.step += 1
    met = 0.0
    for i in range(KEPT):
        j = (s.head + i) % KEPT  # the oldest first, so that the newest is found
        if s.step - s.born[j] > live or side * (lost - s.far[j]) <= 0.0:
            s.near[j] = nan
        elif side * (reach - s.near[j]) < 0.0 and side * (close - s.near[j]) > 0.0:
            s.found_near = s.near[j]
            s.found_far = s.far[j]
            s.found_worth = s.worth[j]
            s.near[j] = nan
            met = 1.0
    return met
