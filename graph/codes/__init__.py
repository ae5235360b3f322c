"""What every finding code means: title, reason, a bad and a good example, the fix. Data for people; decides nothing."""

from __future__ import annotations

from stratoquant.graph.codes.backend import BACKEND_PAGES
from stratoquant.graph.codes.build import BUILD_PAGES
from stratoquant.graph.codes.files import FILE_PAGES
from stratoquant.graph.codes.gate import GATE_PAGES
from stratoquant.graph.codes.kernels import KERNEL_PAGES
from stratoquant.graph.codes.names import NAME_PAGES
from stratoquant.graph.codes.page import CodePage
from stratoquant.graph.codes.wires import WIRE_PAGES

_PAGES = (*FILE_PAGES, *NAME_PAGES, *WIRE_PAGES, *GATE_PAGES, *KERNEL_PAGES, *BUILD_PAGES, *BACKEND_PAGES)

CODES: dict[str, CodePage] = {page.code: page for page in _PAGES}

__all__ = ["CODES", "CodePage"]
