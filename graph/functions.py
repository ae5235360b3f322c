"""Functions of mathematics that kernels take from `math` and that are written out here, in the kernel language.

Machine code and chart compute them by the same arithmetic, and compiled code need not leave the step for them.
"""

import math
from collections.abc import Callable
from math import exp

from stratoquant.graph.language import kernel


@kernel
def hyperbolic_tangent(x: float) -> float:
    """tanh(x) within 2 units in the last place; missing stays missing.

    Source: S. L. Moshier's Cephes library, its rational function below 0.625; beyond, (1 - e^-2|x|) / (1 + e^-2|x|).
    """
    if -0.625 < x < 0.625:
        z = x * x
        above = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
        below = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
        result = x + x * z * above / below
    elif x > 0.0:
        fall = exp(-2.0 * x)
        result = 1.0 - 2.0 * fall / (1.0 + fall)
    else:
        fall = exp(2.0 * x)
        result = 2.0 * fall / (1.0 + fall) - 1.0
    return result


WRITTEN_OUT: dict[Callable[..., float], Callable[..., float]] = {math.tanh: hyperbolic_tangent}
"""What stands in a kernel, and what is compiled and translated in its place."""
