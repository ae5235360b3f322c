"""Which layers exist and where each is declared. A file is imported when its layer is asked for, not before."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from graph.language import Layer

_NUMBERED = re.compile(r"l(\d+)_(\w+)")


class Registry:
    """Layers by key: L14 for layers/*/l14_rsi.py, the bare file name for a block.

    A layer's file declares it under the name `step`.
    """

    def __init__(self, files: dict[str, Path], package: str | None = None, root: Path | None = None) -> None:
        self._files = files
        self._package = package
        self._root = root
        self._loaded: dict[str, Layer] = {}

    @classmethod
    def of_package(cls, package: str, folder: Path) -> Registry:
        """The layers below an importable package: numbered files in every folder, any file in `blocks`."""
        return cls(dict(_layer_files(folder)), package, folder)

    def with_folder(self, folder: Path) -> Registry:
        """This registry and the layers of a user's own folder, which come first."""
        return Registry(self._files | dict(_layer_files(folder)), self._package, self._root)

    def keys(self) -> tuple[str, ...]:
        """Numbered layers by number, then blocks by name."""
        return tuple(sorted(self._files, key=lambda key: (int(key[1:]) if _is_number(key) else 10**6, key)))

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def name(self, key: str) -> str:
        """The layer's name, from its file name alone."""
        match = _NUMBERED.fullmatch(self._files[key].stem)
        return match[2] if match else key

    def get(self, key: str) -> Layer:
        """Imports and returns a layer. Raises KeyError for an unknown key, TypeError if the file declares none."""
        if key not in self._loaded:
            layer = getattr(self._module(self._files[key]), "step", None)
            if not isinstance(layer, Layer):
                raise TypeError(f"{self._files[key]}: a layer's file declares it as `step` under @layer(...)")
            if layer.key != key:
                raise TypeError(f"{self._files[key]}: the file's name says {key}, its declaration {layer.key}")
            self._loaded[key] = layer
        return self._loaded[key]

    def _module(self, file: Path) -> object:
        if self._package is not None and self._root is not None and file.is_relative_to(self._root):
            parts = file.relative_to(self._root).with_suffix("").parts
            return importlib.import_module(".".join((self._package, *parts)))
        name = f"stratoquant_user_{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


def _is_number(key: str) -> bool:
    return key[0] == "L" and key[1:].isdigit()


def _layer_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        match = _NUMBERED.fullmatch(path.stem)
        if match:
            yield f"L{match[1]}", path
        elif path.parent.name == "blocks" and not path.stem.startswith("_"):
            yield path.stem, path
