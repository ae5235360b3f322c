"""What `stratoquant ports` is to expect of layers on bars without a book: each silent or constant port, each branch that
is never taken and each layer without effect, with the reason. What is not declared here is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Reasons = Mapping[str, tuple[str, ...]]

SILENT: Reasons = {}
CONSTANT: Reasons = {}
SATURATED: Reasons = {}
BRANCHES: Reasons = {}
NO_EFFECT: Reasons = {}

EXPECTED: Mapping[str, Reasons] = {
    "silent": SILENT,
    "constant": CONSTANT,
    "saturated": SATURATED,
    "branch": BRANCHES,
    "effect": NO_EFFECT,
}
"""By the kind of what is found."""


def reason(declared: Reasons, name: str) -> str:
    """Why this is as it is, or nothing where it is not declared."""
    return next((why for why, names in declared.items() if name in names), "")


def names(declared: Reasons) -> Iterator[str]:
    """Everything that is declared."""
    for group in declared.values():
        yield from group
