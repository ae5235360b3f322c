"""The page of one finding code. Knows no code."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, fill, indent


@dataclass(frozen=True)
class CodePage:
    """What there is to know about a finding. bad, good: the same few lines, with the fault and without it.

    A wiring example may leave out the head (`stratoquant: 1`, `clock: 1m`); a kernel example is the body of a step.
    """

    code: str
    title: str
    why: str
    bad: str
    good: str
    fix: str

    def text(self, width: int = 88) -> str:
        """The page as plain text."""
        parts = [f"{self.code}  {self.title}", "", fill(self.why, width)]
        for name, example in (("wrong", self.bad), ("right", self.good)):
            parts += ["", f"{name}:", "", indent(dedent(example).strip("\n"), "    ")]
        return "\n".join([*parts, "", fill(f"Fix: {self.fix}", width)])
