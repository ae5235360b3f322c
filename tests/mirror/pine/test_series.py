"""Values of a run packed into a script come out again as they were, and the script finds where it differs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.mirror.engines import Engine, run_script
from stratoquant.mirror.pine import lint
from stratoquant.mirror.pine.embedding import add_checks, add_series, declare
from stratoquant.mirror.pine.library import Library
from stratoquant.mirror.pine.limits import STRING
from stratoquant.mirror.pine.printing import script_text
from stratoquant.mirror.pine.series import Exported, pack, pack_within
from stratoquant.mirror.pine.syntax import Call, Declare, Do, Name, Script, integer, number, text
from tests.mirror.pine.engines import on_each_engine

MINUTE = 60_000
START = 1_700_000_040_000
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, np.nan, 9007199254740991.0, 0.1]),
    st.floats(-1e9, 1e9),
    st.integers(-5, 5).map(float),
)


def series(values: list[float]) -> Exported:
    return Exported("L3.edge", START + MINUTE * np.arange(len(values)), np.array(values))


def unpacked(first: int, texts: tuple[str, ...], bars: int) -> np.ndarray:
    """What the script does with the texts, in Python."""
    items = [item for line in texts for item in re.split(",", line)]
    found, time, now, k = np.empty(bars), first, np.nan, 0
    changes = {}
    for gap, word in zip(items[::2], items[1::2], strict=True):
        time += int(gap) * MINUTE
        changes[time] = np.nan if word == "n" else float(word)
    for k in range(bars):
        now = changes.get(START + k * MINUTE, now)
        found[k] = now
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=80))
def test_a_packed_series_comes_out_as_it_was(values: list[float]) -> None:
    packed = pack(series(values), MINUTE)
    assert packed.first == START - MINUTE and packed.end == START + len(values) * MINUTE
    np.testing.assert_array_equal(unpacked(packed.first, packed.texts, len(values)), values)


def test_texts_keep_to_the_length_of_a_constant() -> None:
    packed = pack(series(np.random.default_rng(1).normal(size=2000).tolist()), MINUTE)
    assert len(packed.texts) > 5 and max(map(len, packed.texts)) <= STRING
    assert packed.characters == sum(map(len, packed.texts))


def test_the_latest_bars_stay_when_not_all_fit() -> None:
    whole = series(np.random.default_rng(1).normal(size=2000).tolist())
    packed = pack_within([whole, whole], MINUTE, 10_000)
    assert len(packed) == 2 and 9_000 < sum(p.characters for p in packed) <= 10_000
    assert packed[0].end == START + 2000 * MINUTE and packed[0].first > START
    assert pack_within([whole], MINUTE, 3) == []


@on_each_engine
def test_a_script_reads_back_what_it_carries_and_counts_what_differs(engine: Engine) -> None:
    generator = np.random.default_rng(5)
    values = np.where(generator.random(300) < 0.2, np.nan, np.round(generator.normal(size=300), 3))
    values[::3] = values[0]
    packed = pack(series(values.tolist()), MINUTE)
    library = Library()
    add_series(library)
    add_checks(library)
    made = Script(Call("void", "indicator", (text("t"),)))
    made.constants = [
        Declare("float", "EXACT", number(1e200)),
        Declare("float", "INFINITY", number(1e100)),
        Declare("int", "CLOCK", integer(MINUTE)),
    ]
    made.types, made.functions = list(library.types.values()), list(library.functions.values())
    exported = Call("float", "f_seek", (Name("Series", "series_l3_edge"), Name("int", "time")))
    check = Call("Check", "Check.new", (integer(0), integer(0), Name("float", "NOTHING")))
    made.constants.append(Declare("float", "NOTHING", number(0.0)))
    compare = Call(
        "int",
        "embedded_compare",
        (Name("Check", "check"), Name("float", "open"), Name("float", "value"), Name("int", "time")),
    )
    made.main = [
        *declare(packed),
        Declare("Check", "check", check, kept=True),
        Declare("float", "value", exported),
        Declare("int", "differing", compare),
        Do(Call("void", "plot", (Name("float", "value"), text("value")))),
        Do(Call("void", "plot", (Name("int", "differing"), text("differing")))),
    ]
    lint.check(made)
    opens = np.nan_to_num(values, nan=7.0)
    opens[[50, 200]] += 1e-6
    bars = {"time": START + MINUTE * np.arange(300), "volume": np.ones(300)}
    bars |= dict.fromkeys(("open", "high", "low", "close"), opens)
    found = run_script(engine, script_text(made), bars, MINUTE)
    np.testing.assert_array_equal(found["value"], values)
    missing = np.isnan(values)
    wrong = missing | (np.arange(300) == 50) | (np.arange(300) == 200)
    assert found["differing"][-1] == wrong.sum()


def test_a_run_is_refused_when_it_is_not_one(tmp_path: Path) -> None:
    from stratoquant.mirror.pine.series import read_run
    from stratoquant.runtime.errors import StratoError

    with pytest.raises(StratoError, match="M020"):
        read_run(tmp_path, "x")
    (tmp_path / "result.json").write_text('{"name": "a", "wiring": "12', encoding="utf-8")
    with pytest.raises(StratoError, match="broken off"):
        read_run(tmp_path, "x")
    (tmp_path / "result.json").write_text('{"name": "a", "wiring": "12", "symbols": ["A"]}', encoding="utf-8")
    with pytest.raises(StratoError, match="M021"):
        read_run(tmp_path, "x")
    with pytest.raises(StratoError, match="M022"):
        read_run(tmp_path, "12", "B")
