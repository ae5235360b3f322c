"""The functions of `math` that kernels call: what each takes, what it gives, and how machine code computes it."""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """arguments: how many floats. code: the LLVM intrinsic, the function of the C library or the comparison."""

    arguments: int
    kind: str
    code: str


INTRINSIC, LIBRARY, TEST = "intrinsic", "library", "test"

FORMS: dict[str, Form] = {
    **{name: Form(1, INTRINSIC, f"llvm.{name}.f64") for name in ("fabs", "exp", "log", "log10", "sin", "cos")},
    "copysign": Form(2, INTRINSIC, "llvm.copysign.f64"),
    **{
        name: Form(1, LIBRARY, name)
        for name in (
            *("acos", "asin", "atan", "ceil", "cosh", "erf", "erfc", "expm1", "floor", "lgamma"),
            *("log1p", "log2", "sinh", "sqrt", "tan", "tanh", "trunc"),
        )
    },
    "atan2": Form(2, LIBRARY, "atan2"),
    "hypot": Form(2, LIBRARY, "hypot"),
    **{name: Form(1, TEST, name) for name in ("isnan", "isinf", "isfinite")},
}
"""`pow` is `**`, and `ldexp` takes an int; both are read apart."""

GIVE_INT = frozenset({"floor", "ceil", "trunc"})
"""In Python these give an int."""
