"""The kernel language, the wiring and the compiler. Imports no layer and no runtime."""
