"""Emitted modules compiled by numba alone: plain `njit` on the text as it stands, nothing of this project between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

_OURS = "from stratoquant.graph.machine_code import entry, inlined, kernel\n"


def reference(text: str) -> Callable[..., int]:
    """The entry of a module, called with its arguments themselves."""
    assert _OURS in text
    decorate = njit(error_model="numpy")
    names: dict[str, Any] = {"__name__": "reference", "entry": decorate, "inlined": decorate, "kernel": decorate}
    exec(compile(text.replace(_OURS, ""), "<reference>", "exec"), names)
    run: Callable[..., int] = names["run"]
    return run
