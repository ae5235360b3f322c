"""An emitted module as syntax trees: its kernels, its output tuples and its constants."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from stratoquant.graph.kernel.words import MATH_CONSTANTS


@dataclass(frozen=True)
class ModuleSource:
    """The parts of a module by name. tuples: the field names of each output tuple. marks: the decorator of a kernel."""

    functions: dict[str, ast.FunctionDef]
    marks: dict[str, str]
    tuples: dict[str, tuple[str, ...]]
    constants: dict[str, float]

    @property
    def entry(self) -> str:
        """The function that is called from Python."""
        return next(name for name, mark in self.marks.items() if mark == "entry")


def parse_module(text: str) -> ModuleSource:
    """Parses an emitted module: imports, `NAME = number`, `NAME = namedtuple(...)` and decorated functions."""
    functions, marks = {}, {}
    tuples: dict[str, tuple[str, ...]] = {}
    constants: dict[str, float] = dict(MATH_CONSTANTS)
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.FunctionDef):
            (mark,) = statement.decorator_list
            assert isinstance(mark, ast.Name)
            functions[statement.name], marks[statement.name] = statement, mark.id
        elif isinstance(statement, ast.Assign):
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            if isinstance(statement.value, ast.Call):
                tuples[target.id] = tuple(ast.literal_eval(statement.value.args[1]).split())
            else:
                constants[target.id] = ast.literal_eval(statement.value)
    return ModuleSource(functions, marks, tuples, constants)
