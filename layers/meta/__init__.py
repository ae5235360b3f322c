"""What watches the other layers: how well they do, and what to learn from it."""
