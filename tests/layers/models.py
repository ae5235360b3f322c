"""The model files that the tree ships, for tests that need a fitted layer."""

from __future__ import annotations

from pathlib import Path

from stratoquant.graph.language import Layer
from stratoquant.graph.model_file import ModelFile, read_model

SHIPPED = {"L64": Path(__file__).parents[2] / "specs" / "models" / "regime.json"}


def shipped_model(layer: Layer) -> ModelFile | None:
    return read_model(SHIPPED[layer.key].read_bytes(), layer) if layer.model else None


def model_section(layer: Layer) -> dict[str, str] | None:
    """What a wiring writes under `model`, whatever its folder."""
    model = shipped_model(layer)
    return {"file": str(SHIPPED[layer.key]), "sha256": model.sha256} if model else None
