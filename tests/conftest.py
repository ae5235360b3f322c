"""The order of the tests, the profiles of hypothesis, and the rule that only tests listed in tests/skips.py skip."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests import skips

# No deadline and no health check of speed: how fast a busy machine draws examples says nothing about the code.
# The same examples on every machine, so that a fresh clone passes or fails as the last commit did;
# `pytest --hypothesis-profile explore` draws others.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("same"), derandomize=False, print_blob=True)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first: at the end, then, no processor is idle for long while another one is at a slow test."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _skipped_as_listed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _skipped_as_listed((yield))


def _skipped_as_listed(report: Report) -> Report:
    """The report; a failure where a test, or a whole file, skipped and is not listed."""
    if report.skipped and not hasattr(report, "wasxfail"):
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if fault := skips.fault(report.nodeid, said.removeprefix("Skipped: ")):
            report.outcome, report.longrepr = "failed", fault
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which too many tests skipped has failed, though none of them did."""
    if hasattr(session.config, "workerinput"):
        return  # a worker of pytest-xdist sees its share of the tests; its controller sees them all
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None:
        return
    counts = {outcome: len(reports) for outcome, reports in terminal.stats.items()}
    skipped = counts.get("skipped", 0)
    tests = skipped + sum(counts.get(outcome, 0) for outcome in ("passed", "failed", "xfailed", "xpassed"))
    if fault := skips.too_many(skipped, tests):
        terminal.write_line(f"\n{fault}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
