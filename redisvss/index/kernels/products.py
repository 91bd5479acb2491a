"""Products of coded rows with coded queries, sixteen rows at a time, in the processor's own int8 and int16 arithmetic.

Coded rows lie in blocks: four dimensions of one row, the same four of the next fifteen, then the next four dimensions.
A register so holds sixteen rows, nothing is ever added up across its lanes, and bounds follow for sixteen rows at once.
(Row after row, a third of the time went into adding up lanes.)

Numba widens integers and LLVM loses the multiply-add instructions once several queries share a row: they are named
here, as the processor the code is compiled for has them. Every way gives the same numbers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from redisvss.index.kernels.arith import intrinsic

ROWS = 16  # rows in a block
STEP = 8  # dimensions coded rows are padded to a multiple of
QUERIES = 8  # int8 queries answered at once: eight sums and two loads leave a register file of sixteen room
MOST_STEPS = 32  # of an int8 query: 255 · 32 · 4 products fit into 16 bits
BIAS = 128  # int8 queries are multiplied by codes + 128: the processor multiplies bytes only unsigned by signed

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_I32, ROWS)


@intrinsic
def products(_ctx: Any, codes: Any, block: Any, queries: Any, group: Any, out: Any) -> Any:
    """out[i, r] = Σ query_i · row_r over the rows of a block.

    codes: (blocks, 16 · width) int8.  queries: (groups, width) int16, one query each; or (groups, 8 · width) int8,
    eight each, four dimensions of one after the same four of another. Then rows count as codes + BIAS.
    """
    wide = queries.dtype == types.int16
    return types.void(codes, types.int64, queries, types.int64, out), _int16_query if wide else _int8_queries


def _int16_query(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    rows, query, quads = _operands(context, builder, signature, args, 4)
    zero = ir.Constant(_SUMS, None)
    halves = [cgutils.alloca_once_value(builder, zero) for _ in range(2)]
    with cgutils.for_range(builder, quads) as loop:
        codes = _load(builder, rows, ir.VectorType(_I8, 64), loop.index)
        factors = builder.bitcast(_spread(builder, query, _I64, loop.index, 8), ir.VectorType(_I16, 32))
        for first, half in zip((0, 32), halves, strict=True):
            values = builder.sext(_pick(builder, codes, codes, range(first, first + 32)), ir.VectorType(_I16, 32))
            builder.store(builder.add(builder.load(half), _pairs16(context, builder, values, factors)), half)
    low, high = (builder.load(half) for half in halves)
    even, odd = (_pick(builder, low, high, range(first, 32, 2)) for first in (0, 1))
    _store(context, builder, signature, args, [builder.add(even, odd)])
    return context.get_dummy_value()


def _int8_queries(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    rows, query, quads = _operands(context, builder, signature, args, 4 * QUERIES)
    sums = [cgutils.alloca_once_value(builder, ir.Constant(_SUMS, None)) for _ in range(QUERIES)]
    flip = ir.Constant(ir.VectorType(_I8, 64), [-BIAS] * 64)  # turns over the highest bit
    ones = ir.Constant(ir.VectorType(_I16, 32), [1] * 32)
    with cgutils.for_range(builder, builder.udiv(quads, _I64(2))) as loop:
        at = [builder.add(builder.mul(loop.index, _I64(2)), _I64(i)) for i in range(2)]
        bytes_ = [builder.xor(_load(builder, rows, ir.VectorType(_I8, 64), i), flip) for i in at]
        for number, total in enumerate(sums):
            places = [builder.add(builder.mul(i, _I64(QUERIES)), _I64(number)) for i in at]
            factors = [builder.bitcast(_spread(builder, query, _I32, i, 16), flip.type) for i in places]
            pairs = [_pairs8(context, builder, b, f) for b, f in zip(bytes_, factors, strict=True)]
            quad = _pairs16(context, builder, builder.add(*pairs), ones)
            builder.store(builder.add(builder.load(total), quad), total)
    _store(context, builder, signature, args, [builder.load(total) for total in sums])
    return context.get_dummy_value()


def _operands(context: Any, builder: Any, signature: Any, args: Any, quad: int) -> tuple[Any, Any, Any]:
    """Pointers to the block and to the group of queries; how many times four dimensions, `quad` numbers, it has."""
    starts = []
    for place in (0, 2):
        array = context.make_array(signature.args[place])(context, builder, args[place])
        offset = builder.mul(args[place + 1], builder.extract_value(array.strides, 0))
        starts.append(builder.gep(builder.bitcast(array.data, _I8.as_pointer()), [offset]))
    # by the shape: the stride of a single row may be anything
    return starts[0], starts[1], builder.udiv(builder.extract_value(array.shape, 1), _I64(quad))


def _load(builder: Any, start: Any, kind: Any, index: Any) -> Any:
    value = builder.load(builder.gep(builder.bitcast(start, kind.as_pointer()), [index]))
    value.align = 1
    return value


def _spread(builder: Any, start: Any, kind: Any, index: Any, times: int) -> Any:
    """One number in every lane."""
    vector = ir.VectorType(kind, times)
    blank = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(blank, _load(builder, start, kind, index), _I32(0))
    return builder.shuffle_vector(one, blank, ir.Constant(ir.VectorType(_I32, times), None))


def _pick(builder: Any, a: Any, b: Any, lanes: range) -> Any:
    """These lanes of a and b laid side by side."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))


def _store(context: Any, builder: Any, signature: Any, args: Any, sums: list[Any]) -> None:
    out = context.make_array(signature.args[4])(context, builder, args[4])
    start = builder.bitcast(out.data, _SUMS.as_pointer())
    for place, value in enumerate(sums):
        builder.store(value, builder.gep(start, [_I64(place)])).align = 4


# ---- multiply, and add neighbouring lanes: one instruction where there is one --------------------------------------


def _pairs16(context: Any, builder: Any, a: Any, b: Any) -> Any:
    """(32 × int16) · (32 × int16) → 16 × int32."""
    names = {"avx512bw": "llvm.x86.avx512.pmaddw.d.512", "avx2": "llvm.x86.avx2.pmadd.wd"}
    return _by_instruction(context, builder, a, b, names, _SUMS) or _pairs(builder, a, b, _SUMS, signed=True)


def _pairs8(context: Any, builder: Any, a: Any, b: Any) -> Any:
    """(64 × uint8) · (64 × int8) → 32 × int16, sums within range."""
    names = {"avx512bw": "llvm.x86.avx512.pmaddubs.w.512", "avx2": "llvm.x86.avx2.pmadd.ub.sw"}
    sums = ir.VectorType(_I16, 32)
    return _by_instruction(context, builder, a, b, names, sums) or _pairs(builder, a, b, sums, signed=False)


def _by_instruction(context: Any, builder: Any, a: Any, b: Any, names: dict[str, str], sums: Any) -> Any:
    """What the processor's instruction gives, in as many calls as its registers are short; None without one."""
    features = context.codegen().magic_tuple()[2].split(",")
    parts = next((parts for parts, name in ((1, "avx512bw"), (2, "avx2")) if f"+{name}" in features), 0)
    if not parts:
        return None
    lanes, result = a.type.count // parts, ir.VectorType(sums.element, sums.count // parts)
    kind = ir.FunctionType(result, [ir.VectorType(a.type.element, lanes)] * 2)
    call = cgutils.get_or_insert_function(builder.module, kind, names["avx512bw" if parts == 1 else "avx2"])
    if parts == 1:
        return builder.call(call, [a, b])
    halves = [range(first, first + lanes) for first in (0, lanes)]
    low, high = (builder.call(call, [_pick(builder, a, a, half), _pick(builder, b, b, half)]) for half in halves)
    return _pick(builder, low, high, range(sums.count))


def _pairs(builder: Any, a: Any, b: Any, sums: Any, signed: bool) -> Any:
    """The same in arithmetic that every processor has."""
    total = ir.Constant(sums, None)
    for first in (0, 1):
        lanes = range(first, a.type.count, 2)
        x, y = (_pick(builder, value, value, lanes) for value in (a, b))
        x = builder.sext(x, sums) if signed else builder.zext(x, sums)
        total = builder.add(total, builder.mul(x, builder.sext(y, sums)))
    return total
