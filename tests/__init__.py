"""Mirrors the tree above."""
