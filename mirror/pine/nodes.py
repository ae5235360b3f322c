"""A layer in Pine: a type that holds its memory, its parameters and its outputs, and a function that steps it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from stratoquant.graph.kernels import kernel_source
from stratoquant.graph.language import Layer, Parameters
from stratoquant.mirror.pine import helpers
from stratoquant.mirror.pine.expressions import Expressions
from stratoquant.mirror.pine.facts import Facts
from stratoquant.mirror.pine.kernels import translate
from stratoquant.mirror.pine.kinds import Kinds
from stratoquant.mirror.pine.library import Library
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.syntax import (
    FLOATS,
    NA,
    Assign,
    Binary,
    Block,
    Call,
    Do,
    Expr,
    Field,
    Function,
    If,
    Name,
    Statement,
    TypeDef,
    Unary,
    integer,
    parts,
)
from stratoquant.mirror.pine.types import EVENT

NODE = "node"


@dataclass(frozen=True)
class PineLayer:
    """A layer as the script knows it. own: the fields that its step works with, with their types. outputs: those that
    are kept, with theirs."""

    layer: Layer
    type: str
    function: str
    own: tuple[tuple[str, str], ...]
    outputs: dict[str, str]


def add_layer(layer: Layer, library: Library, vectors_read: Iterable[str]) -> PineLayer:
    """Writes a layer's types and its stepping function into the library. Raises NoPineFormError.

    vectors_read: the vector outputs that somebody reads; the others are not kept.
    """
    prefix = library.free_type(layer.key if layer.number is not None else layer.name.title().replace("_", ""))
    outputs = {
        port: "float" if kind.size is None else FLOATS
        for port, kind in layer.outputs.items()
        if kind.size is None or port in vectors_read
    }
    library.name_layer_types(prefix, layer)
    own = [("memory", library.type_name(layer.state))] if layer.state else []
    own += [("params", library.type_name(layer.params))] if layer.params else []
    own += [("model", library.type_name(layer.model))] if layer.model else []
    fields = [*own, ("steps", "int"), ("warmup", "int"), *((safe(port), kind) for port, kind in outputs.items())]
    library.add_type(TypeDef(prefix, tuple(fields), f"{layer.key} {layer.name}"))
    function = _step(layer, library, prefix, outputs)
    library.add_function(function)
    return PineLayer(layer, prefix, function.name, tuple(own), outputs)


def _step(layer: Layer, library: Library, type_name: str, outputs: dict[str, str]) -> Function:
    node = Name(type_name, NODE)
    targets = {port: Field(outputs[port], node, safe(port)) if port in outputs else None for port in layer.outputs}
    translated = translate(layer.step, library.need, library.type_name, targets)
    inputs = [(n, k) for n, k in translated.parameters if isinstance(k, str)]
    steps, warmup = Field("int", node, "steps"), Field("int", node, "warmup")
    silence = _silence(targets.values(), library)
    taken: list[Statement] = [*translated.body, Assign(steps, Binary("int", "+", steps, integer(1)))]
    taken.append(If(Binary("bool", "<=", steps, warmup), silence))
    condition = _ready(layer, inputs, library)
    body: Block = (*silence, *([If(condition, tuple(taken))] if condition else taken))
    title = (
        f"---- {layer.key} {layer.name} ({layer.domain}) ----\nSource: {layer.source}" if layer.source else layer.key
    )
    parameters = ((NODE, type_name), *_own(layer, library), *inputs)
    name = library.free_function(f"f_{layer.identifier}")
    return Function(name, parameters, body, integer(0), title)


def _own(layer: Layer, library: Library) -> list[tuple[str, str]]:
    """The parts of the node that the step works with, as parameters: PineTS loses fields of a function's locals."""
    own = [("s", library.type_name(layer.state))] if layer.state else []
    own += [("p", library.type_name(layer.params))] if layer.params else []
    return own + ([("m", library.type_name(layer.model))] if layer.model else [])


def own_arguments(layer: PineLayer, node: Expr) -> list[Expr]:
    """The arguments of a step that come before its inputs."""
    return [node, *(Field(kind, node, name) for name, kind in layer.own)]


def _silence(targets: Iterable[Expr | None], library: Library) -> Block:
    """Makes every output missing."""
    lines: list[Statement] = []
    for target in targets:
        if target is not None and target.type == FLOATS:
            lines.append(Do(Call("int", library.need(helpers.clear).name, (target,))))
        elif target is not None:
            lines.append(Assign(target, NA))
    return tuple(lines) or (Do(integer(0)),)


def _ready(layer: Layer, inputs: list[tuple[str, str]], library: Library) -> Expr | None:
    """The step is taken when every required input is there; a vector when any of its elements is."""
    tests: list[Expr] = []
    for (port, kind), (name, written) in zip(layer.inputs.items(), inputs, strict=True):
        if kind.optional or written == EVENT or port not in layer.inputs:
            continue
        value = Name(written, name)
        if written == FLOATS:
            tests.append(Call("bool", library.need(helpers.any_known).name, (value,)))
        else:
            tests.append(Unary("bool", "not", Call("bool", "na", (value,))))
    if not tests:
        return None
    joined = tests[0]
    for test in tests[1:]:
        joined = Binary("bool", "and", joined, test)
    return joined


def warmup(layer: Layer, params: dict[str, Expr]) -> Expr:
    """The layer's own warm-up as an expression of its parameters' values, so that a turned knob moves it too."""
    for decorator in kernel_source(layer.step).tree.decorator_list:
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        for keyword in keywords:
            if keyword.arg == "warmup" and isinstance(keyword.value, ast.Lambda):
                return _of_parameters(layer, keyword.value, params)
    return integer(0)


def _of_parameters(layer: Layer, function: ast.Lambda, params: dict[str, Expr]) -> Expr:
    source = kernel_source(layer.step)
    argument = function.args.args[0].arg
    kinds = Kinds({argument: layer.params or Parameters}, source.constants, lambda _: None)
    facts = Facts(kinds, source.constants, {}, [])
    names = {layer.params: "Params"} if layer.params else {}
    written = Expressions(kinds, source.constants, {}, _no_kernel, facts, set(), names).translate(function.body)
    return _with_parameters(written, params)


def _no_kernel(function: object) -> object:
    raise AssertionError("a warm-up calls no kernel")


def _with_parameters(expr: Expr, params: dict[str, Expr]) -> Expr:
    """Puts the values of parameters in place of the fields that stand for them."""
    if isinstance(expr, Field):
        return params[expr.name.removesuffix("_")] if expr.name not in params else params[expr.name]
    inner = tuple(_with_parameters(part, params) for part in parts(expr))
    if isinstance(expr, Unary):
        return Unary(expr.type, expr.operator, *inner)
    if isinstance(expr, Binary):
        return Binary(expr.type, expr.operator, *inner)
    return Call(expr.type, expr.function, inner) if isinstance(expr, Call) else expr
