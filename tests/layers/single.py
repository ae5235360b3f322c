"""Runs one layer alone over arrays, with the model that the tree ships where it needs one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stratoquant.graph.alone import prepare
from stratoquant.graph.language import Layer
from tests.layers.models import shipped_model


def run_layer(
    layer: Layer,
    inputs: dict[str, Any],
    params: dict[str, float] | None = None,
    symbols: int = 1,
    model: dict[str, Sequence[float]] | None = None,
) -> dict[str, np.ndarray]:
    """Steps `layer` over the inputs, as graph.alone.prepare takes them; returns one array a port, NaN where the step
    was not taken or is in warm-up."""
    return run_with_state(layer, inputs, params, symbols, model=model)[0]


def run_with_state(
    layer: Layer,
    inputs: dict[str, Any],
    params: dict[str, float] | None = None,
    symbols: int = 1,
    sized_for: dict[str, float] | None = None,
    model: dict[str, Sequence[float]] | None = None,
) -> tuple[dict[str, np.ndarray], np.void]:
    """As `run_layer`, and the layer's memory after the last bar. sized_for: as in graph.alone.prepare."""
    shipped = shipped_model(layer)
    prepared = prepare(layer, inputs, params, symbols, sized_for, model or (shipped.values if shipped else None))
    prepared.run()
    return prepared.outputs, prepared.memory[0]
