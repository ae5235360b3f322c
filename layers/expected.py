"""What `stratoquant ports` expects of layers on bars without a book: every silent, constant or saturated port, every
branch that is never taken and every layer without effect, with the reason. It reports what is not declared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Reasons = Mapping[str, tuple[str, ...]]

_BARS_ALONE = "bars alone have no book, trades, taker volume or funding"
_NO_MODELS = "L70, L71, L72 and L82 have no model yet"
_NO_SKILL = "no forecast beats its base rate on ordinary bars; on planted edges it does, as the tests show"
_NO_SEASON = "no hour of the week differs enough from the others, within a month"
_NO_SUCH_DAY = "a limit that no ordinary month reaches; the layer's tests reach it"
_BAD_INPUT = "for input that checked bars do not contain; the layer's tests send it"
_NO_PAIR = "without options, a hedge or a chart to compare with there is nothing to report"

SILENT: Reasons = {
    _BARS_ALONE: (
        *("L0.trades", "L0.buy_volume", "L0.bid_px", "L0.bid_qty", "L0.ask_px", "L0.ask_qty", "L0.funding_rate"),
        *("L8.mid", "L8.weighted_mid", "L8.spread", "L8.depth_bid", "L8.depth_ask", "L8.imbalance"),
        *("L8.slope_bid", "L8.slope_ask", "L9.ofi", "L9.ofi_norm", "L9.queue", "L61.kyle", "L61.kyle_t"),
    ),
    _NO_MODELS: (*("L70.p_up", "L70.margin", "L71.forecast", "L71.p_up", "L72.forecast", "L72.p_up", "L82.value"),),
    _NO_SKILL: ("L73.p_up",),
    _NO_SEASON: ("L49.age",),
}
CONSTANT: Reasons = {
    _NO_SKILL: ("L7.ok", "L66.ok", "L65.drift", "L73.ok", "L73.consensus", "L73.members"),
    _NO_SEASON: ("L49.signal", "L49.quality"),
    _BARS_ALONE: ("L0.has_book", "L10.from_book", "L10.fillable", "L59.from_trades", "L92.carry"),
    _NO_MODELS: (
        *("L70.ok", "L71.ok", "L72.ok"),
        *("L82.multiplier", "L82.action", "L82.ok"),
    ),
    _NO_SUCH_DAY: (
        *("L0.stale", "L79.halt", "L79.resume", "L84.breach", "L86.breach", "L89.give_up", "L92.reduce", "L97.wait_ms"),
        *("L76.kept", "L80.scale", "L80.stage", "L95.scale", "L90.router_health"),
    ),
    _NO_PAIR: (
        *("L93.hedge", "L93.band", "L93.act"),
        *("L99.position_gap", "L99.mismatch", "L99.pine_mismatch", "L99.since"),
    ),
    "positions end before they have gained what an addition asks for": ("L78.add",),
    "0 only where time does not go on": ("L100.alive",),
}
SATURATED: Reasons = {
    "the filter is sure of its state most of the time, as states last for hours": (
        "L64.p0",
        "L64.p1",
        "L64.p2",
        "L64.p3",
    ),
    "a mean of few votes: it is at its bound when they agree": ("L11.stack", "L23.bias"),
}
BRANCHES: Reasons = {
    _NO_SKILL: (
        "L65 loss >= 0.0 and watch(s, loss, p.delta, p.lambda_, 1.0 / p.horizon)",
        "L65 drifted",
        "L66 beats_base_rate(s.record)",
        "L7 beats_base_rate(s.record)",
        "L3 not isnan(model_p) and model_ok == 1.0",
        "L73 s.members < p.min_members or s.weight <= 0.0",
    ),
    _NO_SEASON: ("L49 fabs(t) > p.t",),
    _BARS_ALONE: (
        *(
            "L0 has_book",
            "L0 is_count(raw.trades)",
            "L0 s.has_trades == 1",
            "L0 s.has_buys == 1",
            "L0 book",
            "L0 bad_book",
        ),
        *("L10 bid_px[0] < ask_px[0] and bid_qty[0] > 0.0 and ask_qty[0] > 0.0",),
    ),
    _NO_SUCH_DAY: (
        *("L79 day >= p.daily", "L79 week >= p.weekly", "L79 halt", "L80 drawdown >= p.hard"),
        *("L76 equity < p.small_equity", "L84 var > p.limit", "L83 len(r1) > MOST", "L83 j < MOST"),
        "L92 carry > p.max_carry or (side == 0.0 and abs(daily) > p.max_carry)",
        *("L80 drawdown <= p.soft", "L80 scale >= 1.0", "L86 worst > p.limit", "L89 refused >= s.forgiven"),
        "L90 rejects >= BROKEN_REJECTS or slippage > SEVERE * p.bad",
        "L90 rejects > 0.0 or slippage > p.bad or latency_ms > SLOW",
        *("L89 gives_up", "L97 lacking <= ROUNDING and over <= 0.0", "L98 x >= GREATEST"),
    ),
    _BAD_INPUT: (
        *("L0 not possible_prices(raw)", "L0 not possible_range(raw)", "L0 not possible_volume(raw.volume)"),
        *("L0 not possible_time(raw.time, s.told, now)", "L100 alive"),
        "L77 at > 0.0 and at != price and isfinite(at)",
        "L96 limit <= 0.0 or limit == inf or (not exits and not at > 0.0)",
        "L96 not exits and isnan(tick + lot + min_notional + max_qty)",
    ),
    "a motionless price, which liquid markets do not have": ("L21 atr > FADED * close", "L52 variance <= ROUNDING"),
    "orders are far above the venue's minima and below its largest order": (
        *("L96 exits and qty < grid", "L96 max_qty > 0.0 and qty > max_qty", "L96 exits and reason == 0 and small"),
        *("L96 exits and qty > slice_qty * (1.0 + EXACT)", "L96 not exits and small", "L96 held < lot"),
    ),
    "the gate closes a position before it opens the opposite one": ("L5 flips",),
    "market orders fill in the next bar, so little is under way": ("L5 under_way > size * (1.0 + ROUNDING)",),
    "positions end before they have gained what an addition asks for": (
        "L78 due and not leaves and s.additions < p.max_adds and side * bias > 0.0",
        "L4 grows and add > 0.0",
    ),
    "the account's stop is the gate's own, unless a session begins with a position": (
        "L4 side != 0.0 and held == side and (isnan(s.stop) or side * (standing - s.stop) > 0.0)",
    ),
    "correlations of liquid symbols are known and agree, and what both sides keep is found in a turn or two": (
        *("L83 unsure", "L83 turns != SETTLED", "L83 kept < hedge"),
    ),
    "there are no more symbols than places": ("L75 place <= p.top",),
    "the trend ends before a close falls that far beyond the average": (
        "L27 trend * (mid - close) > p.max_depth * atr",
    ),
    "a channel is wider than the tolerance of its touches wherever prices move": ("L40 width > 4.0 * near",),
    "with the spread estimated from bars, a waiting order is so likely to fill that no entry takes": (
        "L69 p.maker_bias * saved > (1.0 - p.maker_bias) * missed",
    ),
    _NO_PAIR: ("L99 mismatch", "L99 pine_mismatch"),
}
NO_EFFECT: Reasons = {
    _BARS_ALONE: ("L8", "L9"),
    "read only by L70, L71 and L72, which have no model yet, and by the report": (
        *("L13", "L16", "L18", "L22", "L24", "L25", "L55", "L56", "L61"),
    ),
    _NO_MODELS: ("L70", "L71", "L72", "L82"),
    _NO_SKILL: ("L66", "L73"),
    "what fills cost decides at the cost gate, which is open where entries are forced": ("L90",),
    _NO_SUCH_DAY: ("L84", "L86"),
    "a record of decisions, read after the run": ("L85", "L98", "L99", "L100"),
    "a pattern so rare that it seldom leads the vote": ("L31", "L49"),
}

EXPECTED: Mapping[str, Reasons] = {
    "silent": SILENT,
    "constant": CONSTANT,
    "saturated": SATURATED,
    "branch": BRANCHES,
    "effect": NO_EFFECT,
}
"""By the kind of what is found."""


def reason(declared: Reasons, name: str) -> str:
    """Why this is as it is, or nothing where it is not declared."""
    return next((why for why, names in declared.items() if name in names), "")


def names(declared: Reasons) -> Iterator[str]:
    """Everything that is declared."""
    for group in declared.values():
        yield from group
