"""The graph's side of a venue: the ports that carry the account in, and those that carry an order out.

Account ports show the account as it stood before the step: after the fills of this bar's market, before its decision.
A venue (simulated or real) keeps a record a symbol and one shared record with fields of these names.
"""

from stratoquant.graph.clock import DAY_MS
from stratoquant.graph.types import PortType, edge


def _ports(types: dict[str, str]) -> dict[str, PortType]:
    return {name: edge(kind) for name, kind in types.items()}


def _optional(ports: dict[str, PortType]) -> dict[str, PortType]:
    return {name: PortType(port.edge, port.size, port.per_symbol, optional=True) for name, port in ports.items()}


SYMBOL_ACCOUNT_PORTS = _ports(
    {
        "position": "signed_qty",  # held now, by our own count of the fills
        "reported": "signed_qty",  # held now, by the venue's count
        "entry": "price",  # average entry price; missing while flat
        "held": "bars",  # base bars since the position was opened
        "exposure": "notional",  # position at the last close, signed
        "unrealised": "notional",  # result of the open position at the last close
        "realised": "notional",  # results of closed parts so far, before fees and funding
        "fees": "notional",  # paid so far
        "funding": "notional",  # paid so far, negative when received
        "working": "signed_qty",  # open in the newest order, signed; protective orders not counted
        "reducing": "flag",  # 1 when the newest order only reduces the position
        "buying": "qty",  # that can still fill and does not only reduce: under way, replaced or called off included
        "selling": "qty",  # likewise
        "reach": "notional",  # exposure if all of that filled on the side that leads farther, signed
        "mark": "price",  # last close
        "open_orders": "count",
        "open_age": "bars",  # of the oldest open order
        "rejects": "count",  # in a row since the last accepted order
        "fill_price": "price",  # mean of this bar's fills; missing when there is none
        "fill_qty": "qty",  # of this bar's fills; missing when there is none
        "fill_fees": "notional",  # of this bar's fills
        "fill_maker": "flag",  # 1 when this bar's last fill was passive
        "latency_ms": "real",  # between decision and arrival
        "stop_price": "price",  # protective stop at the venue; missing when there is none
        "take_price": "price",  # protective target at the venue; missing when there is none
        "leverage": "real",  # |exposure| / equity
        "tick": "price",
        "lot": "qty",
        "min_notional": "notional",
        "max_qty": "qty",
    }
)
SHARED_ACCOUNT_PORTS = _ports(
    {
        "equity": "notional",  # cash and all positions at the last closes
        "cash": "notional",
        "gross": "notional",  # sum of |exposure|
        "net": "notional",  # sum of exposure
        "positions": "count",  # symbols that are not flat
    }
)


def bars_in_clock(port: str, clock_ms: int) -> float:
    """The value of `clock.bars_per_day` or `clock.bars_per_year`."""
    return (DAY_MS if port == "bars_per_day" else 365.25 * DAY_MS) / clock_ms


BALANCES = ("equity", "cash", "gross", "net", "funding")
"""What is kept of the account at every step: four shared ports, and the funding of all symbols."""

CLOCK_PORTS = _ports({"time": "time_ms", "close_time": "time_ms", "bars_per_day": "bars", "bars_per_year": "bars"})
"""time: the open of the bar that this step closes. close_time: its close. bars_per_day, bars_per_year: how many bars of
the reading node's clock there are in 24 hours and in 365.25 days, whether or not the market is open."""
VENUE_PORTS = _ports(
    {
        "taker_fee": "bps",  # of an aggressive fill's notional
        "maker_fee": "bps",  # of a passive fill's notional; negative is a rebate
        "half_spread": "bps",  # lost by an aggressive fill where no book tells it
        "impact": "real",  # of the square-root law: impact x volatility x sqrt(quantity / volume)
        "maintenance": "unit",  # margin below which positions are liquidated, share of the exposure
    }
)
"""What the venue of the run charges and demands, from its settings: the same for all symbols, and for the whole run."""
OPERATOR_PORTS = _ports({"kill": "flag", "reset": "flag"})
"""What a person may set while the graph runs: kill trips the governor, reset lets it go."""

ORDER_PORTS = _ports({"side": "side", "qty": "qty"}) | _optional(
    _ports(
        {
            "price": "price",  # limit or trigger price; missing for a market order
            "valid": "flag",  # 0 sends nothing
            "reduce_only": "flag",
            "post_only": "flag",
            "kind": "label",  # 0 market, 1 limit, 2 stop; missing means market
            "ttl": "bars",  # bars until an unfilled order is cancelled; missing means until replaced
            "command": "label",  # 0 place, 1 keep, 2 replace, 3 cancel; missing means place
            "stop_price": "price",  # protective stop of the whole position
            "take_price": "price",  # protective target of the whole position
        }
    )
)
ORDER_COMMANDS = ("place", "keep", "replace", "cancel")
ORDER_KINDS = ("market", "limit", "stop")
FILL_REASONS = ("signal", "stop", "take", "liquidation", "end")
