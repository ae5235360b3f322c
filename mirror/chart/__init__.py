"""One page that shows a JSON mirror as a chart, drawn by TradingView's open-source lightweight-charts.

The library (Apache-2.0) is not part of this package: it is taken from where npm has put it and written into the page,
which then needs nothing else.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from stratoquant.mirror.json.models import Bar, Header
from stratoquant.runtime.errors import StratoError

LIBRARY = "5.2.1"
MOST_BARS = 20_000
_FILE = Path("node_modules") / "lightweight-charts" / "dist" / "lightweight-charts.standalone.production.js"


def library_folder() -> Path:
    """Where the library is looked for: $STRATOQUANT_CHARTS, or the cache of this product."""
    cache = os.environ.get("STRATOQUANT_CACHE") or Path.home() / ".cache" / "stratoquant"
    return Path(os.environ.get("STRATOQUANT_CHARTS") or Path(cache) / "charts")


def page(header: Header, bars: Sequence[Bar]) -> str:
    """The page for bars of one symbol. Raises StratoError without bars, with too many, or without the library."""
    if not bars:
        raise StratoError("no bars to draw", "choose another symbol or period", "M041")
    if len(bars) > MOST_BARS:
        raise StratoError(
            f"{len(bars):,} bars are too many for a page", f"take at most {MOST_BARS:,}: --last N", "M041"
        )
    parts = files(__name__)
    template = (parts / "page.html").read_text(encoding="utf-8")
    fill = {
        "TITLE": html.escape(f"{header.name} · {bars[0].symbol}"),
        "STYLE": (parts / "page.css").read_text(encoding="utf-8"),
        "LIBRARY": _library(),
        "DATA": json.dumps(payload(header, bars), separators=(",", ":")).replace("</", "<\\/"),
        "SCRIPT": (parts / "page.js").read_text(encoding="utf-8"),
    }
    for name, text in fill.items():
        template = template.replace(f"%{name}%", text)
    return template


def payload(header: Header, bars: Sequence[Bar]) -> dict[str, Any]:
    """What the page draws; times in seconds, as the library wants them."""
    return {
        "symbol": bars[0].symbol,
        "name": header.name,
        "regimes": header.regimes,
        "bars": [_row(bar) for bar in bars],
    }


def _row(bar: Bar) -> dict[str, Any]:
    row = {
        "t": bar.time // 1000,
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "regime": bar.regime,
        "direction": bar.decision.direction,
        "edge": bar.decision.edge,
        "confidence": bar.decision.confidence,
        "pattern": bar.decision.pattern,
        "target": bar.decision.target,
        "stop": bar.risk.stop,
        "take": bar.risk.take,
        "equity": bar.risk.equity,
        "drawdown": bar.risk.drawdown,
        "vetoes": list(bar.risk.vetoes),
        "fills": [{"side": f.side, "qty": f.qty, "price": f.price, "reason": f.reason} for f in bar.fills],
    }
    return {name: value for name, value in row.items() if value not in (None, [])}


def _library() -> str:
    path = library_folder() / _FILE
    if not path.exists():
        install = f"npm install --prefix {library_folder()} lightweight-charts@{LIBRARY}"
        raise StratoError("lightweight-charts is not installed", install, "M040")
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script")
