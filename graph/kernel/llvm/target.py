"""The processor that machine code is made for, and LLVM's way from text to an object and into this process.

The only module that imports llvmlite.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from llvmlite import binding

from stratoquant.graph.kernel.tiers import Tier


class Machine(NamedTuple):
    """What machine code runs on. features: as LLVM writes them."""

    triple: str
    cpu: str
    features: str


@cache
def host() -> Machine:
    """This machine."""
    _prepare()
    return Machine(binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())


def machine_key(machine: Machine) -> str:
    """Equal where the same text gives the same object."""
    parts = (*machine, ".".join(map(str, binding.llvm_version_info)), *_OPTIONS)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


_OPTIONS = ("-x86-cmov-converter=0",)
"""LLVM would make a jump of a choice between two values; a search among random values mispredicts it."""


@cache
def set_options() -> None:
    """Sets LLVM's options of the whole process, once."""
    for option in _OPTIONS:
        binding.set_option("stratoquant", option)


@cache
def _prepare() -> None:
    set_options()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def _target_machine(machine: Machine, level: int) -> Any:
    target = binding.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=level, reloc="static", codemodel="jitdefault"
    )


def compile_unit(text: str, machine: Machine, tier: Tier) -> bytes:
    """The object of a unit. Raises RuntimeError for text that is not LLVM IR."""
    _prepare()
    context = binding.create_context()
    module = binding.parse_assembly(text, context=context)
    module.triple = machine.triple
    target = _target_machine(machine, _LEVELS[tier])
    module.data_layout = str(target.target_data)
    module.verify()
    _improve(module, target, tier)
    code: bytes = target.emit_object(module)
    return code


_LEVELS = {Tier.QUICK: 0, Tier.OPTIMISED: 3}


def _improve(module: Any, target: Any, tier: Tier) -> None:
    """Loops are not unrolled: a step runs through more code than a processor holds close by, and the shorter it is the
    faster."""
    tuning = binding.create_pipeline_tuning_options(speed_level=_LEVELS[tier])
    tuning.loop_vectorization = tier is Tier.OPTIMISED
    tuning.loop_unrolling = False
    builder = binding.create_pass_builder(target, tuning)
    if tier is Tier.OPTIMISED:
        passes = builder.getModulePassManager()
    else:
        passes = binding.create_new_module_pass_manager()
        passes.add_sroa_pass()
    passes.run(module, builder)


class Loaded:
    """Objects that are linked with each other and with the C library, and stay in this process as long as this does."""

    def __init__(self, objects: Sequence[bytes]) -> None:
        _prepare()
        module = binding.parse_assembly("")
        self._engine = binding.create_mcjit_compiler(module, _target_machine(host(), _LEVELS[Tier.OPTIMISED]))
        for code in objects:
            self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        address: int = self._engine.get_function_address(name)
        if not address:
            raise RuntimeError(f"internal error, please report it: no function {name} among the objects")
        return address
