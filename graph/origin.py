"""Where the value of an input must come from, as a layer declares it. A wire from anywhere else is an error (W045).

A layer on the way from a proposal to an order is only as safe as what it reads: a gate that is given a constant in
place of the position bounds nothing. So such a layer states the origin of its inputs beside its step:

    origins={
        "target": DECISION,                  # what the gate decided, directly or through another execution layer
        "intent": (DECISION, "L5.intent"),   # this part of it
        "position": "account.position",      # this port and nothing else
        "working": ("account.working", 0),   # or the number 0
        "mismatch": ("L99.mismatch", None),  # or nothing at all
        "allowed": ANY,                      # any port or number, but it must be there
    }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DECISION = "decision"
ANY = "any"

Declared = str | tuple[str | float | None, ...]
"""How a layer writes an origin: a port, or a tuple of ports, the numbers that may stand in their place, and None where
the input may be left out."""


@dataclass(frozen=True)
class Origin:
    """What may feed an input.

    ports: `account.PORT`, `operator.PORT`, `clock.PORT`, or LAYER.PORT for an output of a layer; empty for any port.
    constants: numbers that may stand in their place. absent: the input may be left out. decision: it carries what the
    gate decided.
    """

    ports: tuple[str, ...] = ()
    constants: tuple[float, ...] = ()
    absent: bool = False
    decision: bool = False

    def __str__(self) -> str:
        first = self.ports or (("the gate's decision",) if self.decision else ("any port or number",))
        words = [*first, *(f"{number:g}" for number in self.constants), *(["none"] if self.absent else [])]
        return " or ".join(words)


def read_origins(declared: Mapping[str, Declared]) -> dict[str, Origin]:
    """The origins of a layer's inputs. Raises TypeError for one that is written in no known way."""
    return {port: _read(port, (entry,) if isinstance(entry, str) else entry) for port, entry in declared.items()}


def _read(port: str, entries: tuple[str | float | None, ...]) -> Origin:
    ports = tuple(e for e in entries if isinstance(e, str) and e not in (DECISION, ANY))
    if not {DECISION, ANY, *ports} & set(entries) or any(e.count(".") != 1 for e in ports):
        raise TypeError(f"origin of {port}: write DECISION, ANY, or ports such as 'account.position', not {entries!r}")
    numbers = tuple(float(e) for e in entries if isinstance(e, int | float))
    return Origin(ports, numbers, None in entries, DECISION in entries)
