"""What rules cut of positions, against the recorded values themselves."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.size_cuts import CutPort, cut_ports
from stratoquant.runtime.size_cuts import EXACT, SizeCut, _Lanes
from tests.graph.plans import checked
from tests.tools.shell import ROOT, Shell, shell  # noqa: F401


def plain(left: np.ndarray) -> tuple[int, int, float, float, int]:
    """Bars, cut bars, mean and least left, longest stretch; by loops over lanes."""
    lanes = [column[~np.isnan(column)] for column in left.T]
    cut = [x for lane in lanes for x in lane if x < EXACT]
    stretches = [len(list(g)) for lane in lanes for is_cut, g in groupby(lane < EXACT) if is_cut]
    return sum(map(len, lanes)), len(cut), float(np.mean(cut)), min(cut), max(stretches)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [(300,), (1, 99, 7, 193), (100, 100, 100)])
def test_figures_are_those_of_the_whole_run_however_it_is_cut_into_blocks(seed: int, sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    left = rng.choice([np.nan, 1.0, 0.5, 0.0], (300, 3), p=[0.1, 0.05 + 0.1 * seed, 0.6 - 0.1 * seed, 0.25])
    counted = _Lanes(3)
    ends = np.cumsum(sizes)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        counted.add(left[start:end])
    found = counted.figures(CutPort("L80.scale", "L80 drawdown_control"))
    bars, cut, mean, least, longest = plain(left)
    assert (found.bars, found.cut, found.longest) == (bars, cut, longest)
    assert (found.mean, found.least) == pytest.approx((mean, least))


def test_the_brake_on_drawdowns_is_in_the_summary_the_result_and_the_report(shell: Shell) -> None:  # noqa: F811
    text = (ROOT / "specs" / "sma_cross.yaml").read_text(encoding="utf-8")
    text = text.replace("minimal_risk.yaml]", f"{ROOT / 'specs' / 'minimal_risk.yaml'}]")
    text = text.replace("record: [fast.value", "record: [L80.scale, fast.value")
    Path("braked.yaml").write_text(text, encoding="utf-8")
    asked = ("braked.yaml", "--bars", "12000", "--set", "L80.soft=0.01")
    assert shell.run("backtest", *asked, "-o", "run") == 0, shell.err
    assert "size cut by" in shell.out and "L80 drawdown_control" in shell.out
    (cut,) = [SizeCut(**c) for c in json.loads(Path("run/result.json").read_text())["size_cuts"]]
    present = pl.read_parquet("run/equity.parquet").filter(pl.col("present") > 0).select("time")
    scale = pl.read_parquet("run/values/*.parquet").join(present, "time", "semi")["L80.scale"].to_numpy()
    bars, number, mean, least, longest = plain(scale[:, None])
    assert number > 1000
    assert (cut.rule, cut.port) == ("L80 drawdown_control", "L80.scale")
    assert (cut.cut, cut.longest) == (number, longest) and cut.bars == bars
    assert (cut.mean, cut.least) == pytest.approx((mean, least), rel=1e-6)
    assert '"size_cuts":[{' in Path("run/report.html").read_text(encoding="utf-8")


def test_cuts_are_resolved_along_the_wires() -> None:
    graph = checked("""
stratoquant: 1
clock: 1m
nodes:
  L80: {inputs: {equity: account.equity}}
  L81: {inputs: {want: 100, held: account.reach, equity: account.equity, rank: 1}}
  L83: {inputs: {r1: 0.0, allowed: L81.allowed, held: account.reach, equity: account.equity}}
record: [L80.scale, L83.allowed]
""").graph
    assert graph is not None
    assert cut_ports(graph) == (
        CutPort("L80.scale", "L80 drawdown_control"),
        CutPort("L83.allowed", "L83 correlation_cap", of="L81.allowed"),
    )
