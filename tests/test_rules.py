"""Rules for the tests themselves: nothing depends on how busy the machine is, and a skip has a listed reason."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import skips

pytest_plugins = ("pytester",)

FOLDER = Path(__file__).parent
FILES = sorted(path for path in FOLDER.rglob("*.py") if path.name != "mutation.py")  # a tool, no test
HANG = 600
"""Seconds after which a process counts as hung rather than slow: no shorter limit is allowed in tests."""
CLOCKS = {"perf_counter", "monotonic", "process_time", "thread_time"}


def broken_rules(text: str) -> Iterator[tuple[int, str]]:
    """The line and the rule of each place in a file of tests that depends on the speed of the machine."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword):
            value = node.value.value if isinstance(node.value, ast.Constant) else "not a constant"
            if node.arg == "deadline" and value is not None:
                yield node.value.lineno, "hypothesis gets no deadline: the profile in tests/conftest.py has none"
            if node.arg == "timeout" and isinstance(value, int | float) and value < HANG:
                yield node.value.lineno, f"a limit below {HANG} s fails on a busy machine"
        elif isinstance(node, ast.Attribute | ast.Name | ast.alias):
            name = ast.unparse(node).rpartition(".")[2]
            if name.removesuffix("_ns") in CLOCKS or ast.unparse(node) in ("time.time", "time.time_ns"):
                yield node.lineno, "no test measures time: tools/bench does"
            if name in ("register_profile", "load_profile"):
                yield node.lineno, "profiles of hypothesis are those in tests/conftest.py"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("settings(deadline=200)", "no deadline"),
        ("settings(max_examples=3, deadline=timedelta(seconds=5))", "no deadline"),
        ("process.communicate(timeout=30)", "busy machine"),
        ("begun = time.perf_counter()", "measures time"),
        ("begun = time.time()", "measures time"),
        ("from time import monotonic", "measures time"),
        ("settings.load_profile('ci')", "profiles"),
    ],
)
def test_a_broken_rule_is_found(line: str, rule: str) -> None:
    (found,) = broken_rules(f"import time\n{line}\n")
    assert found[0] == 2 and rule in found[1]


def test_what_does_not_depend_on_speed_is_allowed() -> None:
    fine = "settings(deadline=None)\nprocess.wait(timeout=600)\ntime.sleep(0.05)\nbars.time\nrun(timeout=None)\n"
    assert list(broken_rules(fine)) == []


def test_no_test_depends_on_how_fast_the_machine_is() -> None:
    own = (Path(__file__), FOLDER / "conftest.py")
    found = [
        f"{path.relative_to(FOLDER.parent)}:{line}: {rule}"
        for path in FILES
        if path not in own
        for line, rule in broken_rules(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_hypothesis_has_no_deadline_here() -> None:
    assert settings.default is not None and settings.default.deadline is None
    assert settings(max_examples=3).deadline is None


def test_a_skip_that_is_not_listed_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = skips.MaySkip("test_it.py::test_listed[*", lambda: True, "a reason")
    needless = skips.MaySkip("test_it.py::test_needless", lambda: False, "what is here")
    monkeypatch.setattr(skips, "MAY_SKIP", (entry, needless))
    pytester.makeconftest("from tests.conftest import pytest_runtest_makereport")
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.parametrize("n", [1])
        def test_listed(n):
            pytest.skip("listed")

        def test_needless():
            pytest.skip("needless")

        @pytest.mark.skipif(True, reason="by its mark")
        def test_other():
            pass

        @pytest.mark.xfail
        def test_known_to_fail():
            assert False
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(skipped=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_other skipped (by its mark); mend it, or list it in tests/skips.py with the reason",
            "*test_needless skipped (needless) although it has what it needs: what is here",
        ]
    )


def test_a_file_that_skips_as_a_whole_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import pytest_make_collect_report")
    pytester.makepyfile("import pytest\n\npytest.importorskip('a_package_that_is_not_there')\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*.py skipped (could not import *); mend it, or list it in tests/skips.py*"])


def test_a_run_in_which_too_many_skip_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skips, "MAY_SKIP", (skips.MaySkip("*", lambda: True, "any"),))
    monkeypatch.setattr(skips, "WHOLE_SUITE", 10)
    pytester.makeconftest("from tests.conftest import pytest_runtest_makereport, pytest_sessionfinish")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(20))
        def test_some(n):
            if n < 2:
                pytest.skip("so it goes")
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=18, skipped=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["2 of 20 tests skipped; at most 3% may"])


def test_the_largest_share_of_skipped_tests() -> None:
    assert skips.too_many(30, 1_000) is None
    assert skips.too_many(31, 1_000) == "31 of 1000 tests skipped; at most 3% may"
    assert skips.too_many(1, 2) is None


def test_every_entry_of_the_table_is_of_a_test_that_exists() -> None:
    names = [
        f"{path.relative_to(FOLDER.parent)}::{name}"
        for path in FILES
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    gone = [entry.tests for entry in skips.MAY_SKIP if not fnmatch.filter(names, entry.tests.split("[")[0])]
    assert not gone


def test_ci_runs_each_check_of_the_makefile_once() -> None:
    """As `make -n` gives the commands: every test runs in one part or the other, and every wiring is checked once."""
    script = (FOLDER.parent / ".ci" / "run").read_text(encoding="utf-8")
    targets = [target for line in re.findall(r"^part .* make (.*)$", script, re.MULTILINE) for target in line.split()]
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", *targets]
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    parts = [re.findall(r'-m pytest .*-m "?([\w ]+)"?', line) for line in done.stdout.splitlines() if "pytest" in line]
    assert parts == [["not slow"], ["slow"]]
    for check in ("ruff check", "ruff format", "mypy", "wiring_check --prove specs/"):
        assert done.stdout.count(f"/bin/{check}") == 1, check
    assert done.stdout.count("wiring_check") == 1


def test_the_makefile_has_every_target_it_declares() -> None:
    makefile = (FOLDER.parent / "Makefile").read_text(encoding="utf-8")
    declared = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert {"backtest", "test", "lint", "prove"} <= set(declared)
    assert [name for name in declared if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
