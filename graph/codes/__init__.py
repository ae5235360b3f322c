"""What every finding code means: title, reason, a bad and a good example, the fix. Data for people; decides nothing."""

from __future__ import annotations

from graph.codes.backend import BACKEND_PAGES
from graph.codes.files import FILE_PAGES
from graph.codes.gate import GATE_PAGES
from graph.codes.kernels import KERNEL_PAGES
from graph.codes.names import NAME_PAGES
from graph.codes.page import CodePage
from graph.codes.wires import WIRE_PAGES

CODES: dict[str, CodePage] = {
    p.code: p for p in (*FILE_PAGES, *NAME_PAGES, *WIRE_PAGES, *GATE_PAGES, *KERNEL_PAGES, *BACKEND_PAGES)
}

__all__ = ["CODES", "CodePage"]
