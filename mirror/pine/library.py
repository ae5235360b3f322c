"""The functions and types that a script needs, each once, callees before their callers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stratoquant.graph.language import Layer
from stratoquant.mirror.pine.kernels import return_kind, translate
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.syntax import Function, TypeDef
from stratoquant.mirror.pine.types import EVENT, EVENT_FIELDS, field_types, type_definition

GRAPH, SERIES, CHECK = "Graph", "Series", "Check"
OWN_TYPES = (GRAPH, SERIES, CHECK)
TAKE_STEP, SEEK = "f_take_step", "f_seek"
OWN_FUNCTIONS = (TAKE_STEP, SEEK)
"""Names that a script needs for itself, whatever layers and kernels it holds."""


@dataclass(frozen=True)
class PineKernel:
    """A kernel as the script knows it."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str


class Library:
    """Collects types and functions in the order in which a script must define them."""

    def __init__(self) -> None:
        self.types: dict[str, TypeDef] = {
            EVENT: TypeDef(EVENT, tuple((safe(n), k) for n, k in EVENT_FIELDS.items()), "One bar of the chart.")
        }
        self.functions: dict[str, Function] = {}
        self.type_names: dict[type, str] = {}
        self._kernels: dict[Callable[..., Any], PineKernel] = {}

    def need(self, function: Callable[..., Any]) -> PineKernel:
        """The kernel's place in the script; it and all that it calls are added. Raises NoPineFormError."""
        if function not in self._kernels:
            translated = translate(function, self.need, self.type_name)
            parameters = tuple((n, k if isinstance(k, str) else self.type_name(k)) for n, k in translated.parameters)
            name = self.free_function(f"f_{function.__name__}")
            returns = return_kind(function) or "int"
            self._kernels[function] = PineKernel(name, parameters, returns)
            note = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
            self.functions[name] = Function(name, parameters, translated.body, translated.result, note)
        return self._kernels[function]

    def type_name(self, owner: type, wanted: str | None = None) -> str:
        """The name of a State or Parameters class in the script; it and the types inside it are added."""
        if owner not in self.type_names:
            for inner in field_types(owner).values():
                if isinstance(inner, type):
                    self.type_name(inner)
            name = self.free_type(safe(wanted or owner.__name__))
            self.type_names[owner] = name
            self.types[name] = type_definition(name, owner, self.type_names)
        return self.type_names[owner]

    def name_layer_types(self, prefix: str, layer: Layer) -> None:
        """Gives a layer's own classes, which are all called alike, names of their own."""
        for owner, suffix in ((layer.state, "Memory"), (layer.params, "Params"), (layer.model, "Model")):
            if owner is not None:
                self.type_name(owner, f"{prefix}{suffix}")

    def add_function(self, function: Function) -> None:
        assert function.name not in self.functions, function.name
        self.functions[function.name] = function

    def add_type(self, definition: TypeDef) -> None:
        assert definition.name not in self.types, definition.name
        self.types[definition.name] = definition

    def free_function(self, wanted: str) -> str:
        """The name, or with a number where a function has it."""
        return self._free(wanted, {*self.functions, *OWN_FUNCTIONS})

    def free_type(self, wanted: str) -> str:
        """The name, or with a number where a type has it."""
        return self._free(wanted, {*self.types, *OWN_TYPES})

    @staticmethod
    def _free(wanted: str, taken: set[str]) -> str:
        name, count = wanted, 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        return name
