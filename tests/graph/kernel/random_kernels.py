"""Random modules of the kernel language, for hypothesis: typed expressions, loops, branches, memory and calls.

Undefined cases are fenced off in the text: a float becomes an int only where it fits, a place is inside its array, a
shift is shorter than a word, and no sign of a NaN is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

STATE = np.dtype([("f", "f8"), ("n", "i8"), ("inner", [("g", "f8"), ("a", "f8", (8,))]), ("b", "f8", (4,))])
OUTPUTS = 4

_FLOATS = ("0.0", "-0.0", "1.0", "0.1", "-2.5", "3.0", "1e300", "1e-300", "nan", "inf", "pi", "7.0")
# small, so that Python can compute what is written out and the result fits into 64 bits
_INTS = ("0", "1", "2", "-1", "3", "7", "-12", "1000")
_UNARY = ("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "atan", "fabs", "erf", "tan", "log10", "log2", "tanh")
_COMPARE = ("<", "<=", ">", ">=", "==", "!=")


@dataclass
class _Names:
    """What can be read at the present point, by type."""

    floats: list[str] = field(default_factory=list)
    ints: list[str] = field(default_factory=list)
    bools: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)  # int on some paths, float on others
    kernels: list[str] = field(default_factory=list)

    def inside(self) -> _Names:
        return _Names(*(list(names) for names in (self.floats, self.ints, self.bools, self.mixed, self.kernels)))


@dataclass
class _Author:
    """Writes one kernel."""

    draw: Callable[[st.SearchStrategy[object]], object]
    count: int = 0

    def pick(self, choices: list[str] | tuple[str, ...]) -> str:
        return str(self.draw(st.sampled_from(list(choices))))

    def number(self, low: int, high: int) -> int:
        chosen = self.draw(st.integers(low, high))
        assert isinstance(chosen, int)
        return chosen

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def float(self, names: _Names, depth: int) -> str:
        if depth <= 0:
            return self.pick((*names.floats, *names.floats, *_FLOATS, "s.f", "s.inner.g"))
        form = self.number(0, 15)
        one, other = (lambda: self.float(names, depth - 1)), (lambda: self.float(names, depth - 1))
        if form <= 4:
            return f"({one()} {self.pick(('+', '-', '*', '/', '%', '//'))} {other()})"
        if form == 5:
            return f"{self.pick(_UNARY)}({one()})"
        if form == 6:
            return f"{self.pick(('min', 'max'))}({one()}, {other()}, {self.pick((self.int(names, 0), one()))})"
        if form == 7:
            return f"({one()} if {self.bool(names, depth - 1)} else {other()})"
        if form == 8:
            return f"({one()} {self.pick(('+', '*', '-', '/'))} {self.int(names, depth - 1)})"
        if form == 9:
            return f"(-{one()})"
        if form == 10:  # no negative whole exponent: of 0 it is an error in Python and infinite here
            return f"({one()} ** {self.pick(('2', '3', '0', '5', '0.5', '1.5', f'({self.int(names, 0)} & 7)'))})"
        if form == 11:
            return f"{self.pick(('s.inner.a', 's.b'))}[{self.int(names, depth - 1)} % {self.pick(('4', '3'))}]"
        if form == 12 and names.kernels:
            return f"{self.pick(names.kernels)}(s, {one()}, {self.int(names, depth - 1)})"
        if form == 13:
            return f"({self.int(names, depth - 1)} / {self.int(names, depth - 1)})"
        if form == 14:
            return f"{self.pick(('atan2', 'hypot'))}({one()}, {other()})"
        return f"float({self.pick((*names.mixed, self.int(names, depth - 1)))})"

    def int(self, names: _Names, depth: int) -> str:
        if depth <= 0:
            return self.pick((*names.ints, *names.ints, *_INTS, "s.n"))
        form = self.number(0, 8)
        one, other = self.int(names, depth - 1), self.int(names, depth - 1)
        if form <= 2:
            return f"({one} {self.pick(('+', '-', '*', '//', '%', '&', '|', '^'))} {other})"
        if form == 3:
            return f"({one} {self.pick(('<<', '>>'))} ({other} & 7))"
        if form == 4:
            return f"({one} if {self.bool(names, depth - 1)} else {other})"
        if form == 5:
            value = self.float(names, 0)
            return f"({self.pick(('int', 'floor', 'ceil'))}({value}) if -1e15 < {value} < 1e15 else {other})"
        if form == 6:
            value = self.float(names, 0)
            return f"(float_bits({value}) if {value} == {value} else {other})"
        if form == 7:
            return f"{self.pick(('min', 'max'))}({one}, {other})"
        return self.pick((f"abs({one})", f"(-{one})", f"({one} + ({self.bool(names, depth - 1)}))"))

    def bool(self, names: _Names, depth: int) -> str:
        if depth <= 0:
            return self.pick((*names.bools, f"{self.float(names, 0)} > 0.0", f"{self.int(names, 0)} != 0"))
        form = self.number(0, 6)
        one, other = self.bool(names, depth - 1), self.bool(names, depth - 1)
        if form == 0:
            return f"({one} {self.pick(('and', 'or'))} {other})"
        if form == 1:
            return f"(not {one})"
        if form == 2:
            return f"{self.pick(('isnan', 'isfinite', 'isinf'))}({self.float(names, depth - 1)})"
        if form == 3:
            left, middle, right = (self.float(names, depth - 1) for _ in range(3))
            return f"({left} {self.pick(_COMPARE)} {middle} {self.pick(_COMPARE)} {right})"
        if form == 4:
            return f"({self.int(names, depth - 1)} {self.pick(_COMPARE)} {self.int(names, depth - 1)})"
        if form == 5:
            return f"({self.int(names, depth - 1)} {self.pick(_COMPARE)} {self.float(names, depth - 1)})"
        return f"(({one}) {self.pick(('&', '|', '^'))} ({other}))"

    def block(self, names: _Names, depth: int, in_loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self.number(1, 4)):
            lines += self.statement(names, depth, in_loop)
        return lines

    def statement(self, names: _Names, depth: int, in_loop: bool) -> list[str]:
        form = self.number(0, 10 if depth > 0 else 5)
        if form <= 1:
            value, name = self.float(names, 2), self.name("f")
            names.floats.append(name)
            return [f"{name} = {value}"]
        if form == 2:
            value, name = self.int(names, 2), self.name("n")
            names.ints.append(name)
            return [f"{name} = {value}"]
        if form == 3:
            value, name = self.bool(names, 2), self.name("b")
            names.bools.append(name)
            return [f"{name} = {value}"]
        if form == 4:
            target = self.pick(
                ("s.f", "s.inner.g", f"s.b[{self.int(names, 1)} % 4]", f"s.inner.a[{self.int(names, 0)} % 8]")
            )
            return [f"{target} {self.pick(('=', '+=', '-=', '*='))} {self.float(names, 2)}"]
        if form == 5:
            own = [name for name in names.floats if name.startswith("f")]
            if own and self.number(0, 1):
                return [f"{self.pick(own)} {self.pick(('+=', '*=', '/=', '-='))} {self.float(names, 1)}"]
            return [f"s.n {self.pick(('=', '+=', '-=', '^='))} {self.int(names, 2)}"]
        if form == 6 and in_loop:
            word = self.pick(("break", "continue"))
            return [f"if {self.bool(names, 1)}:", f"    {word}"]
        if form <= 8:
            return self.branch(names, depth, in_loop)
        return self.loop(names, depth)

    def branch(self, names: _Names, depth: int, in_loop: bool) -> list[str]:
        """Both sides give a name that is an int on one of them and a float on the other."""
        mixed = self.name("m")
        lines = [f"if {self.bool(names, 2)}:"]
        lines += _deeper([*self.block(names.inside(), depth - 1, in_loop), f"{mixed} = {self.int(names, 1)}"])
        lines += ["else:"]
        lines += _deeper([*self.block(names.inside(), depth - 1, in_loop), f"{mixed} = {self.float(names, 1)}"])
        names.mixed.append(mixed)
        return lines

    def loop(self, names: _Names, depth: int) -> list[str]:
        index = self.name("i")
        inside = names.inside()
        inside.ints.append(index)
        if self.number(0, 2):
            limits = self.pick(("5", "1, 4", "6, 0, -2", f"{self.int(names, 0)} % 5"))
            return [f"for {index} in range({limits}):", *_deeper(self.block(inside, depth - 1, True))]
        body = _deeper([f"{index} += 1", *self.block(inside, depth - 1, True)])
        return [f"{index} = 0", f"while {index} < 4 and {self.bool(names, 1)}:", *body]

    def kernel(self, name: str, kernels: list[str]) -> list[str]:
        names = _Names(["x"], ["k"], [], [], list(kernels))
        lines = [self.pick(("@kernel", "@inlined")), f"def {name}(s, x, k):"]
        body = self.block(names, 2, False)
        if self.number(0, 1):
            body += [
                f"if {self.bool(names, 1)}:",
                f"    return {self.pick((self.int(names, 1), self.float(names, 1)))}",
            ]
        return [*lines, *_deeper([*body, f"return {self.float(names, 2)}"]), "", ""]


def _deeper(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def modules(draw: st.DrawFn, most: int = 3) -> str:
    """The body of a module: `float_bits`, kernels that call the ones before them, and the entry."""
    author = _Author(draw)
    lines = ["@kernel", "def float_bits(x):", "    return np.float64(x).view(np.int64)", "", ""]
    kernels: list[str] = []
    for number in range(author.number(1, most)):
        lines += author.kernel(f"kernel_{number}", kernels)
        kernels.append(f"kernel_{number}")
    lines += ["@entry", "def run(states, xs, ks, out):", "    s = states[0]", "    for t in range(len(xs)):"]
    lines += [f"        out[t, {c}] = {author.pick(kernels)}(s, xs[t], ks[t])" for c in range(OUTPUTS - 2)]
    lines += [f"        out[t, {OUTPUTS - 2}] = s.f", f"        out[t, {OUTPUTS - 1}] = s.n % 1000003"]
    return "\n".join([*lines, "    return len(xs)", ""])
