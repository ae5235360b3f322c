"""Which tests may skip, when and why. A test that skips without an entry here fails; see tests/conftest.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from stratoquant.mirror.chart import library_folder
from stratoquant.mirror.engines import ENGINES
from tests.layers.real_data import FOLDER

MOST_SKIPPED = 0.03
"""The largest share of the tests that may skip."""
WHOLE_SUITE = 1_000
"""The share is that of a run of at least so many tests: a run of one file says nothing about it."""


@dataclass(frozen=True)
class MaySkip:
    """tests: a pattern of test ids, in which [ is a plain character. when: true in an environment without what the
    tests need. reason: what that is."""

    tests: str
    when: Callable[[], bool]
    reason: str


def _absent(name: str) -> Callable[[], bool]:
    return lambda: not (FOLDER / name).exists()


_NO_TRADINGVIEW = (_absent("tv"), "values and trade lists that TradingView computed (../shared/data/tv)")
_NO_BOOK = (_absent("book"), "recordings of an exchange's order book and trades (../shared/data/book)")
_NO_BARS = (_absent("bars"), "facts about recorded bars themselves (../shared/data/bars)")
MAY_SKIP = (
    MaySkip("tests/layers/test_blocks.py::test_atr_and_crossover_agree_with_tradingview", *_NO_TRADINGVIEW),
    MaySkip("tests/layers/test_kinematics.py::test_l19_is_the_supertrend_of_tradingview", *_NO_TRADINGVIEW),
    MaySkip("tests/layers/test_primitives.py::test_*tradingview*", *_NO_TRADINGVIEW),
    MaySkip("tests/mirror/pine/test_ta.py::test_*_tradingview[*", *_NO_TRADINGVIEW),
    MaySkip("tests/runtime/test_import.py::test_recorded_text_with_offsets", *_NO_TRADINGVIEW),
    MaySkip("tests/runtime/test_venue_tradingview.py::*", *_NO_TRADINGVIEW),
    MaySkip("tests/runtime/test_data_book.py::test_the_book_is_that_of_a_replay_in_dictionaries[*", *_NO_BOOK),
    MaySkip("tests/runtime/test_data_book.py::test_the_best_prices_are_those_of_the_recorded_ticker[*", *_NO_BOOK),
    MaySkip("tests/runtime/test_data_book.py::test_the_trades_are_those_that_polars_groups[*", *_NO_BOOK),
    MaySkip("tests/runtime/test_data_book.py::test_no_bar_reaches_beyond_what_was_recorded[*", *_NO_BOOK),
    MaySkip("tests/runtime/test_data_book.py::test_the_store_opens_what_was_written", *_NO_BOOK),
    MaySkip("tests/specs/test_book_seconds.py::test_the_recording_is_backtested_by_the_commands", *_NO_BOOK),
    MaySkip("tests/specs/test_book_seconds.py::test_the_book_reaches_the_layers_and_*", *_NO_BOOK),
    MaySkip("tests/runtime/test_store.py::test_recorded_*", *_NO_BARS),
    MaySkip("tests/runtime/test_validate.py::test_recorded_bars_are_sound", *_NO_BARS),
    MaySkip(
        "tests/tools/test_surroundings.py::*",
        lambda: os.geteuid() != 0,
        "mounting a file system needs the rights of root",
    ),
    MaySkip("*[*pinets]", lambda: bool(ENGINES["pinets"].missing()), "Node with PineTS: see `mirror verify --help`"),
    MaySkip("*::test_the_chart_is_one_page", lambda: not library_folder().exists(), "npm: lightweight-charts"),
)


def fault(test: str, reason: str) -> str | None:
    """Why a skipped test must not skip, or None where it may. reason: what the test gave for it."""
    entries = [entry for entry in MAY_SKIP if fnmatchcase(test, entry.tests.replace("[", "[[]"))]
    if not entries:
        return f"{test} skipped ({reason}); mend it, or list it in tests/skips.py with the reason"
    if not any(entry.when() for entry in entries):
        return f"{test} skipped ({reason}) although it has what it needs: {entries[0].reason}"
    return None


def too_many(skipped: int, tests: int) -> str | None:
    """What to print when too large a share of a whole run skipped."""
    if tests < WHOLE_SUITE or skipped <= MOST_SKIPPED * tests:
        return None
    return f"{skipped} of {tests} tests skipped; at most {MOST_SKIPPED:.0%} may"
