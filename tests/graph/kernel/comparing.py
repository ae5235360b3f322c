"""Runs a module through LLVM, and compares numbers by their bits."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernel.entry import NativeEntry
from stratoquant.graph.kernel_text import imports


def module_text(body: str) -> str:
    """A module with the imports that an emitted one has."""
    return f"{imports(body)}\n\n\n{body}"


def run_native(text: str, arguments: tuple[Any, ...]) -> int:
    with TemporaryDirectory() as folder:
        module = Path(folder) / "module.py"
        module.write_text(text, encoding="utf-8")
        return Call(NativeEntry(module), arguments)()


def bits(array: np.ndarray) -> np.ndarray:
    """All NaNs as one: which of two goes on is not part of the language."""
    if array.dtype != np.float64:
        return array
    words = array.view(np.int64).copy()
    words[np.isnan(array)] = 0x7FF8000000000000
    return words
