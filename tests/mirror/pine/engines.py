"""The interpreters of Pine that are installed, as parameters of a test."""

from __future__ import annotations

import pytest

from stratoquant.mirror.engines import ENGINES


def _parameter(key: str) -> object:
    missing = ENGINES[key].missing()
    return pytest.param(ENGINES[key], id=key, marks=pytest.mark.skipif(bool(missing), reason=f"not here: {missing}"))


on_each_engine = pytest.mark.parametrize("engine", [_parameter(key) for key in ENGINES])
