"""Kernels as source: finds each function that a step needs, checks it, and rewrites it for the generated module.

A generated module holds every kernel as text, so its hash covers all the code that runs and no cache can be stale.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from graph.diagnostics import Findings, Place
from graph.functions import WRITTEN_OUT
from graph.language import Layer, field_name, is_kernel
from graph.subset import MATH_CONSTANTS, MATH_FUNCTIONS, SubsetChecker

_DECORATORS = {"entry", "inlined", "kernel"}
_FLOAT_BITS = """@kernel
def float_bits(x):
    return np.float64(x).view(np.int64)"""


@dataclass(frozen=True)
class KernelSource:
    """One function of the kernel language. calls: the kernels that it calls, by the name it uses for them."""

    function: Callable[..., Any]
    text: str
    tree: ast.FunctionDef
    file: str
    calls: dict[str, Callable[..., Any]]
    constants: dict[str, float]


@cache
def kernel_source(function: Callable[..., Any]) -> KernelSource:
    """Parses a kernel and resolves the globals that it names. Line numbers are those of its file."""
    code: CodeType = function.__code__
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    tree = _parsed(text)
    ast.increment_lineno(tree, first - 1)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    visible = {n: function.__globals__[n] for n in names if n in function.__globals__}
    calls = {n: WRITTEN_OUT.get(v, v) for n, v in visible.items() if is_kernel(v) or _is_written_out(v)}
    constants = {n: v for n, v in visible.items() if isinstance(v, int | float) and n not in MATH_CONSTANTS}
    return KernelSource(function, text, tree, code.co_filename, calls, constants)


def _is_written_out(value: Any) -> bool:
    return inspect.isbuiltin(value) and value in WRITTEN_OUT


def _parsed(text: str) -> ast.FunctionDef:
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def check_kernels(layer: Layer, findings: Findings) -> None:
    """Checks a layer's step and every kernel below it against the language."""
    for source in reachable(layer.step):
        known = set(source.calls) | set(source.constants)
        if source.function is layer.step:
            known.add(layer.output.__name__)
        SubsetChecker(source.tree, short_path(source.file), known, findings).check()


def reachable(function: Callable[..., Any]) -> list[KernelSource]:
    """The kernel and all that it calls, callees first, each once. The order depends on the source alone."""
    order: dict[Callable[..., Any], KernelSource] = {}

    def visit(current: Callable[..., Any]) -> None:
        if current in order:
            return
        source = kernel_source(current)
        for name in sorted(source.calls):
            visit(source.calls[name])
        order[current] = source

    visit(function)
    return list(order.values())


def place_of(layer: Layer) -> Place:
    source = kernel_source(layer.step)
    return Place(short_path(source.file), source.tree.lineno)


def short_path(file: str) -> str:
    """A path relative to the working directory when it lies below it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@dataclass
class KernelText:
    """Collects the text of kernels for one generated module; each function is emitted once under its own name.

    taken: names that the rest of the module uses.
    """

    taken: frozenset[str] = frozenset()
    _emitted: dict[Callable[..., Any], str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)

    def add_layer(self, layer: Layer) -> str:
        """Adds a layer's output tuple, its step and what the step calls; returns the step's name in the module."""
        if layer.step in self._emitted:
            return self._emitted[layer.step]
        tuple_name = f"{layer.identifier}_out"
        fields = " ".join(field_name(port) for port in layer.outputs)
        self._texts.append(f'{tuple_name} = namedtuple("{tuple_name}", "{fields}")')
        return self._add(layer.step, layer.identifier, {layer.output.__name__: tuple_name}, inline=True)

    def add_function(self, function: Callable[..., Any]) -> str:
        """Adds a free-standing kernel, such as the venue's, under its own name."""
        return self._add(function, function.__name__, {})

    def text(self) -> str:
        body = "\n\n\n".join(self._texts)
        return f"{_FLOAT_BITS}\n\n\n{body}" if "float_bits(" in body else body

    def _add(self, function: Callable[..., Any], wanted: str, renames: dict[str, str], *, inline: bool = False) -> str:
        """inline: a step stands in one place only, and its outputs need not pass through memory when it is inlined."""
        if function in self._emitted:
            return self._emitted[function]
        source = kernel_source(function)
        calls = {n: self._add(f, f.__name__, {}) for n, f in sorted(source.calls.items())}
        name = wanted
        if name in self._names | self.taken | _DECORATORS:
            name = f"{wanted}_{function.__module__.rsplit('.', 1)[-1]}"
        self._names.add(name)
        self._emitted[function] = name
        rewritten = _Rewriter(name, renames | calls, source.constants).rewrite(_parsed(source.text))
        decorator = "inlined" if inline else "kernel"
        self._texts.append(f"# {function.__module__}\n@{decorator}\n{ast.unparse(rewritten)}")
        return name


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
            return ast.Constant(self._constants[node.id])
        return ast.Name(self._renames.get(node.id, node.id), node.ctx)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.Assign([self.visit(node.target)], self.visit(node.value))


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def imports(body: str) -> str:
    """The import lines of a generated module with this body."""
    names = {n.id for n in ast.walk(ast.parse(body)) if isinstance(n, ast.Name)}
    used = sorted(names & (MATH_FUNCTIONS | set(MATH_CONSTANTS)))
    lines = ["from collections import namedtuple"]
    if used:
        lines.append(f"from math import {', '.join(used)}")
    return "\n".join(
        [*lines, "", "import numpy as np", "", f"from graph.machine_code import {', '.join(sorted(_DECORATORS))}"]
    )
