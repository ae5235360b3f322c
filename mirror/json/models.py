"""What a line holds. These models are the schema; schema/v1.json is their published form.

Times are UTC milliseconds and name a bar by its open; what a bar says is known at its close. Prices and money are in
the quote currency, quantities in the base asset. null: missing, as JSON has no NaN.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 1
"""Moves when a reader of the version before could not read what is written now."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class Header(_Line):
    """First line: what was run. A file goes on only under an equal header."""

    kind: Literal["header"] = "header"
    stratoquant: Literal[1] = Field(VERSION, description="version of this format")
    name: str = Field(description="name of the wiring")
    wiring: str = Field(description="digest of nodes, wires, parameters and kernels")
    symbols: tuple[str, ...] = Field(description="those in this file")
    clock_ms: int = Field(gt=0, description="length of a bar, milliseconds")
    run: str = Field("", description="same for a run and its continuation: symbols, first bar, venue, cash")
    start: int | None = Field(None, ge=0, description="UTC milliseconds of the first bar that this file covers")
    lines: Literal["bars", "changes"] = Field("bars", description="a line a bar, or only where something changes")
    regimes: tuple[str, ...] = Field((), description="names of the regimes, by number")
    reasons: tuple[str, ...] = Field((), description="names of the vetoes, by bit")


class Decision(_Line):
    """What the graph wanted."""

    direction: int | None = Field(None, ge=-1, le=1, description="-1 short, 0 flat, +1 long")
    edge: float | None = Field(None, ge=-1, le=1)
    confidence: float | None = Field(None, ge=0, le=1)
    pattern: str | None = Field(None, description="the pattern that spoke loudest")
    target: float | None = Field(None, description="wanted position, base asset, signed")


class Risk(_Line):
    """What risk made of it, and how the account stood at the bar's close."""

    stop: float | None = Field(None, gt=0, description="protective stop of the position")
    take: float | None = Field(None, gt=0, description="where its profit is taken")
    equity: float | None = None
    drawdown: float | None = Field(None, ge=0, description="share below the highest equity so far")
    vetoes: tuple[str, ...] = Field((), description="why nothing may be opened; empty when something may")


class Fill(_Line):
    """One fill inside the bar, of an order that an earlier bar decided."""

    side: Literal[-1, 1]
    qty: float = Field(gt=0)
    price: float = Field(gt=0)
    reason: str


class Bar(_Line):
    """One symbol at one bar."""

    kind: Literal["bar"] = "bar"
    time: int = Field(ge=0, description="UTC milliseconds of the bar's open")
    symbol: str
    open: float | None = Field(None, gt=0)
    high: float | None = Field(None, gt=0)
    low: float | None = Field(None, gt=0)
    close: float | None = Field(None, gt=0)
    regime: str | None = None
    decision: Decision = Decision()
    risk: Risk = Risk()
    fills: tuple[Fill, ...] = ()
    values: dict[str, float | None] = Field(default_factory=dict, description="other recorded ports, NODE.port")


Line = Annotated[Header | Bar, Field(discriminator="kind")]
LINE: TypeAdapter[Header | Bar] = TypeAdapter(Line)


def line_text(line: Header | Bar) -> str:
    """A line as it is written: what says nothing is left out."""
    return line.model_dump_json(exclude_defaults=False, exclude_none=True) + "\n"
