"""Calls of compiled entries from Python, the same for every backend."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np

READ_ONLY = frozenset(
    ("times", "events", "params", "constants", "settings", "limits", "spans", "shared_spans", "bounds", "shared_bounds")
)
"""Names of an entry's arguments that compiled code never writes."""

OVERLAPPING = frozenset(("market", "market_values", "edges", "edge_values", "shared", "shared_values"))
"""Names of its arguments that show the same memory twice: as records, and as plain numbers. All others are apart."""

WORDS_BEFORE_SHAPE = 5
ADDRESS_WORD = 4
"""An array argument is words: owner, parent, elements, bytes of an element, address, lengths, strides."""

Argument = tuple[np.dtype[Any], int] | type[int] | type[float]
"""The type of an argument: of an array its dtype and axes."""

Enter = Callable[[ctypes.c_void_p], int]


class MachineCode:
    """enter: takes the address of the arguments' words. Another that gives the same bits may replace it between two
    calls."""

    def __init__(self, enter: Enter) -> None:
        self.enter = enter


class Entry(Protocol):
    """A compiled function that is called from Python, with machine code per types of its arguments. The machine code
    lives as long as the entry."""

    def enter(self, arguments: tuple[Argument, ...]) -> MachineCode:
        """The machine code, made now or taken from the disk."""

    def finish(self) -> None:
        """Waits until the machine code is the best there will be."""


class Call:
    """A call of an entry with its arguments bound; it costs a fraction of a microsecond however many there are.

    Arguments are C-contiguous arrays, whole numbers (int64) and floats. Arrays are read where they lie, at each call.
    """

    def __init__(self, entry: Entry, arguments: Sequence[Any]) -> None:
        """Makes the machine code for these types of arguments, or takes it from the disk."""
        self._types = [argument_type(argument) for argument in arguments]
        self._entry = entry  # it, and what the addresses point to, live as long as the call
        self._code = entry.enter(tuple(self._types))
        self._arguments = list(arguments)
        words = [_words(argument) for argument in arguments]
        self._places = np.cumsum([0, *map(len, words)]).tolist()
        self._table = (ctypes.c_int64 * self._places[-1])(*(word for each in words for word in each))
        self._address = ctypes.c_void_p(ctypes.addressof(self._table))

    def __call__(self) -> int:
        """What the entry returns. Raises RuntimeError when it fails, which no kernel of a checked layer can."""
        result = self._code.enter(self._address)
        if result < 0:
            raise RuntimeError("the compiled code failed")
        return result

    def put(self, position: int, argument: Any) -> None:
        """Takes another argument of the same type."""
        if argument_type(argument) != self._types[position]:
            raise TypeError(f"argument {position} is no {_named(self._types[position])}")
        self._arguments[position] = argument
        self._table[self._places[position] : self._places[position + 1]] = _words(argument)


def argument_type(argument: Any) -> Argument:
    """Raises TypeError for what cannot be handed over by its address: machine code asks nothing."""
    if isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise TypeError("an entry takes C-contiguous arrays")
        return argument.dtype, argument.ndim
    if isinstance(argument, float):
        return float
    if isinstance(argument, int | np.int64) and not isinstance(argument, bool):
        return int
    raise TypeError(f"an entry cannot take a {type(argument).__name__}")


def _named(kind: Argument) -> str:
    return kind.__name__ if isinstance(kind, type) else f"array of {kind[1]} axes and dtype {kind[0]}"


def words_of(kind: Argument) -> int:
    """How many words an argument takes."""
    return 1 if isinstance(kind, type) else WORDS_BEFORE_SHAPE + 2 * kind[1]


def _words(argument: Any) -> tuple[int, ...]:
    """An argument as numba holds it in memory: of an array no owner, no parent, sizes, address, shape and strides."""
    if isinstance(argument, np.ndarray):
        return (0, 0, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides)
    return (int(np.asarray(argument).view(np.int64)),)


@cache
def signature_text(arguments: tuple[Argument, ...]) -> str:
    """The types of arguments, for a key: layouts of records included."""
    return ";".join(k.__name__ if isinstance(k, type) else f"{k[0].descr}{k[0].itemsize}x{k[1]}" for k in arguments)
