"""A pattern that has fired and lives on for a while: its side, its quality and its age."""

from math import nan

from stratoquant.graph.language import State, kernel
from stratoquant.layers.primitives.scalars import clip


class Live(State):
    """Memory of the last signal; side 0 and age missing while none is alive."""

    side: float = 0.0
    quality: float = 0.0
    age: float = nan


@kernel
def live_on(s: Live, fired: float, quality: float, bars: int) -> float:
    """Takes the side that fired on this bar (0 for none) and lets an older one age, at most `bars` bars; returns it."""
    if fired != 0.0:
        s.side = fired
        s.quality = clip(quality, 0.0, 1.0)
        s.age = 0.0
    elif s.side != 0.0:
        s.age += 1.0
        if s.age >= bars:
            s.side = 0.0
            s.quality = 0.0
            s.age = nan
    return s.side
