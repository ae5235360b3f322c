"""The codes of what can be wrong with settings: title, cause, fix. Data only."""

from __future__ import annotations

from stratoquant.runtime.errors import CodePage

CODES = {
    page.code: page
    for page in (
        CodePage(
            "S001",
            "unknown setting",
            "The settings file has a key that no setting has, so the value would have no effect.",
            "Correct the name; config/default.yaml lists every setting.",
        ),
        CodePage(
            "S002",
            "setting out of range",
            "The value of a setting is not of its kind, or lies outside its bounds.",
            "Choose a value as the message says; config/default.yaml shows one of each.",
        ),
        CodePage(
            "S003",
            "rebate above the fee",
            "A maker's rebate (a negative maker fee) that exceeds the taker fee would pay for trading with oneself; no "
            "venue does that, and every backtest on it would gain from turnover alone.",
            "Lower the rebate or raise the taker fee, so that `maker_fee` and `taker_fee` add up to 0 or more.",
        ),
    )
}
