"""A run on one page and in the terminal. Shows what runtime.metrics found; computes no figure of its own."""

from stratoquant.runtime.report.page import write_report

__all__ = ["write_report"]
