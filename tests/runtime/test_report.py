"""The report: one file that loads nothing, shows what is there, and cannot be broken by a name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from stratoquant.runtime.metrics import compute_metrics
from stratoquant.runtime.report import write_report
from stratoquant.runtime.report.payload import TABLE_TRADES, page_data
from stratoquant.runtime.report.series import (
    Candles,
    bucket_starts,
    extremes_kept,
    label_runs,
    last_known,
    significant,
    to_candles,
)
from stratoquant.runtime.report.terminal import print_summary, sparkline
from stratoquant.runtime.results import BacktestResult
from tests.layers.real_data import real_bars
from tests.runtime.made_results import LABELS, MINUTE, ROLES, made_result, random_bars

NASTY = "</script><script>alert(1)</script><!-- & \u2028"


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    rng = np.random.default_rng(7)
    return made_result({"AAA": random_bars(rng, 6_000), "BBB": random_bars(rng, 6_000)})


def page_of(result: BacktestResult, folder: Path, roles: dict[str, str] = ROLES) -> str:
    path = folder / "report.html"
    write_report(result, roles, LABELS, path)
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_the_page_carries_all_it_needs_and_loads_nothing(result: BacktestResult, tmp_path: Path) -> None:
    page = page_of(result, tmp_path)
    assert not re.search(r"https?://|//cdn|@import|url\(", page)
    assert not re.search(r"<(script|img|iframe|link|object|embed)\b[^>]*\b(src|href)=(?!\"data:,\")", page)
    assert re.search(r"default-src 'none'", page)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_its_policy_admits_just_its_own_script_and_style(result: BacktestResult, tmp_path: Path) -> None:
    page = page_of(result, tmp_path)
    for kind in ("script", "style"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page


def test_the_data_is_the_result(result: BacktestResult, tmp_path: Path) -> None:
    data = data_of(page_of(result, tmp_path))
    assert data["metrics"] == compute_metrics(result, ROLES, LABELS).model_dump()
    assert data["curve"]["equity"][-1] == pytest.approx(result.equity["equity"][-1], rel=1e-6)
    assert set(data["price"]) == {"AAA", "BBB"}
    assert len(data["price"]["AAA"]["stop"]) == len(data["price"]["AAA"]["time"])
    assert data["trades"]["total"] == result.trades.height
    assert {v["name"] for v in data["metrics"]["vetoes"]} <= set(LABELS["veto"])
    assert [v["port"] for v in data["values"]] == result.values.collect_schema().names()[2:]
    assert data["returns"]["every"] == "1d"


def test_no_name_can_break_out_of_the_data(result: BacktestResult, tmp_path: Path) -> None:
    renamed = {name: pl.col("symbol").replace("AAA", NASTY) for name in ("fills", "trades", "values")}
    frames = {name: getattr(result, name).with_columns(symbol) for name, symbol in renamed.items()}
    wiring = json.loads(json.dumps(result.wiring).replace("market_feed", '<img src=x onerror=\\"alert(1)\\">'))
    nasty = replace(result, name=NASTY, symbols=(NASTY, "BBB"), wiring=wiring, **frames)
    page = page_of(nasty, tmp_path)
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    assert "alert(1)" in page
    assert data_of(page)["symbols"] == [NASTY, "BBB"]
    assert data_of(page)["name"] == NASTY


def test_the_script_never_writes_markup() -> None:
    folder = Path(sys.modules["stratoquant.runtime.report"].__file__).parent
    for script in folder.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script.read_text())


def test_a_run_with_nothing_in_it_still_has_a_page(result: BacktestResult, tmp_path: Path) -> None:
    empty = replace(
        result,
        fills=result.fills.clear(),
        trades=result.trades.clear(),
        equity=result.equity.clear(),
        values=result.values.clear().select("time", "symbol"),
        wiring={"nodes": [], "edges": []},
        seconds=0.0,
    )
    data = data_of(page_of(empty, tmp_path, {}))
    assert data["price"] == {}
    assert data["metrics"]["sharpe"] is None


def test_closes_alone_are_enough_for_a_chart(tmp_path: Path) -> None:
    short = made_result({"AAA": random_bars(np.random.default_rng(1), 500)})
    price = data_of(page_of(short, tmp_path, {"close": "L0.close", "stop": "L9.absent"}))["price"]["AAA"]
    assert price["open"] == price["high"] == price["close"]
    assert "stop" not in price
    assert "regime" not in price


def test_numbers_that_json_lacks_are_written_out(result: BacktestResult, tmp_path: Path) -> None:
    node = {**result.wiring["nodes"][0], "params": {"cap": float("inf"), "window": np.int64(3)}}
    odd = replace(result, wiring={**result.wiring, "nodes": [node]}, venue={"max": float("nan")})
    data = data_of(page_of(odd, tmp_path))
    assert data["wiring"]["nodes"][0]["params"] == {"cap": "inf", "window": "3"}


def test_long_tables_are_cut_and_say_so(result: BacktestResult) -> None:
    many = pl.concat([result.trades] * (TABLE_TRADES // result.trades.height + 2))
    data = page_data(replace(result, trades=many), compute_metrics(result), ROLES, LABELS)
    assert len(data["trades"]["rows"]) == TABLE_TRADES
    assert data["trades"]["total"] == many.height


def test_months_are_shown_once_there_are_some(result: BacktestResult) -> None:
    longer = result.equity.with_columns(pl.col("time") * 1 + (pl.int_range(pl.len()) * 30 * MINUTE))
    stretched = replace(result, equity=longer, start_ms=int(longer["time"][0]), end_ms=int(longer["time"][-1]))
    data = page_data(stretched, compute_metrics(stretched), {}, {})
    assert data["returns"]["every"] == "1mo"
    assert len(data["returns"]["periods"]) >= 4


def test_a_hundred_thousand_bars_are_drawn_thinly(tmp_path: Path) -> None:
    bars = random_bars(np.random.default_rng(3), 100_000)
    long = made_result({"AAA": bars})
    page = page_of(long, tmp_path)
    price = data_of(page)["price"]["AAA"]
    assert len(price["time"]) == 4_000
    assert price["bars"] == 100_000
    assert max(price["high"]) == pytest.approx(bars["high"].max(), rel=1e-6)
    assert min(price["low"]) == pytest.approx(bars["low"].min(), rel=1e-6)


def test_real_bars_make_a_page(tmp_path: Path) -> None:
    pair = {name: real_bars(f"binance_{name}_2026_1m", 8_000) for name in ("btcusdt", "ethusdt")}
    common = np.intersect1d(*(own["time"] for own in pair.values()))
    pair = {name: {c: v[np.isin(own["time"], common)] for c, v in own.items()} for name, own in pair.items()}
    assert data_of(page_of(made_result(pair), tmp_path))["metrics"]["trades"] > 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(6, 60))
def test_thinning_keeps_the_ends_and_the_extremes(values: list[float], limit: int) -> None:
    series = np.array(values)
    kept = extremes_kept(series, limit)
    assert len(kept) <= max(limit, 0)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(series) - 1)
    assert series[kept].min() == series.min()
    assert series[kept].max() == series.max()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(1, 50))
def test_candles_partition_the_bars(count: int, limit: int) -> None:
    rng = np.random.default_rng(count)
    bars = random_bars(rng, count)
    made = to_candles(Candles(*(bars[k] for k in ("time", "open", "high", "low", "close"))), limit)
    assert len(made.time) == min(count, limit)
    assert (made.open[0], made.close[-1]) == (bars["open"][0], bars["close"][-1])
    edges = np.append(np.searchsorted(bars["time"], made.time), count)
    for i, (a, b) in enumerate(pairwise(edges)):
        assert made.high[i] == bars["high"][a:b].max()
        assert made.low[i] == bars["low"][a:b].min()


def test_label_runs_by_hand() -> None:
    time_ms = np.array([0, 1, 2, 3, 4, 9])
    runs = label_runs(time_ms, np.array([1.0, 1.0, np.nan, 2.0, 2.0, 1.0]), 10, 1)
    assert runs.start.tolist() == [0, 3, 9]
    assert runs.end.tolist() == [2, 9, 10]
    assert runs.label.tolist() == [1, 2, 1]


def test_restless_labels_are_shown_by_the_commonest() -> None:
    labels = np.tile([3.0, 3.0, 1.0], 400)
    runs = label_runs(np.arange(1_200), labels, 10, 1)
    assert runs.label.tolist() == [3]
    assert (runs.start[0], runs.end[-1]) == (0, 1_200)


def test_last_known_value_of_each_bucket() -> None:
    values = np.array([1.0, np.nan, np.nan, np.nan, 5.0, 6.0])
    assert last_known(values, bucket_starts(6, 3)).tolist() == pytest.approx([1.0, np.nan, 6.0], nan_ok=True)


def test_numbers_are_rounded_beside_the_largest_and_missing_ones_null() -> None:
    assert significant(np.array([70123.456789, np.nan, 0.123456])) == [70123.46, None, 0.12]
    assert significant(np.array([1.23456789e-5])) == [1.234568e-5]
    assert significant(np.zeros(2)) == [0.0, 0.0]


def test_the_page_costs_no_heavy_import() -> None:
    code = "import sys, runtime.report; print([m for m in ('plotly', 'pandas', 'numba', 'rich') if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == "[]"


def summary_of(result: BacktestResult, **options: Any) -> str:
    out = io.StringIO()
    metrics = compute_metrics(result, ROLES, LABELS)
    console = Console(file=out, width=100, **options)
    print_summary(result, metrics, console, "out/[bold]report.html")
    return out.getvalue()


def test_the_summary_is_plain_where_there_is_no_terminal(result: BacktestResult) -> None:
    text = summary_of(result)
    assert "\x1b" not in text
    assert "max drawdown" in text
    assert "AAA" in text
    assert "no edge after costs" in text
    assert text.rstrip().endswith("out/[bold]report.html")
    assert max(map(len, text.splitlines())) <= 100


def test_a_run_in_which_nothing_traded_says_why_instead_of_zeros(result: BacktestResult) -> None:
    nothing = replace(result, fills=result.fills.clear(), trades=result.trades.clear())
    assert "The wiring has no `orders`" in summary_of(nothing)
    ordering = {**nothing.wiring, "orders": [{"port": "side", "source": "L5.order_side"}]}
    text = summary_of(replace(nothing, wiring=ordering, held_back={"gross": 7, "bound": 2}))
    most = compute_metrics(nothing, ROLES, LABELS).vetoes[0]
    assert f"No order was filled: the most frequent veto of the risk gate was `{most.name}`" in text
    assert "the border held back 9 orders, most by gross" in text
    short = summary_of(replace(nothing, wiring=ordering, warm_up=10**6))
    assert "orders can be relied on after 1,000,000 bars, and the run has" in short
    assert "max drawdown" not in text
    assert text.rstrip().endswith("out/[bold]report.html")


def test_a_cut_table_says_how_much_it_lacks(result: BacktestResult) -> None:
    metrics = compute_metrics(result, ROLES, LABELS)
    many = [v.model_copy(update={"name": f"reason {k}"}) for k in range(9) for v in metrics.vetoes[:1]]
    out = io.StringIO()
    print_summary(result, metrics.model_copy(update={"vetoes": many}), Console(file=out, width=100))
    assert "reason 4" in out.getvalue() and "reason 5" not in out.getvalue()
    assert "and 4 more, in the report" in out.getvalue()
    assert "bars x symbols" in out.getvalue()


def test_the_summary_has_colour_on_a_terminal(result: BacktestResult) -> None:
    assert "\x1b" in summary_of(result, force_terminal=True)


def test_sparkline() -> None:
    assert sparkline([0.0, 1.0, 2.0, 7.0], 4) == "▁▂▃█"
    assert sparkline([5.0, 5.0], 10) == "▁▁"
    assert sparkline([], 10) == ""
    assert len(sparkline(np.arange(1_000.0), 60)) == 60
