"""Kernels as text of a generated module, each once and under a name of its own.

A generated module holds every kernel as text, so its hash covers all the code that runs and no cache can be stale.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from graph.kernels import KernelSource, kernel_source
from graph.language import Layer, field_name
from graph.slicing import sliced_step
from graph.subset import BUILTINS, MATH_CONSTANTS, MATH_FUNCTIONS

_DECORATORS = {"entry", "inlined", "kernel"}
_GUARDED = "guarded"
_TAKEN = _DECORATORS | {_GUARDED} | MATH_FUNCTIONS | set(MATH_CONSTANTS) | BUILTINS | {"CLOCK", "namedtuple", "np"}
_GENERATED = re.compile(r"(step|stage|ahead)_\w+")  # functions of the generated module that are no kernels
_NAME = re.compile(r"#.*|(?<![.\w])[A-Za-z_]\w*")  # a comment is taken whole
_FLOAT_BITS = """@kernel
def float_bits(x):
    return np.float64(x).view(np.int64)"""


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
    _emitted: dict[Callable[..., Any], str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)
    kernels: list[Emitted] = field(default_factory=list)

    def add_layer(self, layer: Layer, ports: Collection[str] = ()) -> str:
        """Adds a layer's output tuple, its step and what the step calls; returns the step's name in the module.

        ports: the outputs that the step is to return, all of them by default.
        """
        if layer.step in self._emitted:
            return self._emitted[layer.step]
        told = [port for port in layer.outputs if port in ports or not ports]
        source = kernel_source(layer.step)
        tree = source.new_tree() if len(told) == len(layer.outputs) else sliced_step(layer, told)
        tuple_name = self._new_name(f"{layer.identifier}_out", source)
        self._texts.append(f'{tuple_name} = namedtuple("{tuple_name}", "{" ".join(map(field_name, told))}")')
        return self._add(source, tree, layer.identifier, {layer.output.__name__: tuple_name}, "inlined")

    def add_function(self, function: Callable[..., Any]) -> str:
        """Adds a free-standing kernel, such as the venue's, under its own name."""
        if function in self._emitted:
            return self._emitted[function]
        source = kernel_source(function)
        return self._add(source, source.new_tree(), function.__name__, {}, "kernel")

    def name_of(self, function: Callable[..., Any]) -> str:
        """The name in the module of what was added."""
        return self._emitted[function]

    def text(self) -> str:
        body = "\n\n\n".join(self._texts)
        return f"{_FLOAT_BITS}\n\n\n{body}" if "float_bits(" in body else body

    def _add(
        self, source: KernelSource, tree: ast.FunctionDef, wanted: str, renames: dict[str, str], decorator: str
    ) -> str:
        """decorator: `inlined` for a step, which stands in one place and whose outputs need not pass through memory."""
        function = source.function
        called = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        calls = {n: self.add_function(f) for n, f in sorted(source.calls.items()) if n in called}
        name = self._new_name(wanted, source)
        self._emitted[function] = name
        rewritten = _Rewriter(name, renames | calls, source.constants).rewrite(tree)
        text = ast.unparse(rewritten)
        self.kernels.append(Emitted(source, rewritten, text))
        self._texts.append(f"# {function.__module__}\n@{decorator}\n{text}")
        return name

    def _new_name(self, wanted: str, source: KernelSource) -> str:
        """The wanted name, that name and the module's, or a number as well: the first that nothing has yet."""
        module = source.function.__module__.rsplit(".", 1)[-1]
        wanted = f"kernel_{wanted}" if _GENERATED.fullmatch(wanted) else wanted
        longer = f"{wanted}_{module}"
        candidates = chain((wanted, longer), (f"{longer}_{n}" for n in count(2)))
        name = next(c for c in candidates if not self._is_taken(c))
        self._names.add(name)
        return name

    def _is_taken(self, name: str) -> bool:
        return name in self._names or name in self.taken or name in _TAKEN


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
    return "\n".join([*lines, "", "import numpy as np", "", f"from graph.machine_code import {', '.join(backend)}"])
