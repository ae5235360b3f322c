"""L98: the decision of a bar packed into one whole number below 2^53, exact in a double, in JSON and in Pine.

Rule: from the highest field to the lowest, each a whole number below its width,
    field        width  holds
    direction    2^2    direction + 1
    confidence   2^7    round(127 confidence)
    label        2^4    the class, 15 for any above
    drawdown     2^7    round(127 drawdown)
    veto         2^16   the 16 lowest reasons
    sign         2^1    1 for a target below 0
    exponent     2^7    e + 63 of |target| = (1 + m / 512) 2^e; 0 for a target of 0, or one below 2^-62
    mantissa     2^9    m, cut off: the size is kept to one part in 512; sizes from 2^65 on read as the greatest
    and word = (((direction 2^7 + confidence) 2^4 + label) ...) 2^9 + mantissa. `unpack` is its inverse.
    changed = 1 when the word differs from the step before, and at the first. Rounding takes halves up. Values outside
    their range go in as its nearest end.
"""

from math import fabs, floor, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import State, kernel, layer
from stratoquant.graph.types import Bitmask, Flag, Label, Real, Side, SignedQty, Unit
from stratoquant.layers.primitives.scalars import clip, sign

FIELDS = {
    "direction": 2,
    "confidence": 7,
    "label": 4,
    "drawdown": 7,
    "veto": 16,
    "sign": 1,
    "exponent": 7,
    "mantissa": 9,
}
"""Bits of each field, from the highest to the lowest; 53 together."""


LEAST = 2.168404344971009e-19  # 2^-62
GREATEST = 36893488147419103232.0  # 2^65


class Memory(State):
    word: float = nan


class Out(NamedTuple):
    word: Real
    changed: Flag


def unpack(word: float) -> dict[str, float]:
    """The inputs of the step that gave `word`, as near as the layout keeps them."""
    rest, fields = int(word), {}
    for name, bits in reversed(FIELDS.items()):
        rest, fields[name] = divmod(rest, 1 << bits)
    size = (1.0 + fields["mantissa"] / 512.0) * 2.0 ** (fields["exponent"] - 63) if fields["exponent"] else 0.0
    return {
        "direction": fields["direction"] - 1,
        "confidence": fields["confidence"] / 127.0,
        "label": fields["label"],
        "target": -size if fields["sign"] else size,
        "veto": fields["veto"],
        "drawdown": fields["drawdown"] / 127.0,
    }


@kernel
def size_code(x: float) -> float:
    """Exponent and mantissa of a size as one whole number below 2^16, by exact divisions."""
    if x < LEAST:
        code = 0.0
    elif x >= GREATEST:
        code = 65535.0
    else:
        mantissa = x / LEAST
        exponent = 1.0
        power = 64.0
        factor = 18446744073709551616.0  # 2^power
        for _ in range(7):
            if mantissa >= factor:
                mantissa /= factor
                exponent += power
            power /= 2.0
            factor = sqrt(factor)
        code = exponent * 512.0 + floor((mantissa - 1.0) * 512.0)
    return code


@kernel
def seventh(x: float) -> float:
    """A share in 7 bits."""
    return floor(127.0 * clip(x, 0.0, 1.0) + 0.5)


@layer(98, "mirror_encode", domain="execution", source="StratoQuant section 12.1", pine="yes")
def step(
    s: Memory, direction: Side, confidence: Unit, label: Label, target: SignedQty, veto: Bitmask, drawdown: Unit
) -> Out:
    word = sign(direction) + 1.0
    word = word * 128.0 + seventh(confidence)
    word = word * 16.0 + floor(clip(label, 0.0, 15.0))
    word = word * 128.0 + seventh(drawdown)
    word = word * 65536.0 + floor(veto) % 65536.0
    word = word * 2.0 + (1.0 if target < 0.0 else 0.0)
    word = word * 65536.0 + size_code(fabs(target))
    changed = word != s.word
    s.word = word
    return Out(word, 1.0 if changed else 0.0)
