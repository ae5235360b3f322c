"""The codes of what can be wrong with a finished run: title, cause, fix. Data only."""

from __future__ import annotations

from stratoquant.runtime.errors import CodePage

CODES = {
    page.code: page
    for page in (
        CodePage(
            "R001",
            "forecasts not recorded",
            "A forecast is judged by its recorded values, by those of the ports that it depends on (its side, its "
            "cost), and by the close. The run recorded too few of them.",
            "Add the ports that the message names to `record` in the wiring, give the close its role "
            "(`roles: {close: L0.close}`), and run the backtest again.",
        ),
        CodePage(
            "R002",
            "nothing to calibrate",
            "None of the wiring's layers forecasts a close, and no closed round trip has a cost that the gate charged.",
            "Run a wiring with a layer that declares `forecasts`, such as L66, or give the role `charged` to the bps "
            "that the gate charges (`roles: {charged: L74.costs}`) and let the run close a trade.",
        ),
    )
}
