"""The codes of what can be wrong with settings: title, cause, fix. Data only."""

from __future__ import annotations

from runtime.errors import CodePage

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
    )
}
