"""The labels that the layers between a target and the venue hand to each other, by number."""

from stratoquant.graph.account import ORDER_COMMANDS as COMMANDS
from stratoquant.graph.language import kernel
from stratoquant.layers.execution.l5_execution_bridge import INTENTS

PLACE = float(COMMANDS.index("place"))
KEEP = float(COMMANDS.index("keep"))
REPLACE = float(COMMANDS.index("replace"))
CANCEL = float(COMMANDS.index("cancel"))

HEALTH = ("good", "bad", "broken")
BROKEN = float(HEALTH.index("broken"))

FIRST_EXIT = float(INTENTS.index("reduce"))
LAST_EXIT = float(INTENTS.index("flip_close"))


@kernel
def is_exit(intent: float) -> bool:
    """True for the intents of L5 that make a position smaller; False when the intent is missing."""
    return FIRST_EXIT <= intent <= LAST_EXIT
