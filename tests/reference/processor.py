"""The kind of processor on which a run gives the same bits."""

from __future__ import annotations

import platform

_FEATURES = ("avx2", "fma", "avx512f")


def kind_of_processor() -> str:
    """Machine, the instruction sets by which the C library and numpy choose among their functions, and that library.

    Such as "x86_64 avx2 fma glibc 2.36": exp or log of another choice may differ in the last place.
    """
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    library = " ".join(platform.libc_ver()) if platform.libc_ver()[0] else platform.system()
    return " ".join([platform.machine().lower(), *(name for name in _FEATURES if features.get(name)), library])
