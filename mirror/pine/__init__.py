"""From a checked graph to a Pine Script v6: kernels are translated, not templated."""
