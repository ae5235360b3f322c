"""Kernels as text of a generated module, each once and under a name of its own.

A generated module holds every kernel as text, so its hash covers all the code that runs and no cache can be stale.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, NamedTuple

from stratoquant.graph.kernel.words import BUILTINS, MATH_CONSTANTS, MATH_FUNCTIONS
from stratoquant.graph.kernels import KernelSource, kernel_source
from stratoquant.graph.language import Layer, field_name
from stratoquant.graph.slicing import sliced_step

_DECORATORS = {"entry", "inlined", "kernel"}
_GUARDED = "guarded"
_TAKEN = _DECORATORS | {_GUARDED} | MATH_FUNCTIONS | set(MATH_CONSTANTS) | BUILTINS | {"CLOCK", "namedtuple", "np"}
_GENERATED = re.compile(r"(step|stage|ahead)_\w+")  # functions of the generated module that are no kernels
_NAME = re.compile(r"#.*|(?<![.\w])[A-Za-z_]\w*")  # a comment is taken whole
_PLACE = re.compile("\x01(\\d+)\x01")
_FLOAT_BITS = """@kernel
def float_bits(x):
    return np.float64(x).view(np.int64)"""


class Part(NamedTuple):
    """A definition before it is named: of a kernel, or of the tuple of a step's outputs. It follows from code alone.

    key: what is defined. module: what is added to the wanted name where another definition has that. text: names of the
    module stand there as `place(n)`: 0 is its own, the others are those of `uses`.
    """

    key: Hashable
    wanted: str
    module: str
    text: str
    uses: tuple[Hashable, ...] = ()


def place(number: int) -> str:
    """Stands for a name in the text of a part."""
    return f"\x01{number}\x01"


@dataclass(frozen=True)
class Emitted:
    """A kernel as it stands in a generated module. tree: its statements there, with their lines in `source`'s file
    where `source.tree` begins at the line that `tree` begins at."""

    source: KernelSource
    tree: ast.FunctionDef
    text: str


def statements_of(kernel: Emitted) -> list[tuple[ast.stmt, ast.stmt]]:
    """Each statement of a kernel's text, counted from line 1, and the same statement in its file."""
    generated, original = (
        [part for part in ast.walk(tree) if isinstance(part, ast.stmt)]
        for tree in (ast.parse(kernel.text).body[0], kernel.tree)
    )
    return list(zip(generated, original, strict=True))


def source_lines(kernel: Emitted) -> dict[int, int]:
    """The lines of a kernel's file by those of its text."""
    shift = kernel.source.tree.lineno - kernel.source.new_tree().lineno
    return {generated.lineno: original.lineno + shift for generated, original in statements_of(kernel)}


@dataclass
class KernelText:
    """Collects the text of kernels for one generated module; each function is emitted once under its own name.

    taken: names that the rest of the module uses.
    """

    taken: frozenset[str] = frozenset()
    _named: dict[Hashable, str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)
    kernels: list[Emitted] = field(default_factory=list)

    def add_layer(self, layer: Layer, ports: Collection[str] = ()) -> str:
        """Adds a layer's output tuple, its step and what the step calls; returns the step's name in the module.

        ports: the outputs that the step is to return, all of them by default.
        """
        self._add(_layer_definitions(layer, ports, self._named))
        return self._named[layer.step]

    def add_function(self, function: Callable[..., Any]) -> str:
        """Adds a free-standing kernel, such as the venue's, under its own name."""
        self._add(_function_definitions(function, self._named))
        return self._named[function]

    def add_part(self, part: Part) -> str:
        """Names a part, after what it uses, unless that was done; returns its name."""
        if part.key not in self._named:
            self._named[part.key] = self._new_name(part.wanted, part.module)
            names = [self._named[key] for key in (part.key, *part.uses)]
            self._texts.append(_PLACE.sub(lambda found: names[int(found[1])], part.text))
        return self._named[part.key]

    def name_of(self, key: Hashable) -> str:
        """The name in the module of what was added: of a function, or of the key of a part."""
        return self._named[key]

    def text(self) -> str:
        body = "\n\n\n".join(self._texts)
        return f"{_FLOAT_BITS}\n\n\n{body}" if "float_bits(" in body else body

    def _add(self, definitions: Iterable[_Definition]) -> None:
        for part, source, tree in definitions:
            name = self.add_part(part)
            if tree is not None:
                tree.name = name
                self.kernels.append(Emitted(source, tree, self._texts[-1].split("\n", 2)[2]))

    def _new_name(self, wanted: str, module: str) -> str:
        """The wanted name, that name and the module's, or a number as well: the first that nothing has yet."""
        wanted = f"kernel_{wanted}" if _GENERATED.fullmatch(wanted) else wanted
        longer = f"{wanted}_{module}"
        candidates = chain((wanted, longer), (f"{longer}_{n}" for n in count(2)))
        name = next(c for c in candidates if not self._is_taken(c))
        self._names.add(name)
        return name

    def _is_taken(self, name: str) -> bool:
        return name in self._names or name in self.taken or name in _TAKEN


def layer_parts(layer: Layer, ports: Collection[str]) -> list[Part]:
    """All that a layer brings into a module. ports: those that its step is to return."""
    return [part for part, _, _ in _layer_definitions(layer, ports, ())]


def function_parts(function: Callable[..., Any]) -> list[Part]:
    """All that a free-standing kernel brings into a module."""
    return [part for part, _, _ in _function_definitions(function, ())]


class _Definition(NamedTuple):
    """tree: of a kernel, as it stands in the text."""

    part: Part
    source: KernelSource
    tree: ast.FunctionDef | None = None


def _layer_definitions(layer: Layer, ports: Collection[str], known: Container[Hashable]) -> Iterator[_Definition]:
    if layer.step in known:
        return
    told = [port for port in layer.outputs if port in ports or not ports]
    source = kernel_source(layer.step)
    tree = source.new_tree() if len(told) == len(layer.outputs) else sliced_step(layer, told)
    outputs = (layer.step, "out")
    text = f'{place(0)} = namedtuple("{place(0)}", "{" ".join(map(field_name, told))}")'
    yield _Definition(Part(outputs, f"{layer.identifier}_out", _module_of(source), text), source)
    names: dict[str, Hashable] = {layer.output.__name__: outputs}
    yield from _kernel_definitions(source, tree, layer.identifier, names, "inlined", known, set())


def _function_definitions(function: Callable[..., Any], known: Container[Hashable]) -> Iterator[_Definition]:
    if function not in known:
        source = kernel_source(function)
        yield from _kernel_definitions(source, source.new_tree(), function.__name__, {}, "kernel", known, set())


def _kernel_definitions(
    source: KernelSource,
    tree: ast.FunctionDef,
    wanted: str,
    names: dict[str, Hashable],
    mark: str,
    known: Container[Hashable],
    given: set[Hashable],
) -> Iterator[_Definition]:
    """Of what a kernel calls, and of itself. names: what it uses besides, by its name there. mark: `inlined` for a
    step, which stands in one place and whose outputs need not pass through memory. given: what was given before."""
    called = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    calls = {n: f for n, f in sorted(source.calls.items()) if n in called}
    for function in calls.values():
        if function not in known and function not in given:
            below = kernel_source(function)
            yield from _kernel_definitions(below, below.new_tree(), function.__name__, {}, "kernel", known, given)
    given.add(source.function)
    uses = names | calls
    places = {name: place(number) for number, name in enumerate(uses, 1)}
    rewritten = _Rewriter(place(0), places, source.constants).rewrite(tree)
    text = f"# {source.function.__module__}\n@{mark}\n{ast.unparse(rewritten)}"
    yield _Definition(Part(source.function, wanted, _module_of(source), text, tuple(uses.values())), source, rewritten)


def _module_of(source: KernelSource) -> str:
    return str(source.function.__module__).rsplit(".", 1)[-1]


class _Rewriter(ast.NodeTransformer):
    """Renames callees, writes constants out and drops what only the reader of the original needs."""

    def __init__(self, name: str, renames: dict[str, str], constants: dict[str, float]) -> None:
        self._name = name
        self._renames = renames
        self._constants = constants

    def rewrite(self, tree: ast.FunctionDef) -> ast.FunctionDef:
        tree.name = self._name
        tree.decorator_list = []
        tree.returns = None
        tree.args.args = [ast.arg(a.arg) for a in tree.args.args]
        tree.body = [self.visit(s) for s in tree.body if not _is_docstring(s)] or [ast.Pass()]
        return ast.fix_missing_locations(tree)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._constants:
            return ast.copy_location(ast.Constant(self._constants[node.id]), node)
        return ast.copy_location(ast.Name(self._renames.get(node.id, node.id), node.ctx), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.copy_location(ast.Assign([self.visit(node.target)], self.visit(node.value)), node)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def imports(body: str) -> str:
    """The import lines of a generated module with this body."""
    names = set(_NAME.findall(body))
    used = sorted(names & (MATH_FUNCTIONS | set(MATH_CONSTANTS)))
    lines = ["from collections import namedtuple"]
    if used:
        lines.append(f"from math import {', '.join(used)}")
    backend = sorted(_DECORATORS | ({_GUARDED} & names))
    lines += ["", "import numpy as np", "", f"from stratoquant.graph.machine_code import {', '.join(backend)}"]
    return "\n".join(lines)
