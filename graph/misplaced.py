"""A layer of the user's own that the registry does not see: where its file is, and where or how it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stratoquant.graph.kernels import short_path

_NUMBER = re.compile(r"L(\d+)")
_MOST_FILES = 2000
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def misplaced_layer(key: str, folders: Sequence[Path], beside: Path) -> str:
    """What to do with a file that seems meant as the layer `key`; empty when there is none.

    folders: those named under `layers:`. beside: the folder of the wiring.
    """
    for folder in folders:
        for file in _candidates(key, folder):
            return _placing(key, file, folder)
    for file in _candidates(key, beside):
        if not any(file.is_relative_to(folder) for folder in folders):
            return _naming(key, file, beside)
    return ""


def _placing(key: str, file: Path, folder: Path) -> str:
    """For a file in a folder that the wiring names: its name, or the folder within."""
    here = short_path(str(file.absolute()))
    number = _NUMBER.fullmatch(key)
    if number:
        return f'rename {here} to `l{number[1]}_NAME.py`, and declare `@layer({number[1]}, "NAME", ...)` in it'
    target = (file.parent if file.parent.name == "blocks" else folder / "blocks") / f"{key}.py"
    return f"{here} is not seen: move it to {short_path(str(target.absolute()))}"


def _naming(key: str, file: Path, beside: Path) -> str:
    """For a file beside the wiring, whose folder the wiring does not name."""
    here = short_path(str(file.absolute()))
    numbered = _NUMBER.fullmatch(key) is not None
    if numbered or file.parent.name == "blocks":
        root = file.parent if numbered else file.parent.parent
        return f"{here} is there; name its folder: `layers: [{root.relative_to(beside)}]`"
    target = file.parent / "blocks" / f"{key}.py"
    root = file.parent.relative_to(beside)
    return f"move {here} to {short_path(str(target.absolute()))}, and name the folder: `layers: [{root}]`"


def _candidates(key: str, folder: Path) -> Iterator[Path]:
    """Python files below a folder whose name is that of the layer, or nearly so."""
    number = _NUMBER.fullmatch(key)
    wanted = re.compile(rf"_?l?0*{number[1]}(\D.*)?" if number else rf"_?{re.escape(key)}", re.IGNORECASE)
    return (file for file in _python_files(folder) if wanted.fullmatch(file.stem))


def _python_files(folder: Path) -> Iterator[Path]:
    """Python files below a folder, the nearest first; not all of them where there are very many."""
    left, waiting = _MOST_FILES, [folder]
    while waiting and left > 0:
        try:
            entries = sorted(waiting.pop(0).iterdir())
        except OSError:
            continue
        left -= len(entries)
        yield from (entry for entry in entries if entry.suffix == ".py")
        skipped = _SKIPPED | {entry.name for entry in entries if entry.name.startswith(".")}
        waiting += [entry for entry in entries if entry.name not in skipped and entry.is_dir()]
