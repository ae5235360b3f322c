"""Names of the guard: kernels of the user's own layers run with every index checked, and note one outside its array.

A guarded kernel has one more parameter, the first: an array of ints whose element 0 becomes 1. What it calls is guarded
too, shipped primitives included, because their arrays and the indices in them are the layer's memory.
"""

from __future__ import annotations

from stratoquant.graph.kernel.types import INT, array

GUARDED = "guarded"
OUTSIDE = "outside$"  # no name of Python's, so no local of a kernel
OUTSIDE_TYPE = array(INT, 1)
