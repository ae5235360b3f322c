"""Pages of B001 and B002: where compiled plans are kept."""

from stratoquant.graph.codes.page import CodePage

BUILD_PAGES = (
    CodePage(
        "B001",
        "compiled plans are not safe from other users",
        "A compiled plan is code that is run. Its folder must belong to the user who runs it, or to root, and no other "
        "user may write there or put another folder in its place.",
        "STRATOQUANT_CACHE=/shared/plans stratoquant backtest wiring.yaml",
        "STRATOQUANT_CACHE=~/plans stratoquant backtest wiring.yaml",
        "Take the right to write away from other users, or name a folder of your own in STRATOQUANT_CACHE.",
    ),
    CodePage(
        "B002",
        "compiled plans cannot be kept",
        "Neither the cache folder nor a folder in the temporary one can be written, so there is no place for the "
        "module that a wiring is compiled to.",
        "STRATOQUANT_CACHE=/proc/plans stratoquant backtest wiring.yaml",
        "STRATOQUANT_CACHE=~/plans stratoquant backtest wiring.yaml",
        "Name a folder in STRATOQUANT_CACHE that you may write to.",
    ),
)
