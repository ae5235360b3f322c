"""The words in which a layer is declared: parameters, model, memory, kernels, the layer. Nothing here compiles.

A layer file reads like this:

    class Params(Parameters):
        window: int = param(14, 2, 500, "bars of the average")

    class Memory(State):
        gain: Rma
        close: float = nan

    class Out(NamedTuple):
        rsi: Unit

    @layer(14, "rsi", domain="kinematics", source="Wilder 1978", warmup=lambda p: p.window)
    def step(s: Memory, p: Params, close: Price) -> Out: ...

`s` or `p` is left out when the layer has no memory or no parameters. A layer that was fitted to data takes its numbers
as a third argument, `m: Weights`, where Weights is a Model: arrays that a file beside the wiring holds.
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from keyword import iskeyword
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from stratoquant.graph.account import ORDER_PORTS
from stratoquant.graph.origin import Declared, Origin, read_origins
from stratoquant.graph.types import PortType, Vector, port_type

ROLES = ("", "gate", "governor")
"""What a layer may be to an order besides one of its sources; see `layer`."""

BOUND = "bound"
"""The output of a gate that |position + everything that can still fill| must not exceed, quantity."""

DOMAINS = (
    "data",
    "regime",
    "microstructure",
    "kinematics",
    "pattern",
    "fusion",
    "meta",
    "rl",
    "risk",
    "execution",
    "block",
)

SCOPES, LOOPS, PINE = ("symbol", "portfolio"), ("open", "closed"), ("yes", "no", "source")

Function = TypeVar("Function", bound=Callable[..., Any])
Key = TypeVar("Key")
Result = TypeVar("Result")


class Parameters(BaseModel):
    """What the wiring may set on a node. Every field is a bounded number made by `param`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def param(default: float, low: float, high: float, meaning: str) -> Any:
    """A parameter with its default, its inclusive bounds and what it means, its unit included."""
    return Field(default=default, ge=low, le=high, description=meaning, allow_inf_nan=False)


@dataclass(frozen=True)
class _ArraySpec:
    pass


Array = Annotated[Vector, _ArraySpec()]
"""A fixed array of floats inside a state; its size is given by `array`."""

Capacity = int | Callable[[Any], int] | None
PER_SYMBOL = -1
"""As the size of an array in the memory of a portfolio layer: one element a symbol."""


@dataclass(frozen=True)
class Sizing:
    """How many values an array, or the arrays of a nested state, must be able to hold.

    capacity: a number, a function of the layer's parameters, PER_SYMBOL, or None for what the enclosing state says.
    fill: the value that each element has at the start.
    """

    capacity: Capacity = None
    fill: float = 0.0


def array(capacity: Capacity = None, fill: float = 0.0) -> Any:
    """The size of an `Array` field. A number is taken as it is; anything else is rounded up to a power of two.

    Its places count from 0. What lies before the first or behind the last of them is not the field's, and compiled code
    does not ask.
    """
    return Sizing(capacity, fill)


def sized(capacity: Capacity = None) -> Any:
    """The window that the arrays of a nested state must hold, as a function of the layer's parameters."""
    return Sizing(capacity)


class State:
    """Base of memory declarations: fields are `float`, `int`, `Array` or another State."""


class Model(State):
    """Base of the numbers that a fit found: fields are `Array` with a fixed size. They come from a model file that the
    wiring names, are the same for all symbols, and a step only reads them."""


@dataclass(frozen=True)
class StateField:
    """One field of a state. kind: 'float', 'int', 'array' or 'state'."""

    name: str
    kind: str
    default: float = 0.0
    sizing: Sizing = field(default_factory=Sizing)
    state: type[State] | None = None


def remembered(function: Callable[[Key], Result]) -> Callable[[Key], Result]:
    """functools.cache for one argument, with the types of the function."""
    return cache(function)


@remembered
def state_fields(state: type[State]) -> tuple[StateField, ...]:
    """The declared fields of a state in order. Raises TypeError on a field of another kind."""
    fields = []
    for name, hint in get_type_hints(state, include_extras=True).items():
        declared = getattr(state, name, None)
        if hint is float or hint is int:
            fields.append(StateField(name, hint.__name__, default=0 if declared is None else declared))
        elif get_origin(hint) is Annotated and _ArraySpec() in get_args(hint):
            fields.append(StateField(name, "array", sizing=declared or Sizing()))
        elif isinstance(hint, type) and issubclass(hint, State):
            fields.append(StateField(name, "state", sizing=declared or Sizing(), state=hint))
        else:
            raise TypeError(f"{state.__name__}.{name}: a state field is float, int, Array or another State, not {hint}")
    return tuple(fields)


def port_name(argument: str) -> str:
    """The port of an argument or output field; a trailing underscore frees names that Python keeps, as in `pass_`."""
    return argument.removesuffix("_")


def field_name(port: str) -> str:
    """The output field of a port, the inverse of `port_name`."""
    return f"{port}_" if iskeyword(port) else port


def float_bits(x: float) -> int:
    """The 64 bits of a double as a signed integer; kernels may call it."""
    return int(struct.unpack("<q", struct.pack("<d", x))[0])


def kernel(function: Function) -> Function:
    """Marks a function that steps may call: same subset of the language, arguments are numbers, states or arrays."""
    function.__is_kernel__ = True  # type: ignore[attr-defined]
    return function


def is_kernel(value: object) -> bool:
    return bool(getattr(value, "__is_kernel__", False))


@dataclass(frozen=True)
class Forecast:
    """What an output forecasts: the close some steps later. See graph.forecasts.

    horizon: the parameter that holds the number of steps. side: the input whose sign is the side that is forecast;
    without it, a rise. cost: the input that holds the bps of a fill, of which an expectancy is net twice. like: the
    input whose forecast is passed on, in place of all others.
    """

    horizon: str = ""
    side: str = ""
    cost: str = ""
    like: str = ""


@dataclass(frozen=True)
class Cut:
    """What an output leaves of a size, as a factor; see graph.size_cuts. taken: it is the share that is taken away. of:
    the input that holds the size that was asked for, where the output is an amount."""

    of: str = ""
    taken: bool = False


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as declared. `step` takes memory, parameters and inputs in this order, and returns an `output` tuple."""

    number: int | None
    name: str
    domain: str
    step: Callable[..., Any]
    output: type
    inputs: dict[str, PortType]
    outputs: dict[str, PortType]
    params: type[Parameters] | None
    model: type[Model] | None
    state: type[State] | None
    portfolio: bool
    closed_loop: bool
    warmup: Callable[[Any], int]
    source: str
    oracle: str
    pine: str
    role: str
    origins: dict[str, Origin]
    sends: dict[str, str]
    labels: dict[str, tuple[str, ...]]
    says: str
    causes: dict[str, tuple[str, ...]]
    forecasts: dict[str, Forecast]
    cuts: dict[str, Cut]

    @property
    def key(self) -> str:
        """L14 for a numbered layer, the bare name for a block."""
        return self.name if self.number is None else f"L{self.number}"

    @property
    def identifier(self) -> str:
        """The name that the generated code uses: l14_rsi."""
        return self.name if self.number is None else f"l{self.number}_{self.name}"

    @property
    def doc(self) -> str:
        """The layer's page: the docstring of its module."""
        return inspect.cleandoc(inspect.getmodule(self.step).__doc__ or "")


def layer(
    number: int | None,
    name: str,
    *,
    domain: str,
    source: str,
    oracle: str = "",
    pine: str = "no",
    scope: str = "symbol",
    loop: str = "open",
    role: str = "",
    origins: Mapping[str, Declared] | None = None,
    sends: Mapping[str, str] | None = None,
    warmup: Callable[[Any], int] = lambda _: 0,
    labels: dict[str, tuple[str, ...]] | None = None,
    says: str = "",
    causes: dict[str, tuple[str, ...]] | None = None,
    forecasts: dict[str, Forecast] | None = None,
    cuts: dict[str, Cut] | None = None,
) -> Callable[[Callable[..., Any]], Layer]:
    """Declares the step below it as a layer.

    number: the catalogue's number, None for an unnumbered block. pine: 'yes', 'no' or 'source'. scope: 'symbol' or
    'portfolio'. loop: 'closed' when the layer reads the account. role: 'gate' for the one layer that turns proposals
    into targets and limits them by its port `bound`, 'governor' for the latch that the gate obeys. origins: where
    inputs must come from, see graph.origin. sends: the order ports that its outputs may feed, each with the output.
    warmup: steps whose outputs are withheld, from the parameters. labels: names of the classes or bits of an output
    port, in order. says: one step in words, in which {port} stands for a value of an output or an input. causes: for
    names of bits, the inputs that set them. forecasts: what outputs forecast, by port.
    cuts: the outputs that cut the size of a position.
    """

    def declare(step: Callable[..., Any]) -> Layer:
        hints = get_type_hints(step, include_extras=True)
        if "return" not in hints:
            raise TypeError(f"layer {name}: the step does not say what it returns; write `-> Out` after its arguments")
        for word, value, known in (("scope", scope, SCOPES), ("loop", loop, LOOPS), ("pine", pine, PINE)):
            if value not in known:
                raise TypeError(f"layer {name}: {word}={value!r}, but {word} is one of {', '.join(known)}")
        output = hints.pop("return")
        classes = [h for h in hints.values() if isinstance(h, type)]
        state = next((h for h in classes if issubclass(h, State) and not issubclass(h, Model)), None)
        model = next((h for h in classes if issubclass(h, Model)), None)
        params = next((h for h in classes if issubclass(h, Parameters)), None)
        inputs = {port_name(n): port_type(h) for n, h in hints.items() if h not in (state, params, model)}
        outputs = {port_name(n): port_type(h) for n, h in get_type_hints(output, include_extras=True).items()}
        if domain not in DOMAINS:
            raise TypeError(f"layer {name}: unknown domain {domain!r}; the domains are {', '.join(DOMAINS)}")
        if role not in ROLES:
            raise TypeError(f"layer {name}: unknown role {role!r}; a role is gate, governor or left out")
        if role == "gate" and (BOUND not in outputs or outputs[BOUND].edge.name != "qty"):
            raise TypeError(f"layer {name}: a gate has an output `{BOUND}: Qty`, the largest position that it allows")
        unknown = [port for port in origins or {} if port not in inputs]
        if unknown:
            raise TypeError(f"layer {name}: origins name {', '.join(unknown)}, which is no input")
        wrong = [f"{port}: {output}" for port, output in (sends or {}).items() if output not in outputs]
        if wrong or not set(sends or {}) <= set(ORDER_PORTS):
            raise TypeError(f"layer {name}: sends maps order ports ({', '.join(ORDER_PORTS)}) to outputs of the layer")
        for port, forecast in (forecasts or {}).items():
            named = [n for n in (forecast.side, forecast.cost, forecast.like) if n and n not in inputs]
            if (
                port not in outputs
                or named
                or not (forecast.like or forecast.horizon in getattr(params, "model_fields", ()))
            ):
                what = "an output, its inputs, and the parameter that is its horizon"
                raise TypeError(f"layer {name}: the forecast of {port} does not name {what}")
        if any(port not in outputs or (cut.of and cut.of not in inputs) for port, cut in (cuts or {}).items()):
            raise TypeError(f"layer {name}: cuts name outputs, and inputs that hold the size that was asked for")
        return Layer(
            number=number,
            name=name,
            domain=domain,
            step=step,
            output=output,
            inputs=inputs,
            outputs=outputs,
            params=params,
            model=model,
            state=state,
            portfolio=scope == "portfolio",
            closed_loop=loop == "closed",
            warmup=warmup,
            source=source,
            oracle=oracle,
            pine=pine,
            role=role,
            origins=read_origins(origins or {}),
            sends=dict(sends or {}),
            labels=labels or {},
            says=says,
            causes=causes or {},
            forecasts=forecasts or {},
            cuts=cuts or {},
        )

    return declare
