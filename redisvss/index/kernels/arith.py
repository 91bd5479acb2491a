"""Element decoders and distances between a query and one row, for every stored type.

The stored type alone picks the decoder: float32 and float64 as they are, uint16 holds float16 bits, int16 holds
bfloat16 bits, int8 and uint8 are integers. The query has the type the arithmetic wants: float32 (float64 for float64
rows, int16 for integers). Plain Python cannot say "multiply in 32 bits" or "these bits are a half": intrinsics do.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, typeof, types
from numba.extending import overload

from redisvss.index.kernels import cache

INTEGER_DIMS = 33_000  # 2³¹ / 255²

# Reassociation lets sums run in vector registers. NaN and infinity keep their IEEE meaning.
FAST = {"reassoc", "contract", "nsz"}

PREFETCHED_LINES = 4  # of a row about to be read: 10 % off a search of 384 dimensions; 8 gained nothing more


# The metric of a kernel is a type, so that each is compiled for its own: a branch on a code inside the inner loop cost
# 2.5×. Plain tuples, because numba asks Python for the type of a NamedTuple on every call (1.8 µs).
SQUARED_L2 = (0,)
DOT = (0.0,)  # 1 − dot: IP, and COSINE of rows stored at unit length


def integer_cosine(norm: float) -> tuple[float, float]:
    """(1/‖query‖, ‖query‖): 1 − dot/(‖query‖‖row‖), for rows that integers keep from unit length."""
    return (1 / norm if norm else 1.0), norm


_SQUARED_L2, _DOT = typeof(SQUARED_L2), typeof(DOT)


# typed Any: mypy takes an intrinsic's first parameter, the typing context, for one that callers must pass
intrinsic: Any = extending.intrinsic


def jit(function: Any, **more: Any) -> Any:
    """Compile at the first call, to run without the interpreter's lock; see `cache` for where the code is kept."""
    with cache.kept() as usable:
        return njit(nogil=True, fastmath=FAST, cache=usable, **more)(function)


def leaf(function: Any) -> Any:
    """`jit` for kernels that allocate nothing: without numba's reference counts, which it takes on every array of a
    call (atomic ones: an insertion into a sorted list took 79 ns with them, 6 without)."""
    return jit(function, _nrt=False)


INLINED: Any = {"nogil": True, "fastmath": FAST, "_nrt": False}


@intrinsic
def _float16(_ctx: Any, bits: Any) -> Any:
    def code(_c: Any, builder: Any, _s: Any, args: Any) -> Any:
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), code


@intrinsic
def _bfloat16(_ctx: Any, bits: Any) -> Any:
    def code(_c: Any, builder: Any, _s: Any, args: Any) -> Any:
        word = ir.IntType(32)
        return builder.bitcast(builder.shl(builder.zext(args[0], word), ir.Constant(word, 16)), ir.FloatType())

    return types.float32(types.int16), code


@intrinsic
def mul32(_ctx: Any, a: Any, b: Any) -> Any:
    """a·b in 32 bits. numba would widen to 64, which costs the multiply-add instruction (8× slower)."""
    return types.int32(types.int32, types.int32), lambda _c, builder, _s, args: builder.mul(args[0], args[1])


@intrinsic
def add32(_ctx: Any, a: Any, b: Any) -> Any:
    """a + b in 32 bits."""
    return types.int32(types.int32, types.int32), lambda _c, builder, _s, args: builder.add(args[0], args[1])


def _prefetcher(lines: int) -> Any:
    """An intrinsic (array, index) that asks for the first cache lines of array[index]."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        view = context.make_array(sig.args[0])(context, builder, args[0])
        stride = builder.extract_value(view.strides, 0)
        offset = builder.mul(builder.sext(args[1], stride.type) if args[1].type.width < 64 else args[1], stride)
        byte = ir.IntType(8).as_pointer()
        pointer = builder.gep(builder.bitcast(view.data, byte), [offset])
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        module = builder.module
        name = "llvm.prefetch.p0i8"
        function = module.globals.get(name) or ir.Function(module, kind, name)
        for line in range(lines):
            address = builder.gep(pointer, [ir.Constant(word, 64 * line)])
            builder.call(function, [address, ir.Constant(word, 0), ir.Constant(word, 3), ir.Constant(word, 1)])
        return context.get_dummy_value()

    return intrinsic(lambda _ctx, array, index: (types.void(array, index), emit))


prefetch = _prefetcher(PREFETCHED_LINES)  # a row; the processor's own prefetcher follows on from there
prefetch_list = _prefetcher(2)  # a neighbour list of M 16
prefetch_more = _prefetcher(
    8
)  # of a row in a list too short to learn from: 300 rows of 384 dimensions in .9 of the time


@intrinsic
def word_at(_ctx: Any, blob: Any, at: Any) -> Any:
    """Eight bytes of a uint8 array from any place on as a little-endian uint64."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        view = context.make_array(sig.args[0])(context, builder, args[0])
        word = ir.IntType(64)
        found = builder.load(builder.bitcast(builder.gep(view.data, [args[1]]), word.as_pointer()))
        found.align = 1
        return found if sys.byteorder == "little" else builder.bswap(found)

    return types.uint64(blob, types.int64), code


def decode(element):
    """One stored element as a number (compiled code only)."""
    raise NotImplementedError


@overload(decode, inline="always")
def _decode(element):
    if element == types.uint16:
        return lambda element: _float16(element)
    if element == types.int16:
        return lambda element: _bfloat16(element)
    return lambda element: element


def dot(query, rows, row):
    """Σ query·row in the query's precision; for integer rows in 32 bits, exact up to INTEGER_DIMS dimensions."""
    raise NotImplementedError


@overload(dot, jit_options=INLINED)
def _dot(query, rows, row):
    if rows.dtype in (types.int8, types.uint8):
        return _dot_integers
    zero = np.float64(0) if query.dtype == types.float64 else np.float32(0)

    def floats(query, rows, row):
        total = zero
        for j in range(rows.shape[1]):
            total += query[j] * decode(rows[row, j])
        return total

    return floats


def _dot_integers(query, rows, row):
    total = np.int32(0)
    for j in range(rows.shape[1]):
        total = add32(total, mul32(np.int32(query[j]), np.int32(rows[row, j])))
    return total


def squared(query, rows, row):
    """Σ (query − row)², in the precision of `dot`."""
    raise NotImplementedError


@overload(squared, jit_options=INLINED)
def _squared(query, rows, row):
    if rows.dtype in (types.int8, types.uint8):
        return _squared_integers
    zero = np.float64(0) if query.dtype == types.float64 else np.float32(0)

    def floats(query, rows, row):
        total = zero
        for j in range(rows.shape[1]):
            gap = query[j] - decode(rows[row, j])
            total += gap * gap
        return total

    return floats


def _squared_integers(query, rows, row):
    total = np.int32(0)
    for j in range(rows.shape[1]):
        gap = np.int32(np.int32(query[j]) - np.int32(rows[row, j]))
        total = add32(total, mul32(gap, gap))
    return total


def near(query, rows, norms, row, metric):
    """Distance for walking a graph, float32: orders rows as the metric does, in fast arithmetic."""
    raise NotImplementedError


@overload(near, jit_options=INLINED)
def _near(query, rows, norms, row, metric):
    if metric == _SQUARED_L2:
        return lambda query, rows, norms, row, metric: np.float32(squared(query, rows, row))
    if metric == _DOT:
        return lambda query, rows, norms, row, metric: np.float32(1) - np.float32(dot(query, rows, row))
    return _near_integers


def _near_integers(query, rows, norms, row, metric):
    return np.float32(np.float32(1) - np.float32(dot(query, rows, row)) * np.float32(metric[0]) / norms[row])


def true(query, rows, row, metric):
    """Distance in float64, for a query in float64 (int16 for integer rows): the value before `reported` rounds it."""
    raise NotImplementedError


@overload(true, jit_options=INLINED)
def _true(query, rows, row, metric):
    if metric == _SQUARED_L2:
        return lambda query, rows, row, metric: np.float64(squared(query, rows, row))
    if metric == _DOT:
        return lambda query, rows, row, metric: 1.0 - _rounded(np.float64(dot(query, rows, row)), rows)
    return _true_integers


@leaf
def _rounded(similarity, rows):
    """To the precision of its type, before it is taken from 1; `distance.exact` says why."""
    return similarity if rows.itemsize == 8 else np.float64(np.float32(similarity))


def _true_integers(query, rows, row, metric):
    total = np.int32(0)
    for j in range(rows.shape[1]):
        total = add32(total, mul32(np.int32(rows[row, j]), np.int32(rows[row, j])))
    lengths = np.sqrt(np.float64(total)) * metric[1]
    if lengths == 0:  # compiled code raises on a division by zero
        return np.nan
    return 1.0 - _rounded(np.float64(dot(query, rows, row)) / lengths, rows)


def for_row(metric, norms, row):
    """The metric as it reads when a stored row is the query."""
    raise NotImplementedError


@overload(for_row, jit_options=INLINED)
def _for_row(metric, norms, row):
    if metric in (_SQUARED_L2, _DOT):
        return lambda metric, norms, row: metric
    return lambda metric, norms, row: (1.0 / norms[row], np.float64(norms[row]))


@leaf
def load(rows, row, query):
    """Make a stored row the query."""
    for j in range(rows.shape[1]):
        query[j] = decode(rows[row, j])
