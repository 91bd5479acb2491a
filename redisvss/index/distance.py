"""Metrics and element types: how raw bytes become rows, and how a distance is defined.

Owns the only place where vectors are cast or normalised. Knows nothing of indexes, graphs or queries' options.

A distance is computed in float64 from the stored rows and rounded once to the type RediSearch reports (float64 for
FLOAT64, float32 for every other type). Two rows tie exactly when those rounded values are equal, so every search
strategy ranks by the same numbers.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]


class Metric(enum.Enum):
    """RediSearch's DISTANCE_METRIC: L2 is the squared distance, IP is 1 − dot, COSINE is 1 − cosine."""

    L2 = "L2"
    IP = "IP"
    COSINE = "COSINE"


ELEMENT_SIZE: dict[str, int] = {"FLOAT32": 4, "FLOAT64": 8, "FLOAT16": 2, "BFLOAT16": 2, "INT8": 1, "UINT8": 1}

# Rows as stored. A bfloat16 row is its raw bits in int16: numpy has no such type, and the kernels tell the decoders
# apart by the element type alone.
STORED: dict[str, np.dtype[Any]] = {
    "FLOAT32": np.dtype("<f4"),
    "FLOAT64": np.dtype("<f8"),
    "FLOAT16": np.dtype("<f2"),
    "BFLOAT16": np.dtype("<i2"),
    "INT8": np.dtype("i1"),
    "UINT8": np.dtype("u1"),
}
INTEGER_TYPES = frozenset({"INT8", "UINT8"})

# Beyond these magnitudes a product of two elements may overflow the float32 (float64) arithmetic of the fast scans.
# Such rows take the slow float64 path, where they give what IEEE arithmetic gives.
_SAFE = {"FLOAT64": 1e150, "FLOAT32": 1e15, "BFLOAT16": 1e15}


class Query(NamedTuple):
    """A query in the index's own type, normalised when the metric asks for it. (A frozen dataclass takes 2 µs longer.)

    wide: (dim,) float64 of values of the index's type;  norm: Euclidean norm of `wide`.
    odd: some element is NaN, infinite or huge, or the norm is zero under COSINE: only the float64 path may answer.
    """

    wide: Floats
    norm: float
    odd: bool


def decode_blob(blob: bytes, dtype: str, dim: int) -> Array:
    """Values (dim,) of a raw little-endian vector; BFLOAT16 comes back as float32.

    Raises ValueError when the blob is not exactly dim elements long.
    """
    if len(blob) != dim * ELEMENT_SIZE[dtype]:
        raise ValueError(f"blob of {len(blob)} bytes is not {dim} × {dtype}")
    stored = np.frombuffer(blob, STORED[dtype])
    return widen(stored, dtype) if dtype == "BFLOAT16" else stored


def decode_blobs(blobs: Sequence[bytes], dtype: str, dim: int) -> Array:
    """Raw rows (n, dim) in the stored type of blobs that are all of the right size."""
    return np.frombuffer(b"".join(blobs), STORED[dtype]).reshape(len(blobs), dim)


def encode(values: Array, dtype: str) -> Array:
    """Numbers of any type cast to the stored type: floats round to nearest even, integers truncate."""
    values = np.asarray(values)
    if dtype == "BFLOAT16":
        return values.astype("<i2", copy=False) if values.dtype == np.int16 else _to_bfloat16(values)
    stored = STORED[dtype]
    if values.dtype == stored:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(stored)


def _to_bfloat16(values: Array) -> Array:
    single = np.ascontiguousarray(values, dtype="<f4")
    bits = single.view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet = (bits >> 16) | 0x40  # rounding could carry a NaN's payload away
    return np.where(np.isnan(single), quiet, rounded).astype("<u2").view("<i2")


def widen(rows: Array, dtype: str) -> Array:
    """Stored rows as floats numpy can compute with: float64 for FLOAT64, float32 for the rest (all exact)."""
    if dtype == "BFLOAT16":
        return (rows.view("<u2").astype("<u4") << 16).view("<f4")
    return rows if dtype in ("FLOAT32", "FLOAT64") else rows.astype(np.float32)


def norms(rows: Array, dtype: str) -> Floats:
    """Euclidean norms (n,) float64 of stored rows (n, dim)."""
    wide = widen(rows, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths: Floats = np.sqrt(np.einsum("ij,ij->i", wide, wide, dtype=np.float64))
    return lengths


def normalise(rows: Array, dtype: str, metric: Metric) -> Array:
    """Rows as the metric stores them: unit length in their own type under COSINE, untouched otherwise.

    Integers cannot be normalised; their norm is divided out of the distance instead, as RediSearch 8 does. A row
    of norm zero becomes NaN, as in RediSearch: its distance to anything is NaN.
    """
    if metric is not Metric.COSINE or dtype in INTEGER_TYPES:
        return rows
    wide = widen(rows, dtype)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide, dtype=np.float64)).astype(wide.dtype)
        return encode(wide / lengths[:, None], dtype)


def odd_rows(rows: Array, dtype: str, metric: Metric) -> NDArray[np.bool_]:
    """Which stored rows (n, dim) the fast scans must leave to the float64 path; see `Query.odd`."""
    if dtype in INTEGER_TYPES:
        zero: NDArray[np.bool_] = np.linalg.norm(rows.astype(np.float32), axis=1) == 0
        return zero if metric is Metric.COSINE else np.zeros(len(rows), np.bool_)
    limit = _SAFE.get(dtype, np.inf)
    wide = widen(rows, dtype)
    peak = np.maximum(wide.max(axis=1), -wide.min(axis=1))  # NaN propagates; no copy of |rows|
    safe: NDArray[np.bool_] = peak < limit
    return ~safe


def prepare(values: Array, dtype: str, metric: Metric) -> Query:
    """Where a query is cast and normalised; `compiled.prepare` does the same for ordinary FLOAT32 blobs, bit for bit.

    values: (dim,) numbers, not modified.
    """
    row = encode(values, dtype)
    wide, norm = _wide_and_norm(row, dtype)
    if metric is Metric.COSINE and dtype not in INTEGER_TYPES:
        row = normalise(row[None, :], dtype, metric)[0] if not 1e-30 < norm < 1e30 else _unit(row, norm, dtype)
        wide, norm = _wide_and_norm(row, dtype)
    safe = norm < _SAFE.get(dtype, math.inf) and (norm > 0 or metric is not Metric.COSINE)  # False for NaN
    return Query(wide, norm, not safe)


def _wide_and_norm(row: Array, dtype: str) -> tuple[Floats, float]:
    wide = widen(row, dtype).astype(np.float64)
    if dtype != "FLOAT64":  # squares of the other types cannot overflow float64
        return wide, math.sqrt(wide.dot(wide))
    with np.errstate(over="ignore", invalid="ignore"):
        return wide, math.sqrt(wide.dot(wide))


def _unit(row: Array, norm: float, dtype: str) -> Array:
    """`normalise` for one row of an ordinary norm, without its guards: they would double the cost of a query."""
    wide = widen(row, dtype)
    return encode(wide / wide.dtype.type(norm), dtype)


def exact(query: Query, rows: Array, dtype: str, metric: Metric) -> Floats:
    """Distances (n,) of stored rows (n, dim), computed in float64, rounded to the reported type, held in float64.

    A similarity is rounded before it is taken from 1, as in RediSearch: a vector is at 0 from itself, and not at the
    -4.4e-08 that rounding its stored elements leaves, which clients that expect 0 to 2 refuse.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        wide = widen(rows, dtype).astype(np.float64)
        if metric is Metric.L2:
            wide -= query.wide
            raw = np.einsum("ij,ij->i", wide, wide)
        else:
            raw = 1.0 - reported(_similarity(query, wide, dtype, metric), dtype)
        return reported(raw, dtype)


def _similarity(query: Query, wide: Floats, dtype: str, metric: Metric) -> Floats:
    dots: Floats = wide @ query.wide
    if metric is Metric.IP or dtype not in INTEGER_TYPES:
        return dots
    lengths: Floats = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return dots / (lengths * query.norm)


def reported(raw: Floats, dtype: str) -> Floats:
    """Float64 distances rounded to the precision RediSearch reports for the type."""
    if dtype == "FLOAT64":
        return raw
    with np.errstate(over="ignore"):
        return raw.astype(np.float32).astype(np.float64)


def nearest(distances: Floats, doc_ids: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """Positions of the k nearest, nearest first; ties by doc id, NaN last."""
    if k < len(distances):
        kth = np.partition(distances, k - 1)[k - 1] if k > 0 else -np.inf
        if kth == kth:
            (keep,) = (distances <= kth).nonzero()
            return keep[np.lexsort((doc_ids[keep], distances[keep]))[:k]]
    return np.lexsort((doc_ids, distances))[:k]
