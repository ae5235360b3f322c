"""The JSON mirror: decisions, regime, risk and vetoes of every bar as JSON lines that anybody can read.

A file is one header line and then a line for each symbol at each bar, in order of time. It grows at its end only.
"""
