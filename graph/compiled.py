"""A kernel that Python calls, compiled and cached as a plan is: for loops over arrays outside a wiring.

Such a kernel may take arrays of several axes, which a layer has not. What is wrong with it is found on compiling it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from stratoquant.graph.derived import derived
from stratoquant.graph.kernel.call import Call, Entry
from stratoquant.graph.kernel_text import KernelText, imports
from stratoquant.graph.kernels import kernel_source
from stratoquant.graph.passes.p10_build import backend, build, fingerprint


def run_kernel(function: Callable[..., int], *arguments: Any) -> int:
    """What a kernel returns, which is a whole number and not negative.

    arguments: C-contiguous arrays of int64 or float64, none of which overlaps another; whole numbers and floats.
    """
    return Call(_compiled(function, backend()), arguments)()


@cache
def _compiled(function: Callable[..., int], maker: str) -> Entry:
    """maker: the backend, so that each has an entry of its own."""
    source = derived("module", [function], (), lambda: _module_text(function))
    return build(f"kernel_{function.__name__}_{fingerprint(source)}", source)


def _module_text(function: Callable[..., int]) -> str:
    texts = KernelText(frozenset({"run"}))
    name = texts.add_function(function)
    names = ", ".join(a.arg for a in kernel_source(function).tree.args.args)
    body = f"{texts.text()}\n\n\n@entry\ndef run({names}):\n    return {name}({names})\n"
    return f"{imports(body)}\n\n\n{body}"
