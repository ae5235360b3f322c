"""From a generated module to machine code: numba reads each function once, LLVM optimises all of them together once.

Left to itself numba optimises a function and makes code for it, and does so again inside each of its callers. A plan
has hundreds of functions and one entry, so here only the entry's library is finished; what the entry calls, directly or
not, is linked into it first. The passes are numba's own, less those for what the kernel language does not have
(closures, with, literals, array expressions).

Only generated modules and what calls them import this; checking a wiring does not.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import _dynfunc, njit, typeof, types
from numba.core import untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis

from graph.kernel.call import OVERLAPPING, READ_ONLY, Argument, Enter
from graph.kernel.llvm.target import set_options

_DATA = "4"
"""The field of an array argument that holds the address of its elements."""

set_options()

Dispatcher = Any
"""numba's object for a decorated function."""


def _remembering(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """What a builtin makes of some kinds of numbers, or of arrays of them, asked once. numba asks at each place where
    the builtin stands, twice, and tries all that it knows of it: strings and sets too."""
    known: dict[Any, Any] = {}

    def get_call_type(function: Any, context: Any, args: Any, keywords: Any) -> Any:
        kinds = [kind.dtype if isinstance(kind, types.Array) else kind for kind in args]
        if keywords or not all(isinstance(kind, _NUMBERS) for kind in kinds):
            return resolve(function, context, args, keywords)
        question = (function, context, tuple(args))
        if question not in known:
            known[question] = resolve(function, context, args, keywords)
        return known[question]

    return get_call_type


_NUMBERS = (types.Float, types.Integer, types.Boolean, types.Omitted)

# A third of the time of a build goes into questions asked before, and into writing out records for messages that nobody
# reads. These two answer all of numba in this process, and as before.
types.Function.get_call_type = _remembering(types.Function.get_call_type)
types.Record.__repr__ = cache(types.Record.__repr__)


class _KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """One kernel as LLVM sees it first: nothing is optimised here, and nothing runs from here."""

    def add_llvm_module(self, ll_module: Any) -> None:
        self._final_module.link_in(ll_module)

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True


class _EntryLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The entry with every kernel below it, optimised as one."""

    def finalize(self) -> None:
        self._linking_libraries: list[Any] = _callers_first(self._linking_libraries)
        super().finalize()
        kernels = [library for library in self._linking_libraries if isinstance(library, _KernelLibrary)]
        defined = {f.name for library in kernels for f in library.get_defined_functions()}
        missing = [f.name for f in self._final_module.functions if f.is_declaration and f.name in defined]
        if missing:  # a call of address 0
            raise RuntimeError(f"not linked: {missing}")

    def _optimize_final_module(self) -> None:
        """Once, where numba goes twice for the sake of reference counts. Loops are not unrolled: a step runs through
        more code than a processor holds close by, and the shorter it is the faster."""
        tuning = binding.create_pipeline_tuning_options(speed_level=3)
        tuning.loop_vectorization = True
        tuning.loop_unrolling = False
        passes = binding.create_pass_builder(self._codegen._tm, tuning)
        passes.getModulePassManager().run(self._final_module, passes)


def _callers_first(libraries: list[Any]) -> list[Any]:
    """The libraries and all that the code of kernels among them calls, each once and after all that call it: LLVM takes
    a function in only where something calls it already."""
    done: dict[Any, None] = {}

    def visit(library: Any) -> None:
        if library not in done:
            if isinstance(library, _KernelLibrary):
                for called in library._linking_libraries:
                    visit(called)
            done[library] = None

    for library in libraries:
        visit(library)
    return list(reversed(done))


class _Lower(Lower):  # type: ignore[misc]
    """Lowering in which an index counts from the front, so that nothing asks whether it is below 0 at each element."""

    def lower_getitem(self, resty: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        return super().lower_getitem(resty, expr, value, index, _from_the_front(signature))

    def lower_setitem(self, target: Any, index: Any, value: Any, signature: Any) -> Any:
        return super().lower_setitem(target, index, value, _from_the_front(signature))


def _from_the_front(signature: Any) -> Any:
    array, index, *rest = signature.args
    return signature.replace(args=(array, types.uint64 if index == types.int64 else index, *rest))


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerKernel(NativeLowering):  # type: ignore[misc]
    """numba's lowering, without making the kernel executable."""

    _name = "lower_kernel"

    @property
    def lowering_class(self) -> type:
        return _Lower

    def run_pass(self, state: Any) -> bool:
        state.library = _KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        name, module = state.func_id.func_name, state.cr.fndesc.lookup_module()
        stand_in = _dynfunc.make_function(module, name, "", 0, state.cr.env, (state.library,))
        state.targetctx.insert_user_function(stand_in, state.cr.fndesc, [state.library])
        state["cr"] = state.cr._replace(cfunc=stand_in)
        return True


class _EntryLower(_Lower):
    def setup_function(self, fndesc: Any) -> None:
        """Tells LLVM which arguments overlap no other, and that a record of what is only read is there: it then reads
        parameters, and divides by them, once a block instead of once a bar."""
        super().setup_function(fndesc)
        kinds = dict(zip(fndesc.args, fndesc.argtypes, strict=True))
        for argument in self.function.args:
            parts = argument.name.split(".")  # arg.NAME.FIELD
            if len(parts) == 3 and parts[2] == _DATA and parts[1] not in OVERLAPPING:
                argument.add_attribute("noalias")
                held = kinds[parts[1]].dtype
                if parts[1] in READ_ONLY and isinstance(held, types.Record):
                    argument.attributes.dereferenceable = held.size


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerEntry(NativeLowering):  # type: ignore[misc]
    """numba's lowering of a function that is called from Python, through an entrance that takes one address."""

    _name = "lower_entry"

    @property
    def lowering_class(self) -> type:
        return _EntryLower

    def run_pass(self, state: Any) -> bool:
        state.library = _EntryLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        _add_entrance(state.targetctx, state.library, state.cr.fndesc)
        executable = state.targetctx.get_executable(state.library, state.cr.fndesc, state.cr.env)
        state["cr"] = state.cr._replace(cfunc=executable)
        return True


def _add_entrance(context: Any, library: Any, function: Any) -> None:
    """Adds int64 entrance(address): loads the arguments that lie there one after the other, and calls the function."""
    module = context.create_module("entrance")
    called = ir.Function(
        module,
        context.call_conv.get_function_type(function.restype, function.argtypes),
        function.llvm_func_name,
    )
    word = ir.IntType(64)
    entrance = ir.Function(module, ir.FunctionType(word, [word]), function.llvm_cfunc_wrapper_name)
    builder = ir.IRBuilder(entrance.append_basic_block())
    values, offset = [], 0
    for kind in function.argtypes:
        lowered = context.get_value_type(kind)
        address = builder.add(entrance.args[0], ir.Constant(word, offset))
        values.append(builder.load(builder.inttoptr(address, lowered.as_pointer())))
        offset += context.get_abi_sizeof(lowered)
    status, result = context.call_conv.call_function(builder, called, function.restype, function.argtypes, values)
    builder.ret(builder.select(status.is_error, ir.Constant(word, -1), result))
    library.add_ir_module(module)


def _pipeline(state: Any, name: str, lowering: type) -> list[Any]:
    passes = PassManager(name)
    if state.func_ir is None:
        passes.add_pass(untyped_passes.TranslateByteCode, "read the bytecode")
        passes.add_pass(untyped_passes.FixupArgs, "arguments")
    passes.add_pass(untyped_passes.IRProcessing, "intermediate representation")
    passes.add_pass(untyped_passes.ReconstructSSA, "single assignments")
    passes.add_pass(NopythonTypeInference, "types")
    passes.add_pass(PreLowerStripPhis, "strip phis")
    passes.add_pass(lowering, "LLVM")
    passes.add_pass(NoPythonBackend, "result")
    passes.finalize()
    return [passes]


class _KernelCompiler(CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        return _pipeline(self.state, "kernel", _LowerKernel)


class _EntryCompiler(CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        return _pipeline(self.state, "entry", _LowerEntry)


_COMMON = {
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,  # nothing is allocated, so nothing is counted
}

kernel = njit(**_COMMON, pipeline_class=_KernelCompiler)
"""Decorates what only compiled code calls."""

inlined = njit(**_COMMON, pipeline_class=_KernelCompiler, forceinline=True)
"""A kernel that stands in one place only; its outputs need not pass through memory when it is inlined there."""

entry = njit(**_COMMON, pipeline_class=_EntryCompiler, cache=True)
"""Decorates the one function of a module that is called from Python, as a `Call`. It returns an integer >= 0."""


class NumbaEntry:
    """The entry of a module that numba compiles."""

    def __init__(self, function: Dispatcher) -> None:
        self._function = function

    def enter(self, arguments: tuple[Argument, ...]) -> Enter:
        signature = tuple(_scalar(a) if isinstance(a, type) else _array(*a) for a in arguments)
        if signature not in self._function.overloads:
            self._function.compile(signature)
        compiled = self._function.overloads[signature]
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(address)


def _scalar(kind: type) -> types.Type:
    return types.int64 if kind is int else types.float64


@cache
def _array(dtype: np.dtype[Any], axes: int) -> types.Type:
    """As numba.typeof, which goes through all fields of a record anew for each array."""
    return typeof(np.empty((1,) * axes, dtype))
