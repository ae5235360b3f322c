"""Model files: the numbers that a fit found for a layer, kept beside the wiring that names them by their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stratoquant.graph.language import Layer, Model
from stratoquant.graph.layout import model_sizes

if TYPE_CHECKING:
    from stratoquant.graph.diagnostics import Findings
    from stratoquant.graph.passes.p1_load import ModelDocument, NodeDocument

FORMAT = 1


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file. values: the numbers of each field of the layer's Model. made: how they were found,
    for people: program and versions, period, symbols, seed."""

    layer: str
    values: dict[str, tuple[float, ...]]
    made: dict[str, Any]
    sha256: str


def model_text(layer: Layer, values: dict[str, tuple[float, ...]], made: dict[str, Any]) -> str:
    """A model file as it is written; `read_model` gives the same numbers back. Raises ValueError for unfit values."""
    assert layer.model is not None
    document = {"stratoquant_model": FORMAT, "layer": layer.key, "made": made, "values": _checked(layer.model, values)}
    return json.dumps(document, indent=1) + "\n"


def read_model(content: bytes, layer: Layer) -> ModelFile:
    """Reads a model of a layer. Raises ValueError, with the reason in words, for anything else."""
    try:
        document = json.loads(content)
    except ValueError as problem:
        raise ValueError(f"it is not JSON ({problem})") from problem
    if not isinstance(document, dict) or document.get("stratoquant_model") != FORMAT:
        raise ValueError(f"it is no model file of format {FORMAT}")
    if document.get("layer") != layer.key:
        raise ValueError(f"it is a model of {document.get('layer')}, not of {layer.key}")
    assert layer.model is not None
    values = _checked(layer.model, document.get("values"))
    return ModelFile(layer.key, values, document.get("made") or {}, hashlib.sha256(content).hexdigest())


def _checked(model: type[Model], values: Any) -> dict[str, tuple[float, ...]]:
    sizes = model_sizes(model)
    if not isinstance(values, dict) or set(values) != set(sizes):
        raise ValueError(f"its values must be {', '.join(sizes)}, each a list of numbers")
    for name, size in sizes.items():
        numbers = values[name]
        sound = isinstance(numbers, list | tuple) and all(_is_number(x) for x in numbers)
        if not sound or len(numbers) != size:
            raise ValueError(f"its `{name}` must be {size} finite numbers")
    return {name: tuple(float(x) for x in values[name]) for name in sizes}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def resolve_model(node: NodeDocument, layer: Layer, findings: Findings) -> ModelFile | None:
    """The model of a node, read from its file; a finding and None when it is missing, unfit or another one."""
    if layer.model is None:
        if node.model is not None:
            message = f"{node.key} ({layer.name}) takes no model"
            findings.error("W050", message, node.model.file_place, "remove `model`")
        return None
    if node.model is None:
        message = f"{node.key} ({layer.name}) was fitted to data and lacks its `model`"
        hint = "`model: {file: PATH, sha256: HASH}`; `stratoquant fit --help` shows how one is made"
        findings.error("W050", message, node.place, hint)
        return None
    return _read(node.model, layer, findings)


def _read(document: ModelDocument, layer: Layer, findings: Findings) -> ModelFile | None:
    name = document.section.file
    try:
        content = document.path.read_bytes()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        hint = f"paths start at the folder of {Path(document.file_place.file).name}"
        findings.error("W051", f"the model file `{name}` cannot be read: {reason}", document.file_place, hint)
        return None
    try:
        model = read_model(content, layer)
    except ValueError as problem:
        hint = "make it anew with `stratoquant fit`"
        findings.error("W051", f"`{name}` cannot be used: {problem}", document.file_place, hint)
        return None
    if model.sha256 != document.section.sha256.lower():
        message = f"`{name}` is not the file that the wiring names: its SHA-256 is {model.sha256}"
        hint = "write that hash if the file is the one you mean"
        findings.error("W052", message, document.hash_place, hint)
        return None
    return model
