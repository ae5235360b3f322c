"""Machine code in this process that better machine code can replace between two calls."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from stratoquant.graph.kernel.call import Enter, MachineCode
from stratoquant.graph.kernel.llvm.entrance import ENTRANCE
from stratoquant.graph.kernel.llvm.target import Loaded

_ENTER = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


class NativeCode(MachineCode):
    """Objects that are linked and loaded. Those that were replaced stay too: a thread may be in them."""

    def __init__(self, objects: Sequence[bytes]) -> None:
        self._loaded: list[Loaded] = []
        super().__init__(self._load(objects))

    def replace(self, objects: Sequence[bytes]) -> None:
        """Every call from now on enters these objects."""
        self.enter = self._load(objects)

    def _load(self, objects: Sequence[bytes]) -> Enter:
        loaded = Loaded(objects)
        self._loaded.append(loaded)
        return _ENTER(loaded.address(ENTRANCE))
