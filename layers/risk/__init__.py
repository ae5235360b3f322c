"""How much may be held, and whether: sizes, limits, protective levels, the governor and the gate."""
