"""HLL and HLL_SUM: a HyperLogLog sketch of a group's values, and what several such sketches count together.

The sketch is RediSearch's byte for byte: four bytes of flags, one byte of precision, one register per byte.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redisvss.aggregate.factorize import factorize
from redisvss.aggregate.reducers.base import Groups, Reducer, rows_with_value
from redisvss.aggregate.reducers.registry import Arguments, reducer
from redisvss.expression.columns import Column, objects
from redisvss.expression.values import Text, Value

PRECISION = 8
_MIN_PRECISION, _MAX_PRECISION = 4, 20
_SEED = 0x5F61767A
_PRIME = 0x100000001B3
_MASK = 2**64 - 1
_HEADER = struct.Struct("<IB")

Registers = NDArray[np.uint8]


@dataclass(frozen=True)
class Sketch(Reducer):
    inputs: tuple[str, ...]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        column = columns[0]
        rows = rows_with_value(column)
        codes, distinct = factorize(column.values[rows])
        hashes = np.array([_hash32(value) for value in distinct.tolist()], np.uint64)
        registers = np.zeros((groups.count, 1 << PRECISION), np.uint8)
        index = (hashes >> np.uint64(32 - PRECISION)).astype(np.intp)
        ranks = np.array([_rank(int(value)) for value in hashes], np.uint8)
        np.maximum.at(registers, (groups.codes[rows], index[codes]), ranks[codes])
        header = _HEADER.pack(0, PRECISION)
        return Column(objects((Text(header + row.tobytes()) for row in registers), groups.count))


def _hash32(value: Value) -> int:
    folded = fnv64(value, _SEED)
    return (folded ^ (folded >> 32)) & 0xFFFFFFFF


def fnv64(value: Value, state: int) -> int:
    """RediSearch's hash of a value: FNV-1a over a string's bytes or a double's, null adding one."""
    match value:
        case bytes():
            return _fnv(value, state)
        case float():
            return _fnv(struct.pack("<d", value), state)
        case list():
            for item in value:
                state = fnv64(item, state)
            return state
        case None:
            return (state + 1) & _MASK
        case _:
            return fnv64(value.first, state)


def _fnv(data: bytes, state: int) -> int:
    for byte in data:
        state = ((state ^ byte) * _PRIME) & _MASK
    return state


def _rank(value: int) -> int:
    """The position of the lowest bit that is set, from 1, among those that choose no register."""
    most = 32 - PRECISION
    return min((value & -value).bit_length(), most + 1) if value else most + 1


@dataclass(frozen=True)
class SketchSum(Reducer):
    """What is no sketch, or of another precision than the group's first, is passed over."""

    inputs: tuple[str, ...]

    def reduce(self, groups: Groups, columns: Sequence[Column]) -> Column:
        merged: list[Registers | None] = [None] * groups.count
        values = columns[0].with_nulls().values
        for code, value in zip(groups.codes.tolist(), values.tolist(), strict=True):
            registers = read_sketch(value)
            known = merged[code]
            if registers is None or (known is not None and len(known) != len(registers)):
                continue
            merged[code] = registers if known is None else np.maximum(known, registers)
        return Column(np.array([0.0 if part is None else float(int(estimate(part))) for part in merged]))


def read_sketch(value: Value) -> Registers | None:
    if not isinstance(value, bytes) or len(value) < _HEADER.size:
        return None
    _, precision = _HEADER.unpack_from(value)
    registers = np.frombuffer(value, np.uint8, offset=_HEADER.size)
    if not _MIN_PRECISION <= precision <= _MAX_PRECISION or len(registers) != 1 << precision:
        return None
    return registers


def estimate(registers: Registers) -> float:
    """How many distinct values the registers have seen."""
    size = len(registers)
    alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(size, 0.7213 / (1.0 + 1.079 / size))
    found = alpha * size * size / float(np.sum(np.exp2(-registers.astype(np.float64))))
    if found <= 2.5 * size:
        zeros = int(np.count_nonzero(registers == 0))
        return size * math.log(size / zeros) if zeros else found
    return -(2.0**32) * math.log1p(-found / 2.0**32) if found > 2.0**32 / 30 else found


@reducer("HLL")
def hll(args: Arguments) -> Reducer:
    return Sketch((args.property(),))


@reducer("HLL_SUM")
def hll_sum(args: Arguments) -> Reducer:
    return SketchSum((args.property(),))
