"""Kernels as source: finds each function that a step needs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from stratoquant.graph.diagnostics import Place
from stratoquant.graph.functions import WRITTEN_OUT
from stratoquant.graph.kernel.words import MATH_CONSTANTS
from stratoquant.graph.language import Layer, is_kernel


@dataclass(frozen=True)
class KernelSource:
    """One function of the kernel language. calls: the kernels that it calls, by the name it uses for them."""

    function: Callable[..., Any]
    text: str
    tree: ast.FunctionDef
    file: str
    calls: dict[str, Callable[..., Any]]
    constants: dict[str, float]

    def new_tree(self) -> ast.FunctionDef:
        """A tree that may be changed."""
        return _parsed(self.text)


@cache
def kernel_source(function: Callable[..., Any]) -> KernelSource:
    """Parses a kernel and resolves the globals that it names. Line numbers are those of its file."""
    code: CodeType = function.__code__
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    tree = _parsed(text)
    ast.increment_lineno(tree, first - 1)
    parts = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    own = {n.id for n in parts if isinstance(n.ctx, ast.Store)} | {a.arg for a in tree.args.args}
    names = {n.id for n in parts} - own  # a local or an argument hides a global of its name
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


def reachable(function: Callable[..., Any]) -> list[KernelSource]:
    """The kernel and all that it calls, callees first, each once. The order depends on the source alone."""
    order: dict[Callable[..., Any], KernelSource] = {}
    seen = set()

    def visit(current: Callable[..., Any]) -> None:
        if current in seen:
            return
        seen.add(current)
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
    """A path relative to the working directory when it lies below it, as it is without links."""
    path = Path(file).resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
