"""Page of B003: what makes machine code."""

from stratoquant.graph.codes.page import CodePage

BACKEND_PAGES = (
    CodePage(
        "B003",
        "unknown backend",
        "STRATOQUANT_BACKEND names what makes machine code of a wiring: `llvm`, the default, or `numba`, which takes "
        "ten times as long and is what the tests compare with. Both give the same bits.",
        "STRATOQUANT_BACKEND=gcc stratoquant backtest wiring.yaml",
        "STRATOQUANT_BACKEND=numba stratoquant backtest wiring.yaml",
        "Set the variable to llvm or numba, or leave it out.",
    ),
)
