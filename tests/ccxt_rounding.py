"""ccxt's rounding by itself: `import ccxt` imports a hundred exchanges."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def _load() -> ModuleType:
    package = find_spec("ccxt")
    assert package is not None and package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "base" / "decimal_to_precision.py"
    spec = spec_from_file_location("ccxt_rounding", file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_module = _load()
NO_PADDING, ROUND, TICK_SIZE, TRUNCATE = (
    getattr(_module, name) for name in ("NO_PADDING", "ROUND", "TICK_SIZE", "TRUNCATE")
)
decimal_to_precision = _module.decimal_to_precision
