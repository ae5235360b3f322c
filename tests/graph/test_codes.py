"""The pages of the finding codes: none missing, none left over, and their examples do what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from stratoquant.graph.codes import CODES, CodePage
from stratoquant.graph.codes.kernels import KERNEL_PAGES
from stratoquant.layers import catalogue
from stratoquant.tools.check import explained
from tests.graph.findings import HEAD, Desk, desk
from tests.graph.test_own_layers import USER_LAYER, kernel_file

__all__ = ["desk"]

ROOT = Path(__file__).parents[2]
NOT_ALONE = {
    "W001": "is about the command line",
    "W006": "needs two files",
    "W009": "is a Python file",
    "W018": "needs two files",
    "W023": "leaves inputs out",
    "W027": "no layer makes a market event",
    "W042": "leaves the path out",
    "W043": "leaves inputs out",
    "W046": "needs two files",
    "W047": "is a Python file",
    "W048": "needs a layer's file",
    "W049": "leaves the wiring out",
    "W050": "needs a model file",
    "W051": "needs a model file",
    "W052": "needs a model file",
    "P001": "is about the command line",
    "K018": "is about a declaration",
    "K019": "is not found by a check",
}


def used_codes() -> Iterator[str]:
    """Each code that a finding is made with."""
    sources = [p for p in (ROOT / "graph").rglob("*.py") if "codes" not in p.parts]
    for path in (*sources, ROOT / "runtime" / "proof.py"):
        yield from re.findall(r'"([WKPB][0-9]{3})"', path.read_text(encoding="utf-8"))


def test_every_code_has_a_page() -> None:
    assert set(used_codes()) == set(CODES)


def test_every_code_of_every_part_can_be_explained() -> None:
    sources = [p for part in ("config", "graph", "mirror", "runtime", "tools") for p in (ROOT / part).rglob("*.py")]
    found = {code for p in sources for code in re.findall(r'"([A-KM-Z][0-9]{3})"', p.read_text(encoding="utf-8"))}
    assert {"S001", "W001", "K001", "D001", "F001", "M001", "P001", "B001"} <= found
    for code in found:  # L and three digits is a layer
        assert explained(code).startswith(f"{code}  "), code


def test_pages_are_complete() -> None:
    for code, page in CODES.items():
        assert page.code == code
        assert page.title and page.why.endswith(".") and page.fix.endswith("."), code
        assert page.bad.strip() and page.good.strip() and page.bad != page.good, code
        assert max(map(len, page.text().splitlines())) < 120, code


def test_titles_differ() -> None:
    titles = [page.title for page in CODES.values()]
    assert len(set(titles)) == len(titles)


def completed(example: str) -> str:
    text = dedent(example).strip("\n") + "\n"
    return text if "stratoquant:" in text else HEAD + text


def missing_layers(text: str) -> set[str]:
    return {key for key in re.findall(r"\bL[0-9]+\b", text) if key not in catalogue()}


@pytest.mark.parametrize("code", [c for c in CODES if c.startswith("W") and c not in NOT_ALONE])
def test_wiring_example(code: str, desk: Desk) -> None:
    bad, good = completed(CODES[code].bad), completed(CODES[code].good)
    if absent := missing_layers(bad + good):
        pytest.skip(f"layers are not here yet: {', '.join(sorted(absent))}")
    assert code in {f.code for f in desk.check(bad).findings}
    checked = desk.check(good)
    assert checked.sound, "\n".join(map(str, checked.findings))
    assert code not in {f.code for f in checked.findings}


@pytest.mark.parametrize("page", [p for p in KERNEL_PAGES if p.code not in NOT_ALONE], ids=lambda page: page.code)
def test_kernel_example(page: CodePage, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": kernel_file(page.bad)})
    assert page.code in {f.code for f in desk.errors(USER_LAYER)}
    desk.write({"own/blocks/mine.py": kernel_file(page.good)})
    assert desk.errors(USER_LAYER) == []
