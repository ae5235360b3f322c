"""Unnumbered nodes: single primitives that a wiring may place by name."""
