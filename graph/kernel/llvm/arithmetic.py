"""Operators and functions of numbers as LLVM instructions, with the rules of IEEE 754 and of Python kept to the bit.

Nothing is contracted, reassociated or assumed: an operation on floats rounds once, where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.kernel.llvm import runtime
from stratoquant.graph.kernel.llvm.values import number
from stratoquant.graph.kernel.llvm.writer import Writer
from stratoquant.graph.kernel.mathematics import FORMS, LIBRARY
from stratoquant.graph.kernel.nodes import Binary, Compare, Constant
from stratoquant.graph.kernel.types import BOOL, FLOAT, INT, Number

_FLOAT = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_INT = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "ashr"}
_FLOAT_CALLS = {"%": runtime.REMAINDER, "//": runtime.FLOORED}
_INT_CALLS = {"%": runtime.INT_REMAINDER, "//": runtime.INT_FLOORED, "**": runtime.INT_POWER}
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_INT_TESTS = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_BOOL_TESTS = {"<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "==": "eq", "!=": "ne"}
_LONGEST_PRODUCT = 64  # a written exponent up to here is multiplied out
_LIBRARY_MARK = "nounwind memory(read)"


def binary(out: Writer, node: Binary, left: str, right: str) -> str:
    """right: of a written exponent its digits."""
    sign, kind = node.operator, node.type
    if sign in ("min", "max"):
        nearer = _test(out, "<" if sign == "min" else ">", kind, right, left)
        return out.value(f"select i1 {nearer}, {number(kind)} {right}, {number(kind)} {left}")
    if sign == "**" and isinstance(node.right, Constant) and node.right.type is INT:
        power = int(node.right.value)
        if abs(power) <= _LONGEST_PRODUCT and (power >= 0 or kind is FLOAT):
            return _product(out, kind, left, power)
    if kind is FLOAT:
        if sign == "%" and isinstance(node.right, Constant) and node.right.value == 1.0:
            return _fraction(out, left)
        return _float(out, sign, left, right, node.right.type)
    if sign in _INT_CALLS:
        return out.call("i64", _INT_CALLS[sign], f"i64 {left}, i64 {right}")
    return out.value(f"{_INT[sign]} {number(kind)} {left}, {right}")


def _float(out: Writer, sign: str, left: str, right: str, exponent: object) -> str:
    if sign == "**":
        name = runtime.POWER if exponent is INT else "llvm.pow.f64"
        return out.call("double", name, f"double {left}, {'i64' if exponent is INT else 'double'} {right}")
    if sign in _FLOAT_CALLS:
        return out.call("double", _FLOAT_CALLS[sign], f"double {left}, double {right}")
    return out.value(f"{_FLOAT[sign]} double {left}, {right}")


def _fraction(out: Writer, value: str) -> str:
    """The remainder by 1. The difference is rounded once, as the remainder's move to the divisor's sign is, and takes
    a processor two instructions where the general remainder is a call."""
    whole = out.call("double", "llvm.floor.f64", f"double {value}")
    return out.value(f"fsub double {value}, {whole}")


def _product(out: Writer, kind: Number, base: str, power: int) -> str:
    """Square and multiply, in the order of the loop that takes an exponent that is not written."""
    times = f"{'fmul' if kind is FLOAT else 'mul'} {number(kind)}"
    result, rest = "", abs(power)
    while rest:
        if rest & 1:
            result = out.value(f"{times} {result}, {base}") if result else base
        rest >>= 1
        if rest:
            base = out.value(f"{times} {base}, {base}")
    result = result or ("1.0" if kind is FLOAT else "1")
    return out.value(f"fdiv double 1.0, {result}") if power < 0 else result


def compare(out: Writer, node: Compare, left: str, right: str) -> str:
    kind = node.left.type
    assert isinstance(kind, Number)
    return _test(out, node.operator, kind, left, right)


def _test(out: Writer, sign: str, kind: Number, left: str, right: str) -> str:
    if kind is FLOAT:
        return out.value(f"fcmp {_FLOAT_TESTS[sign]} double {left}, {right}")
    return out.value(f"icmp {(_BOOL_TESTS if kind is BOOL else _INT_TESTS)[sign]} {number(kind)} {left}, {right}")


def mathematics(out: Writer, name: str, arguments: Sequence[str]) -> str:
    if name == "ldexp":
        value, power = arguments
        narrow = out.value(f"trunc i64 {power} to i32")
        return out.call("double", name, f"double {value}, i32 signext {narrow}")
    if name == "isnan":
        return out.value(f"fcmp uno double {arguments[0]}, {arguments[0]}")
    if name == "isfinite":
        nothing = out.value(f"fsub double {arguments[0]}, {arguments[0]}")
        return out.value(f"fcmp ord double {nothing}, {nothing}")
    if name == "isinf":
        size = out.call("double", FORMS["fabs"].code, f"double {arguments[0]}")
        return out.value(f"fcmp oeq double {size}, 0x7FF0000000000000")
    return out.call("double", FORMS[name].code, ", ".join(f"double {argument}" for argument in arguments))


def declarations(names: set[str]) -> list[str]:
    """The functions outside the module: LLVM's own, the C library's, which write nothing, and this language's."""
    needed = names | {runtime.NEEDS[name] for name in names & runtime.NEEDS.keys()}
    declared = [_declared(name) for name in sorted(needed - runtime.RUNTIME.keys())]
    return [*declared, runtime.runtime_text(names)]


_ARGUMENTS = {form.code: form.arguments for form in FORMS.values()} | {"llvm.pow.f64": 2, "llvm.floor.f64": 1}
_LIBRARY = frozenset(form.code for form in FORMS.values() if form.kind == LIBRARY)


def _declared(name: str) -> str:
    if name == "ldexp":
        return f"declare double @ldexp(double, i32 signext) {_LIBRARY_MARK}"
    arguments = ", ".join(["double"] * _ARGUMENTS[name])
    return f"declare double @{name}({arguments}) {_LIBRARY_MARK if name in _LIBRARY else ''}"
