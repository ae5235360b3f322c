"""What a learned policy would make of a proposal; it may only shrink it."""
