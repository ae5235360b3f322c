"""Measures the product and its peers in one run; prints medians and ratios, asserts nothing."""
