"""The HTML page of a run: one file that loads nothing from anywhere. What it shows is made in
runtime.report.payload."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from stratoquant.runtime.files import write_text
from stratoquant.runtime.metrics import Metrics, compute_metrics
from stratoquant.runtime.report.payload import page_data
from stratoquant.runtime.results import BacktestResult, Labels, Roles

_SCRIPTS = (
    "format.js",
    "chart.js",
    "layers.js",
    "tables.js",
    "calibration.js",
    "wiring.js",
    "page.js",
)  # in the order of use


def write_report(
    result: BacktestResult,
    roles: Roles,
    labels: Labels,
    path: str | os.PathLike[str],
    metrics: Metrics | None = None,
) -> None:
    """Write the page of a run to `path`, whole or not at all. Without `metrics` they are computed here."""
    found = metrics if metrics is not None else compute_metrics(result, roles, labels)
    write_text(path, render_page(page_data(result, found, roles, labels)))


def render_page(data: dict[str, Any]) -> str:
    """The page that shows `data`. Its policy admits the page's own script and style by hash, and nothing else."""
    script, style = _script(), _asset("page.css")
    return Template(_asset("page.html")).substitute(
        title=html.escape(data["name"]),
        script=script,
        script_hash=_hash(script),
        style=style,
        style_hash=_hash(style),
        data=_embedded(data),
    )


def _embedded(data: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in, whatever a name contains."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    return "\n".join(_asset(name) for name in _SCRIPTS)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
