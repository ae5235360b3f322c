"""What it costs to trade, and who trades."""
