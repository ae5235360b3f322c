"""Every operator and function of the language on edge values: the bits that numba gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stratoquant.graph.kernel.mathematics import FORMS
from stratoquant.graph.kernel.words import MATH_FUNCTIONS
from tests.graph.kernel.comparing import bits, module_text, run_native
from tests.graph.kernel.reference import reference

_FLOATS = np.array(
    [
        *(0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 0.1, 1e-9, 1e-300, 5e-324, 2.2250738585072014e-308),
        *(1e9, 1e15, 4503599627370496.5, 9007199254740993.0, 1e300, 1.7976931348623157e308, np.inf, np.nan),
        *(np.pi, np.e, 709.0, 745.5, 0.9999999999999999, 1.0000000000000002),
    ]
)
FLOATS = np.concatenate([_FLOATS, -_FLOATS])
INTS = np.array([0, 1, -1, 2, -2, 3, -3, 7, -7, 31, 10**6, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), 65537])

_FLOAT_BINARY = [f"x {sign} y" for sign in ("+", "-", "*", "/", "//", "%", "**")]
_FLOAT_BINARY += ["min(x, y)", "max(x, y)", "min(x, y, 1.0, k)", "max(1, x, y)", "atan2(x, y)", "hypot(x, y)"]
_FLOAT_BINARY += ["copysign(x, y if y == y else 1.0)", "pow(x, y)", "x and y", "x or y", "x if y else 0.25"]
_COMPARISONS = [f"1.0 if x {sign} y else 0.0" for sign in ("<", "<=", ">", ">=", "==", "!=")]
_COMPARISONS += [
    "1.0 if x < y < 2.0 else 0.0",
    "1.0 if not x else 0.0",
    "x if x > y or y != y else y",
    "0.5 + (not x < y)",
]
_ONE = [f"{name}(x)" for name, form in FORMS.items() if form.arguments == 1]
_WHOLE = {"floor", "ceil", "trunc"}
_UNARY = [f"{name} if fabs(x) < 9e18 else 0" if name.split("(")[0] in _WHOLE else name for name in _ONE]
_UNARY += ["-x", "+x", "abs(x)", "int(x) if fabs(x) < 9e18 else 0", "float_bits(x) if x == x else 0", "x ** 2"]
_UNARY += ["x ** 7", "x ** 0", "x ** 0.5", "x ** 33", "x ** 100", "2.0 ** x", "10 ** x", "x ** 70000"]
_UNARY += ["x % 1.0", "x % 1", "(x + 0.5) % 1.0", "x % -1.0", "x // 1.0"]
_MIXED = [f"x {sign} k" for sign in ("+", "-", "*", "/", "//", "%")] + [f"k {sign} x" for sign in ("-", "/", "//", "%")]
_MIXED += ["1.0 if x < k else 0.0", "1.0 if k == x else 0.0", "ldexp(x, min(max(k, -2000), 2000))", "x ** (k & 63)"]
_MIXED += ["min(k, x)", "max(k, x)", "k if x > 0.0 else x", "float(k)", "x * (k > 0)", "x + (k == 7)", "isnan(k) + x"]
_INT = [f"k {sign} j" for sign in ("+", "-", "*", "//", "%", "&", "|", "^", "/")]
_INT += ["k << (j & 63)", "k >> (j & 63)", "-k", "~k", "abs(k)", "min(k, j)", "max(k, j)", "k ** 3", "k ** (j & 15)"]
_INT += [f"1 if k {sign} j else 0" for sign in ("<", "<=", ">", ">=", "==", "!=")]
_INT += ["(k > 0) + (j > 0)", "(k > 0) & (j > 0)", "(k > 0) ^ (j > 0)", "(k > j) == (j > 0)", "k and j", "k or j"]
_INT += ["1 if 0 < k < j else 0", "min(k > 0, j > 0) + 0", "-(k > 0)", "int(k > j)"]

_RUN = """
@entry
def run({arguments}, out):
    for t in range(len(out)):
{reads}
{writes}
    return len(out)
"""


def body_of(names: dict[str, str], expressions: list[str]) -> str:
    """A module that evaluates every expression at every row. names: local by array."""
    reads = "\n".join(f"        {local} = {array}[t]" for array, local in names.items())
    writes = "\n".join(f"        out[t, {c}] = {expression}" for c, expression in enumerate(expressions))
    bits_kernel = "@kernel\ndef float_bits(x):\n    return np.float64(x).view(np.int64)\n\n"
    return bits_kernel + _RUN.format(arguments=", ".join(names), reads=reads, writes=writes)


def pairs(first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    rows = list(itertools.product(first, second))
    return [np.array([a for a, _ in rows], first.dtype), np.array([b for _, b in rows], second.dtype)]


def assert_same(names: dict[str, str], columns: list[np.ndarray], expressions: list[str]) -> None:
    text = module_text(body_of(names, expressions))
    theirs, ours = (np.zeros((len(columns[0]), len(expressions))) for _ in range(2))
    reference(text)(*columns, theirs)
    run_native(text, (*columns, ours))
    for column, expression in enumerate(expressions):
        different = np.flatnonzero(bits(ours[:, column]) != bits(theirs[:, column]))
        found = [(*(c[t] for c in columns), ours[t, column], theirs[t, column]) for t in different[:3]]
        assert not found, f"{expression}: {found}"


def test_every_function_of_the_language_is_compared() -> None:
    everything = " ".join([*_UNARY, *_FLOAT_BINARY, *_MIXED])
    assert all(f"{name}(" in everything for name in MATH_FUNCTIONS)


@pytest.mark.parametrize("expressions", [_UNARY, _FLOAT_BINARY + _COMPARISONS, _MIXED], ids=["one", "two", "mixed"])
def test_floats(expressions: list[str]) -> None:
    x, y = pairs(FLOATS, FLOATS)
    k = np.resize(INTS, len(x))
    assert_same({"xs": "x", "ys": "y", "ks": "k"}, [x, y, k], expressions)


def test_ints() -> None:
    assert_same({"ks": "k", "js": "j"}, pairs(INTS, INTS), _INT)


def test_a_negative_whole_power_is_the_inverse_also_of_zero() -> None:
    """numba ends with an error where the power is 0; here it is infinite."""
    x, k = pairs(np.array([0.0, -0.0, 2.0, 1e-200, np.inf, -3.0]), np.array([-1, -2, -3, -70000]))
    out = np.zeros((len(x), 2))
    run_native(module_text(body_of({"xs": "x", "ks": "k"}, ["x ** k", "x ** -2"])), (x, k, out))
    with np.errstate(divide="ignore", over="ignore"):
        assert np.array_equal(out[:, 1], 1.0 / (x * x))
        small = k > -70000
        expected = np.array([1.0 / np.prod(np.full(-n, base)) for base, n in zip(x[small], k[small], strict=True)])
        assert np.array_equal(out[small, 0], expected)
        assert np.array_equal(out[~small, 0], np.power(x[~small], k[~small].astype(float)))


def test_a_negative_power_of_an_int_is_0_unless_of_one() -> None:
    k, j = pairs(np.array([0, 1, -1, 2, -3, 2**62]), np.array([-1, -2, -3]))
    out = np.zeros((len(k), 1))
    run_native(module_text(body_of({"ks": "k", "js": "j"}, ["k ** j"])), (k, j, out))
    expected = [
        float(base) ** power if abs(base) == 1 else 0.0 for base, power in zip(k.tolist(), j.tolist(), strict=True)
    ]
    assert out[:, 0].tolist() == expected
