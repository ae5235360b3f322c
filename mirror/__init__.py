"""What carries a plan to a chart. So far: nothing but the packed decision word, which L98 defines."""
