"""Doc sets are Roaring bitmaps; these turn them to numpy and back at memory speed."""

from __future__ import annotations

import array
import struct

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Ids = NDArray[np.uint32]

# Roaring's portable format, a set without run containers: https://github.com/RoaringBitmap/RoaringFormatSpec
_COOKIE_NO_RUNS = 12346
_CHUNK = 65536  # values a container covers
_ARRAY_LIMIT = 4096  # a container with more values than this is a bitset


def ids_of(docs: BitMap) -> Ids:
    """The ids ascending, uint32."""
    return np.frombuffer(docs.to_array(), np.uint32)


def bitmap_of(ids: NDArray[np.integer]) -> BitMap:
    """A bitmap of the ids, in any order.

    pyroaring reads an `array.array` through its buffer; a numpy array it would walk object by object (14 times slower).
    Many ids of few are quicker as a mask: 90,000 of 200,000 in 0.4 ms instead of 2.
    """
    if len(ids) > _CHUNK // 16 and int(ids.max()) < 16 * len(ids):
        mask = np.zeros(int(ids.max()) + 1, np.bool_)
        mask[ids] = True
        return bitmap_of_mask(mask)
    return BitMap(array.array("I", ids.astype(np.uint32, copy=False).tobytes()))


def is_among(ids: Ids, known: Ids) -> NDArray[np.bool_]:
    """Which of the ascending `ids` are in the ascending `known`."""
    if not len(ids) or not len(known):
        return np.zeros(len(ids), np.bool_)
    last = max(int(ids[-1]), int(known[-1]))
    if last > 16 * (len(ids) + len(known)) or 32 * len(ids) < len(known):
        return np.asarray(known[np.minimum(np.searchsorted(known, ids), len(known) - 1)] == ids)
    mask = np.zeros(last + 1, np.bool_)
    mask[known] = True
    return mask[ids]


def bitmap_of_mask(mask: NDArray[np.bool_]) -> BitMap:
    """The positions where `mask` is true.

    Dense masks are written in Roaring's serialised form, whose bitsets are the packed mask itself: half of 1M set takes
    0.2 ms instead of 7 ms through the ids.
    """
    if np.count_nonzero(mask) * 16 < len(mask):
        return bitmap_of(np.flatnonzero(mask))
    head, containers = [], []
    for key in range(0, len(mask), _CHUNK):
        chunk = mask[key : key + _CHUNK]
        count = int(np.count_nonzero(chunk))
        if count:
            head.append(struct.pack("<HH", key // _CHUNK, count - 1))
            containers.append(_container(chunk, count))
    offset = 8 + 8 * len(head)
    offsets = []
    for container in containers:
        offsets.append(struct.pack("<I", offset))
        offset += len(container)
    return BitMap.deserialize(b"".join([struct.pack("<II", _COOKIE_NO_RUNS, len(head)), *head, *offsets, *containers]))


def _container(chunk: NDArray[np.bool_], count: int) -> bytes:
    if count <= _ARRAY_LIMIT:
        return np.flatnonzero(chunk).astype("<u2").tobytes()
    return np.packbits(chunk, bitorder="little").tobytes().ljust(_CHUNK // 8, b"\0")
