"""The order of the tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first: at the end, then, no processor is idle for long while another one is at a slow test."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
