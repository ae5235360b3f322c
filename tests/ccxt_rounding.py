"""ccxt's rounding by itself: `import ccxt` imports a hundred exchanges."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tests.packages import folder_of


def _load() -> ModuleType:
    spec = spec_from_file_location("ccxt_rounding", folder_of("ccxt") / "base" / "decimal_to_precision.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_module = _load()
NO_PADDING, ROUND, TICK_SIZE, TRUNCATE = (
    getattr(_module, name) for name in ("NO_PADDING", "ROUND", "TICK_SIZE", "TRUNCATE")
)
decimal_to_precision = _module.decimal_to_precision
