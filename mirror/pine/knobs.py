"""Parameters and constants of a wiring as inputs that a trader can turn, with the exported values as defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stratoquant.graph.language import Parameters
from stratoquant.graph.model import Constant, Node
from stratoquant.graph.passes.p8_layout import scalar_fields
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.syntax import Call, Declare, Expr, Name, number, text

ROOM = 4  # how many times its exported value a window may be turned up: memory is sized for it


@dataclass(frozen=True)
class Knobs:
    """The inputs of one node. params: names by parameter; constants: names by the field of the wiring's constant."""

    declarations: tuple[Declare, ...]
    params: dict[str, Expr]
    constants: dict[str, Expr]
    largest: Parameters | None


def knobs(node: Node, name: str) -> Knobs:
    """The inputs of a node; `largest` are the parameters for which its memory must be sized."""
    declarations: list[Declare] = []
    params: dict[str, Expr] = {}
    constants: dict[str, Expr] = {}
    group = text(f"{node.key} {node.layer.name}")
    for parameter, bounds in _parameters(node):
        kind = "int" if isinstance(bounds.value, int) else "float"
        variable = safe(f"{name}_{parameter}")
        arguments = (number(bounds.value), text(parameter))
        named = (("minval", number(bounds.low)), ("maxval", number(bounds.high)), ("tooltip", text(bounds.meaning)))
        declarations.append(Declare(kind, variable, Call(kind, f"input.{kind}", arguments, (*named, ("group", group)))))
        params[parameter] = Name(kind, variable)
    for field, constant in _constants(node):
        variable = f"{name}_{field.removeprefix(f'{node.key}__')}_wired"
        value = Call("float", "input.float", (number(float(constant.value)), text(f"wired {field.split('__')[1]}")))
        declarations.append(
            Declare("float", variable, Call("float", value.function, value.arguments, (("group", group),)))
        )
        constants[field] = Name("float", variable)
    return Knobs(tuple(declarations), params, constants, _largest(node))


@dataclass(frozen=True)
class _Bounds:
    value: int | float
    low: int | float
    high: int | float
    meaning: str


def _parameters(node: Node) -> Iterator[tuple[str, _Bounds]]:
    if node.params is None:
        return
    for name, field in type(node.params).model_fields.items():
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        value = getattr(node.params, name)
        if field.annotation is int:
            yield name, _Bounds(int(value), int(low), _highest(int(value), int(high)), field.description or name)
        else:
            yield name, _Bounds(float(value), float(low), float(high), field.description or name)


def _highest(value: int, high: int) -> int:
    return min(high, max(ROOM * value, value))


def _largest(node: Node) -> Parameters | None:
    """Every whole parameter at the top of its knob."""
    if node.params is None:
        return None
    values = {name: bounds.high for name, bounds in _parameters(node) if isinstance(bounds.value, int)}
    return node.params.model_copy(update=values)


def _constants(node: Node) -> Iterator[tuple[str, Constant]]:
    for port, binding in node.inputs.items():
        for field, scalar in scalar_fields(node.key, port, binding):
            if isinstance(scalar, Constant):
                yield field, scalar
