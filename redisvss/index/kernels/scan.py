"""Distances of many rows at once, and packed document masks."""

from __future__ import annotations

import numpy as np

from redisvss.index.kernels.arith import leaf, prefetch_more, true, word_at

_AHEAD = 4  # rows: the list is not contiguous in memory, so the processor cannot guess what comes next
_SHORTEST, _LONGEST = 1e-30, 1e15  # norms between which a query is ordinary: beyond, products may overflow


@leaf
def prepare(values, unit, wide):
    """wide (dim,) float64 = a query's float32 values, divided by their norm in that type with `unit`.

    Returns the norm of what it wrote; −1 for a query that is not ordinary, whose `wide` means nothing.
    """
    total = 0.0
    for j in range(len(values)):
        wide[j] = values[j]
        total += wide[j] * wide[j]
    norm = np.sqrt(total)
    if not _SHORTEST < norm < _LONGEST:
        return -1.0
    if not unit:
        return norm
    divisor, total = np.float64(np.float32(norm)), 0.0
    for j in range(len(values)):
        wide[j] = np.float64(np.float32(wide[j] / divisor))  # rounds as a division in 32 bits
        total += wide[j] * wide[j]
    return np.sqrt(total)


@leaf
def measure(query, rows, chosen, first, last, metric, out):
    """out[first:last] = float64 distances of rows[chosen[first:last]], as `true` computes them."""
    for at in range(first, last):
        if at + _AHEAD < last:
            prefetch_more(rows, chosen[at + _AHEAD])
        out[at] = true(query, rows, chosen[at], metric)


@leaf
def measure_all(query, rows, first, last, metric, out):
    """out[first:last] = float64 distances of rows[first:last], as `true` computes them."""
    for row in range(first, last):
        out[row] = true(query, rows, row, metric)


@leaf
def top(query, rows, owner, chosen, count, whole, metric, dist, ids):
    """The len(dist) nearest of chosen[:count] (whole: of rows[:count]), ascending, ties by owner. Returns how many.

    ids: their rows.
    """
    size, limit = 0, len(dist)
    for at in range(count):
        row = at if whole else chosen[at]
        if not whole and at + _AHEAD < count:
            prefetch_more(rows, chosen[at + _AHEAD])
        d = true(query, rows, row, metric)
        d = d if rows.itemsize == 8 else np.float64(np.float32(d))
        if size == limit:
            if d > dist[size - 1] or (d == dist[size - 1] and owner[row] > owner[ids[size - 1]]):
                continue
            size -= 1
        place = size
        while place > 0 and (dist[place - 1] > d or (dist[place - 1] == d and owner[ids[place - 1]] > owner[row])):
            dist[place] = dist[place - 1]
            ids[place] = ids[place - 1]
            place -= 1
        dist[place] = d
        ids[place] = row
        size += 1
    return size


@leaf
def top_of_docs(query, rows, doc_row, docs, metric, dist, ids):
    """The len(dist) nearest of some docs (ascending ids, one vector each at most), ascending, ties by doc id.

    Fills dist and ids (doc ids). Returns how many it found, and how many of the docs have a vector.
    """
    size, limit, read = 0, len(dist), 0
    known = np.int64(np.searchsorted(docs, len(doc_row)))
    for at in range(known):
        if at + _AHEAD < known:
            prefetch_more(rows, max(np.int64(doc_row[docs[at + _AHEAD]]), 0))
        row = doc_row[docs[at]]
        if row < 0:
            continue
        read += 1
        d = true(query, rows, row, metric)
        d = d if rows.itemsize == 8 else np.float64(np.float32(d))
        if size == limit:
            if d >= dist[size - 1]:
                continue
            size -= 1
        place = size
        while place > 0 and dist[place - 1] > d:
            dist[place] = dist[place - 1]
            ids[place] = ids[place - 1]
            place -= 1
        dist[place] = d
        ids[place] = docs[at]
        size += 1
    return size, read


@leaf
def _u16(blob, at):
    return np.int64(blob[at]) | np.int64(blob[at + 1]) << 8


@leaf
def _runs(blob, at, base, words):
    """A run container: (start, length − 1) pairs of 16 bits; returns the offset behind it."""
    runs = _u16(blob, at)
    at += 2
    for _ in range(runs):
        start = base + _u16(blob, at)
        for value in range(start, start + _u16(blob, at + 2) + 1):
            words[value >> 6] |= np.uint64(1) << np.uint64(value & 63)
        at += 4
    return at


@leaf
def _bitmap(blob, at, base, words):
    """A bitmap container: 8 KiB of bits."""
    for word in range(1024):
        words[(base >> 6) + word] = word_at(blob, at + 8 * word)
    return at + 8192


@leaf
def _array(blob, at, base, count, words):
    """An array container: sorted 16-bit values."""
    for _ in range(count):
        value = base + _u16(blob, at)
        words[value >> 6] |= np.uint64(1) << np.uint64(value & 63)
        at += 2
    return at


@leaf
def unpack(blob, words):
    """Bits of a serialised Roaring bitmap (the portable format of RoaringFormatSpec) into zeroed uint64 words.

    Ten times faster than listing the ids of a dense set and setting their bits.
    """
    has_runs = _u16(blob, 0) == 12347
    size = _u16(blob, 2) + 1 if has_runs else _u16(blob, 4) | _u16(blob, 6) << 16
    flags = 4
    keys = 4 + ((size + 7) >> 3 if has_runs else 4)
    at = keys + 4 * size
    if not has_runs or size >= 4:
        at += 4 * size
    for i in range(size):
        base = _u16(blob, keys + 4 * i) << 16
        count = _u16(blob, keys + 4 * i + 2) + 1
        if has_runs and (blob[flags + (i >> 3)] >> (i & 7)) & 1:
            at = _runs(blob, at, base, words)
        elif count > 4096:
            at = _bitmap(blob, at, base, words)
        else:
            at = _array(blob, at, base, count, words)
