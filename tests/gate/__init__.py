"""Attacks on the promise that no order is made without the risk gate, nor beyond what it allows."""
