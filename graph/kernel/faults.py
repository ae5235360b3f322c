"""Where a reader of kernels says what is wrong: as findings for people, or as an exception about an emitted module."""

from __future__ import annotations

import ast
from typing import Protocol

from stratoquant.graph.diagnostics import Diagnostic, Place
from stratoquant.graph.kernel import nodes
from stratoquant.graph.kernel.errors import KernelTypeError

SYNTAX = frozenset(f"K00{number}" for number in range(1, 8)) | {"K009"}
"""Codes of what is wrong wherever it stands, in code that never runs too."""


class Faults(Protocol):
    """refuse: of what has no machine code; the reader goes on with a stand-in. doubt: of what has, but is a mistake."""

    def refuse(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None: ...

    def doubt(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None: ...

    def count(self) -> int:
        """How many there are, for `forget`."""

    def forget(self, count: int, *, but: frozenset[str] = frozenset()) -> None:
        """Takes back all after the first `count`: the lines are read again. but: codes that stay."""


class FoundFaults:
    """Collects the faults of one kernel."""

    def __init__(self, kernel: str, file: str) -> None:
        self.found: list[Diagnostic] = []
        self._kernel = kernel
        self._file = file

    def refuse(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None:
        place = Place(self._file, node.lineno, node.col_offset + 1)
        self.found.append(Diagnostic(code, f"kernel {self._kernel}: {message}", place, hint))

    doubt = refuse

    def count(self) -> int:
        return len(self.found)

    def forget(self, count: int, *, but: frozenset[str] = frozenset()) -> None:
        self.found[count:] = [fault for fault in self.found[count:] if fault.code in but]


class RaisedFaults:
    """For kernels that have been checked: the first refusal is raised as KernelTypeError."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel

    def refuse(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None:
        raise KernelTypeError(self._kernel, message, nodes.Place(node.lineno, node.col_offset + 1))

    def doubt(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None:
        pass

    def count(self) -> int:
        return 0

    def forget(self, count: int, *, but: frozenset[str] = frozenset()) -> None:
        pass
