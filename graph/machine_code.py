"""The reference backend: an emitted module compiled by numba as it stands, with nothing of this project between.

It takes many times as long as LLVM through graph.kernel, and gives the same bits: that is what it is for. It does not
check the indices of the user's own layers, which can then overwrite any memory. Only emitted modules and what runs them
with `STRATOQUANT_BACKEND=numba` import this.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit, typeof

from stratoquant.graph.kernel.call import ADDRESS_WORD, WORDS_BEFORE_SHAPE, Argument, MachineCode, words_of

_NUMPY_RULES = {"error_model": "numpy"}
"""A division by zero gives an infinity or NaN."""

kernel = njit(**_NUMPY_RULES)
"""Decorates what only compiled code calls."""

inlined = kernel
"""Decorates a kernel that stands in one place only."""

entry = njit(**_NUMPY_RULES, cache=True)
"""Decorates the one function of a module that is called from Python. It returns an integer >= 0."""


@kernel
def guarded(outside, step, *arguments):  # type: ignore[no-untyped-def]
    """Calls the step of a layer of the user's own. numba has no check of indices that notes what is outside and goes
    on, so this backend checks none: machine code from LLVM does, and differs for a layer that leaves its arrays."""
    return step(*arguments)


class NumbaEntry:
    """The entry of a module that numba compiles, called as numba's functions are: with Python's objects."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def enter(self, arguments: tuple[Argument, ...]) -> MachineCode:
        self._function.compile(tuple(_type(argument) for argument in arguments))

        def call(table: ctypes.c_void_p) -> int:
            result: int = self._function(*_objects(table.value or 0, arguments))
            return result

        return MachineCode(call)

    def finish(self) -> None:
        """There is one machine code."""


def _type(argument: Argument) -> Any:
    """numba's type of an argument."""
    if isinstance(argument, type):
        return typeof(argument())
    dtype, axes = argument
    return typeof(np.empty((1,) * axes, dtype))


def _objects(address: int, arguments: tuple[Argument, ...]) -> Iterator[Any]:
    """The arguments whose words begin at an address; arrays show the memory that the words name."""
    for argument in arguments:
        count = words_of(argument)
        words = (ctypes.c_int64 * count).from_address(address)
        if isinstance(argument, type):
            yield argument(np.array(words[0]).view(np.float64 if argument is float else np.int64))
        else:
            dtype, axes = argument
            shape = tuple(words[WORDS_BEFORE_SHAPE : WORDS_BEFORE_SHAPE + axes])
            size = int(np.prod(shape)) * dtype.itemsize
            memory = (ctypes.c_char * size).from_address(words[ADDRESS_WORD])
            yield np.ndarray(shape, dtype, memoryview(memory))
        address += ctypes.sizeof(words)
