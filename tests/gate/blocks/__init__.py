"""Layers that a wiring of the attacks needs."""
