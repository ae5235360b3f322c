"""Wirings that come with the package, named from anywhere: `stratoquant:minimal_risk.yaml`."""

from __future__ import annotations

from pathlib import Path

_PREFIX = "stratoquant:"
_FOLDER = Path(__file__).parents[1] / "specs"


def located(path: Path) -> Path:
    """The file that a path means: the shipped one where it begins with `stratoquant:`, else the path itself."""
    text = str(path)
    return _FOLDER / text.removeprefix(_PREFIX) if text.startswith(_PREFIX) else path
