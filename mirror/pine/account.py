"""The account of TradingView's strategy tester, in place of the ports of the account and of the operator.

Orders of a strategy fill at the next open, whole, so that at the close of a bar nothing works; the tester knows no
least notional and no largest quantity; and nobody stands beside it to trip a switch.
"""

from __future__ import annotations

from stratoquant.graph.model import SourceRef
from stratoquant.mirror.pine.syntax import NA, Expr, Name, number
from stratoquant.runtime.venue.settings import VenueSettings

_NOTHING = number(0.0)
_PORTS: dict[str, Expr] = {
    "account.position": Name("float", "strategy.position_size"),
    "account.reported": Name("float", "strategy.position_size"),
    "account.entry": Name("float", "strategy.position_avg_price"),
    "account.unrealised": Name("float", "strategy.openprofit"),
    "account.equity": Name("float", "strategy.equity"),
    "account.tick": Name("float", "syminfo.mintick"),
    "account.lot": Name("float", "syminfo.mincontract"),
    "account.working": _NOTHING,
    "account.open_orders": _NOTHING,
    "account.min_notional": _NOTHING,  # a rule of 0 is no rule
    "account.max_qty": _NOTHING,
    "account.stop_price": NA,  # market orders alone: no protective level stands
    "account.take_price": NA,
    "operator.kill": _NOTHING,
    "operator.reset": _NOTHING,
}
NAMES = tuple(sorted({value.id for value in _PORTS.values() if isinstance(value, Name)}))


def tester_value(ref: SourceRef) -> Expr | None:
    """What stands for a port of the account or the operator in a strategy; None for one that the tester lacks."""
    return _PORTS.get(str(ref))


def venue_value(ref: SourceRef) -> Expr:
    """A fact of the venue as the default settings have it."""
    return number(getattr(VenueSettings(), ref.port))
