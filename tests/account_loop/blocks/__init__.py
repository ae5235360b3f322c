"""Layers that say whatever a number makes them say."""
