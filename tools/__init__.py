"""Command-line front doors. What they do is done elsewhere."""
