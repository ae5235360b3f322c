"""The door through which market data comes in."""
