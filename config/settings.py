"""The settings model: what a run may be told besides its wiring. Read from YAML; every value has a default."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stratoquant.graph.border import Limits
from stratoquant.graph.diagnostics import Findings, Place, WiringError
from stratoquant.graph.passes.p1_load import suggestion
from stratoquant.graph.yaml_source import Source, parse_yaml, read_yaml
from stratoquant.runtime.venue import VenueSettings


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _named(value: Any) -> Any:
    """None for `auto`; a number as it is."""
    if value is None:
        raise ValueError("write a number, or auto")
    return None if value == "auto" else value


Step = Annotated[Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None, BeforeValidator(_named)]


class Rules(_Section):
    """What a venue accepts for one symbol. Zero means no rule; None, `auto` in the file, one that fits the price."""

    tick: Step = Field(0.0, description="step of the price, quote currency, or auto")
    lot: Step = Field(0.0, description="step of the quantity, base asset, or auto")
    min_notional: float = Field(0.0, ge=0.0, allow_inf_nan=False, description="least value of an order, quote currency")
    max_qty: float = Field(0.0, ge=0.0, allow_inf_nan=False, description="largest quantity of an order, base asset")


class Settings(_Section):
    """A run's settings."""

    cash: float = Field(
        100_000.0, gt=0.0, le=1e15, allow_inf_nan=False, description="what the account starts with, quote currency"
    )
    venue: VenueSettings = Field(default_factory=VenueSettings)
    limits: Limits = Field(default_factory=Limits, description="what the account may do, whatever the wiring says")
    rules: dict[str, Rules] = Field(default_factory=dict, description="by symbol; `default` for the rest")

    def rules_of(self, symbol: str) -> dict[str, float | None]:
        return self.rules.get(symbol, self.rules.get("default", Rules())).model_dump()


def default_settings() -> Settings:
    """config/default.yaml, as it is shipped."""
    findings = Findings()
    text = resources.files(__package__).joinpath("default.yaml").read_text(encoding="utf-8")
    return _settings(parse_yaml(text, "config/default.yaml", findings), findings)


def read_settings(path: Path) -> Settings:
    """Settings from a file; what it does not mention keeps its default. Raises WiringError with every finding."""
    findings = Findings()
    return _settings(read_yaml(path, findings), findings)


def _settings(source: Source | None, findings: Findings) -> Settings:
    if source is None:
        raise WiringError(findings.sorted())
    try:
        return Settings.model_validate(source.data)
    except ValidationError as problem:
        for error in problem.errors():
            _finding(error, source, findings)
    raise WiringError(findings.sorted())


def _finding(error: Any, source: Source, findings: Findings) -> None:
    path = tuple(error["loc"])
    place: Place = source.key_place(*path)
    if error["type"] == "extra_forbidden":
        known = _known(path[:-1])
        hint = suggestion(str(path[-1]), known) or f"known here: {', '.join(known)}"
        findings.error("S001", f"unknown setting `{'.'.join(map(str, path))}`", place, hint)
    elif error["type"] == "rebate_above_fee":
        hint = "raise `taker_fee`, or lower the rebate (`maker_fee: -1` pays 1 bps)"
        findings.error("S003", f"`venue.maker_fee`: {error['msg']}", source.key_place(*path, "maker_fee"), hint)
    else:
        findings.error("S002", f"`{'.'.join(map(str, path))}`: {error['msg']}", place, "see config/default.yaml")


def _known(path: tuple[Any, ...]) -> list[str]:
    sections: dict[tuple[Any, ...], type[BaseModel]] = {
        ("venue",): VenueSettings,
        ("limits",): Limits,
        ("rules",): Rules,
    }
    return list(sections.get(path[:1], Settings).model_fields)
