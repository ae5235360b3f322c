"""The two tiers of machine code, and which of them a program runs on first. Both give the same bits.

The quick tier is made in a tenth of the time and runs at a third of the speed. It is the same units from the same text,
so objects of both tiers link with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

_AT_ONCE = 700_000  # characters of LLVM IR, optimised in less than a second on one processor


class Tier(Enum):
    """QUICK: locals in registers, nothing else improved. OPTIMISED: all that LLVM can do within the rules of floats."""

    QUICK = "quick"
    OPTIMISED = "optimised"


def quick_pays(texts: Sequence[str]) -> bool:
    """Whether a run should begin on the quick tier. texts: the units of which no optimised object is there."""
    return sum(map(len, texts)) > _AT_ONCE
