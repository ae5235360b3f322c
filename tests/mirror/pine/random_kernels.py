"""Kernels made up at random inside the language, with everything that Pine lacks: early returns, parameters that are
assigned to, chained comparisons, conditions that must not be evaluated, loops that are left early, `%` and `//`."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SIZE = 8

HEADER = f'''"""Made up by the tests."""

from math import exp, fabs, floor, inf, isfinite, isnan, log, nan, sqrt, tanh

from stratoquant.graph.language import Array, State, array, kernel


class Box(State):
    a: float = nan
    b: float = 1.0
    n: int = 0
    values: Array = array({SIZE}, fill=0.5)


@kernel
def noted(s: Box, x: float) -> float:
    """A call with an effect: evaluating it once too often shows."""
    s.n = s.n + 1
    s.b = 0.5 * s.b + 0.25 * x if isfinite(x) else s.b
    return s.b


@kernel
def chosen(x: float, y: float) -> float:
    """Returns early."""
    if x > y:
        return x - y
    if isnan(x):
        return 0.125
    return y - x
'''


@dataclass
class Writer:
    """Writes one kernel. floats, ints, bools: locals that have a value where the writing stands."""

    random: random.Random
    floats: list[str] = field(default_factory=lambda: ["x", "y"])
    ints: list[str] = field(default_factory=lambda: ["k"])
    count: int = 0

    def kernel(self, name: str) -> str:
        body = self.block(1, self.random.randint(3, 6), in_loop=False)
        lines = [f"@kernel\ndef {name}(s: Box, x: float, y: float, k: int) -> float:", *body]
        return "\n".join([*lines, f"    return {self.number(2)}"])

    def block(self, depth: int, length: int, *, in_loop: bool) -> list[str]:
        known = list(self.floats), list(self.ints)
        lines = [line for _ in range(length) for line in self.statement(depth, in_loop=in_loop)]
        if depth > 1:  # what was first assigned inside is not read outside
            self.floats, self.ints = known
        return lines

    def statement(self, depth: int, *, in_loop: bool) -> list[str]:
        pad = "    " * depth
        pick = self.random.random()
        if pick < 0.3 or depth > 3:
            return [pad + self.assignment()]
        if pick < 0.55:
            return self.branch(depth, in_loop=in_loop)
        if pick < 0.65:
            return self.counted(depth)
        if pick < 0.75:
            return self.searched(depth)
        if pick < 0.85:
            return [f"{pad}if {self.condition(2)}:", f"{pad}    return {self.number(1)}"]
        if in_loop and pick < 0.93:
            return [f"{pad}if {self.condition(1)}:", f"{pad}    {self.random.choice(['break', 'continue'])}"]
        return [f"{pad}noted(s, {self.number(1)})"]

    def assignment(self) -> str:
        pick = self.random.random()
        if pick < 0.25:
            return f"s.a = {self.number(2)}"
        if pick < 0.4:
            return f"s.values[{self.index()}] = {self.number(2)}"
        if pick < 0.5:
            return f"{self.random.choice(['x', 'y'])} = {self.number(2)}"
        if pick < 0.6:
            return f"s.b {self.random.choice(['+=', '-='])} {self.number(1)}"
        if pick < 0.7:
            value = f"{self.whole()} {self.random.choice(['%', '//'])} {self.random.randint(2, 5)}"
            return f"{self.fresh('i', self.ints)} = {value}"
        value = self.number(2)
        return f"{self.fresh('v', self.floats)} = {value}"

    def fresh(self, letter: str, kind: list[str]) -> str:
        self.count += 1
        kind.append(f"{letter}{self.count}")
        return kind[-1]

    def branch(self, depth: int, *, in_loop: bool) -> list[str]:
        pad = "    " * depth
        lines = [f"{pad}if {self.condition(2)}:", *self.block(depth + 1, 2, in_loop=in_loop)]
        if self.random.random() < 0.6:
            lines += [f"{pad}else:", *self.block(depth + 1, 2, in_loop=in_loop)]
        return lines

    def counted(self, depth: int) -> list[str]:
        self.count += 1
        pad, name = "    " * depth, f"j{self.count}"
        end = self.random.choice(["3", "k", "len(s.values)", f"({self.whole()}) % 4"])
        lines = [f"{pad}for {name} in range({end}):"]
        self.ints.append(name)
        lines += self.block(depth + 1, 2, in_loop=True)
        self.ints.remove(name)
        if self.random.random() < 0.3:  # the counter's name is a local like others, too
            lines.append(f"{pad}{name} = ({self.whole()}) % 5")
            self.ints.append(name)
        return lines

    def searched(self, depth: int) -> list[str]:
        """A loop whose condition reads an element that is there only while the first half of it holds."""
        self.count += 1
        pad, name = "    " * depth, f"w{self.count}"
        test = f"{name} < len(s.values) and s.values[{name}] {self.random.choice(['<', '<=', '!='])} {self.number(1)}"
        self.ints.append(name)
        return [f"{pad}{name} = 0", f"{pad}while {test}:", f"{pad}    {name} += 1"]

    def factor(self) -> str:
        """Small, so that products of products stay numbers."""
        return f"{self.random.choice((-1, 1)) * self.random.uniform(0.01, 1.5):.2f}"

    def index(self) -> str:
        return f"({self.whole()}) % {SIZE}"

    def whole(self) -> str:
        pick = self.random.random()
        if pick < 0.6:
            return self.random.choice([*self.ints, "s.n"])
        return f"{self.random.choice(self.ints)} {self.random.choice(['+', '-'])} {self.random.randint(0, 9)}"

    def number(self, depth: int) -> str:
        pick = self.random.random()
        if depth == 0 or pick < 0.25:
            return self.random.choice([*self.floats, "s.a", "s.b", "nan", f"{self.random.uniform(-2, 2):.3f}", "1e-12"])
        if pick < 0.45:
            operator = self.random.choice(["+", "-", "*"])
            other = self.number(depth - 1) if operator != "*" else self.factor()
            return f"({self.number(depth - 1)} {operator} {other})"
        if pick < 0.55:
            return f"min(max({self.number(depth - 1)} / float({self.number(depth - 1)}), -4.0), 4.0)"
        if pick < 0.62:
            return f"s.values[{self.index()}]"
        if pick < 0.72:
            return f"({self.number(depth - 1)} if {self.condition(1)} else {self.number(depth - 1)})"
        if pick < 0.8:
            return f"noted(s, {self.number(depth - 1)})"
        if pick < 0.88:
            return f"chosen({self.number(depth - 1)}, {self.number(depth - 1)})"
        return self.random.choice(
            [
                f"tanh({self.number(depth - 1)})",
                f"fabs({self.number(depth - 1)})",
                f"sqrt(fabs({self.number(depth - 1)}))",
                f"log(1.0 + fabs({self.number(depth - 1)}))",
                f"({self.number(depth - 1)}) % 1.5",
                f"float({self.whole()})",
            ]
        )

    def condition(self, depth: int) -> str:
        pick = self.random.random()
        if depth == 0 or pick < 0.4:
            return f"{self.number(1)} {self.random.choice(['<', '<=', '>', '>=', '==', '!='])} {self.number(1)}"
        if pick < 0.55:
            return f"{self.number(1)} < {self.number(1)} <= {self.number(1)}"
        if pick < 0.65:
            return f"isnan({self.number(1)})"
        if pick < 0.75:
            return f"not ({self.condition(depth - 1)})"
        word = self.random.choice(["and", "or"])
        guard = f"{self.random.choice(self.ints)} < {SIZE}"
        return f"({guard} {word} {self.condition(depth - 1)})"


def module_text(seeds: list[int]) -> tuple[str, list[str]]:
    """A module with one kernel a seed, and the kernels' names."""
    names = [f"made_{k}" for k in range(len(seeds))]
    kernels = [Writer(random.Random(seed)).kernel(name) for seed, name in zip(seeds, names, strict=True)]
    return "\n\n\n".join([HEADER.rstrip(), *kernels]) + "\n", names
