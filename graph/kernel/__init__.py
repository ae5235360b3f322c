"""Kernels as one typed intermediate representation, and machine code made from it through LLVM.

The way of a kernel: `source` parses the emitted module, `read` types it into `nodes`, `inlining` marks what is inlined,
`units` divides it, `llvm` writes each unit as LLVM IR and compiles it, `objects` keeps the result, `entry` loads it.
"""
