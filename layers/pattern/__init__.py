"""Shapes in price that traders act on; every layer first returns its signal, its quality and its age."""
