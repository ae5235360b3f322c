"""The nodes of the intermediate representation: typed expressions, and statements in structured control flow.

Every expression knows its type and every conversion is a `Cast`: nothing is inferred from here on. `place` is where a
node stands in the module's text. Values of records and arrays are addresses; a number is read at its `Field` or `Item`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from stratoquant.graph.kernel.types import BOOL, INT, Number, Tuple, Type


class Place(NamedTuple):
    """Line and column of the module's text, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Constant:
    type: Number
    value: float | int | bool
    place: Place


@dataclass(frozen=True, slots=True)
class Variable:
    """A local's present value. One name has a variable per type that it takes."""

    type: Type
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record."""

    type: Type
    record: Expression
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Item:
    """An element of an array, or, with fewer indices than axes, the array below it. Indices count from the front.

    outside: where an index outside the array is noted, in a guarded kernel; such an element is missing (NaN or 0), what
    is written to it is dropped, and such an array is empty. None: the index is not checked.
    """

    type: Type
    array: Expression
    indices: tuple[Expression, ...]
    place: Place
    outside: Variable | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first `count` elements of an array of one axis: none for a count below minus the length, all for one above
    it; a negative count leaves out elements at the end."""

    type: Type
    array: Expression
    count: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Length:
    """The length of an array along an axis."""

    array: Expression
    axis: int
    place: Place

    @property
    def type(self) -> Number:
        return INT


@dataclass(frozen=True, slots=True)
class Make:
    """A tuple of values."""

    type: Tuple
    parts: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a tuple."""

    type: Type
    tuple: Expression
    index: int
    place: Place


@dataclass(frozen=True, slots=True)
class Cast:
    """A number, or the numbers of a tuple, as another type. To bool: whether it is not 0, so NaN is true. float to int
    rounds towards 0."""

    type: Type
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Unary:
    """operator: `-`, `not`, `~`, or `bits`, the 64 bits of a float as an int."""

    type: Number
    operator: str
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values of one type, except the int exponent of `**`. operator: as in Python, or `min` or `max`: the right
    value if it is below, or above, the left one, else the left one."""

    type: Number
    operator: str
    left: Expression
    right: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers of one type compared. With NaN only `!=` holds."""

    operator: str
    left: Expression
    right: Expression
    place: Place

    @property
    def type(self) -> Number:
        return BOOL


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` of two bools; the right one is not evaluated where the left one decides."""

    operator: str
    left: Expression
    right: Expression
    place: Place

    @property
    def type(self) -> Number:
        return BOOL


@dataclass(frozen=True, slots=True)
class Choose:
    """One of two values; the other one is not evaluated."""

    type: Type
    condition: Expression
    yes: Expression
    no: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Keep:
    """A value, which is also set to a variable that only the same expression reads."""

    type: Type
    name: str
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel's result."""

    type: Type
    function: Function
    arguments: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Math:
    """A function of `math`, by its name there. floor, ceil and trunc give a float here."""

    type: Number
    name: str
    arguments: tuple[Expression, ...]
    place: Place


Expression = (
    Constant
    | Variable
    | Field
    | Item
    | Prefix
    | Length
    | Make
    | Part
    | Cast
    | Unary
    | Binary
    | Compare
    | Logic
    | Choose
    | Keep
    | Call
    | Math
)


@dataclass(frozen=True, slots=True)
class Set:
    """A value given to a variable of its type."""

    name: str
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Store:
    """A number written to memory."""

    target: Field | Item
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Do:
    """A call for its effects."""

    call: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    body: Block
    otherwise: Block
    place: Place


@dataclass(frozen=True, slots=True)
class While:
    """at_end: run when the condition fails, not after a `break`."""

    condition: Expression
    body: Block
    at_end: Block
    place: Place


@dataclass(frozen=True, slots=True)
class For:
    """Counts from start towards stop; all three numbers are evaluated once. A step of 0 runs nothing."""

    name: str
    start: Expression
    stop: Expression
    step: Expression
    body: Block
    at_end: Block
    place: Place


@dataclass(frozen=True, slots=True)
class Break:
    place: Place


@dataclass(frozen=True, slots=True)
class Continue:
    place: Place


@dataclass(frozen=True, slots=True)
class Return:
    """value: None in a function that returns nothing."""

    value: Expression | None
    place: Place


Statement = Set | Store | Do | If | While | For | Break | Continue | Return
Block = list[Statement]


@dataclass(eq=False, slots=True)
class Function:
    """A kernel for given types of its arguments. symbol: its name in machine code, which tells the types too.

    guarded: its indices are checked when it runs; its first parameter is then where one outside is noted.
    """

    name: str
    symbol: str
    parameters: tuple[tuple[str, Type], ...]
    result: Type
    body: Block
    inline: bool = False
    guarded: bool = False
    calls: list[Function] = field(default_factory=list)
