"""Kernels with their own memory, from which layers are put together; nothing that one of them does is written twice."""
