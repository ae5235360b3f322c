"""The names of the kernel language that are no kernels: functions and constants of `math`, and built-ins."""

from __future__ import annotations

import math

from stratoquant.graph.kernel.mathematics import FORMS

MATH_FUNCTIONS = frozenset({*FORMS, "ldexp", "pow"})
MATH_CONSTANTS = {"nan": math.nan, "inf": math.inf, "pi": math.pi, "tau": math.tau}
BUILTINS = frozenset({"abs", "float", "float_bits", "int", "len", "max", "min", "range"})
