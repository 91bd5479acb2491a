"""Searches over the graph: unfiltered, sweeping under a filter, and two hops at a time under a filter.

Shared arguments. rows (n, dim) and norms (n,): stored vectors. links (n, 2m) int32: neighbours at level 0, −1 ends a
list; up_at (n,) and up (·, m): row r's neighbours at level l ≥ 1 are up[up_at[r] + l − 1]. owner (n,) int32: doc of a
row, negative when dead. words: allowed doc ids as packed bits. seen (n,) uint8: marks of this search are those equal
to `epoch`, kept in epochs (1,). Every search returns how many entries of its result arrays it filled, ascending by
distance.
"""

from __future__ import annotations

import numpy as np

from redisvss.index.kernels.arith import jit, near, prefetch
from redisvss.index.kernels.heaps import insert_sorted, pop_min, push_min

EXPANDED = -2147483648  # sign bit: marks a list entry whose neighbours have been read


@jit
def list_at(up_at, level, row):
    """Which list of `links` (level 0) or `up` (above) holds a row's neighbours.

    Kernels index lists[list_at(…), j] rather than take a view: a view costs two atomic reference counts.
    """
    return row if level == 0 else up_at[row] + level - 1


@jit
def next_epoch(seen, epochs):
    """Forget all marks: a new epoch, clearing the array when the counter wraps."""
    epochs[0] += 1
    if epochs[0] == 0:
        seen[:] = 0
        epochs[0] = 1
    return epochs[0]


@jit
def descend(query, rows, norms, metric, up_at, up, entry, top, bottom):
    """Greedy walk from `entry` at level `top` down to, and excluding, level `bottom`: the nearest row it reaches."""
    best = entry
    best_d = near(query, rows, norms, best, metric)
    for level in range(top, bottom, -1):
        moved = True
        while moved:
            moved = False
            place = list_at(up_at, level, best)
            for j in range(up.shape[1]):
                nb = up[place, j]
                if nb < 0:
                    break
                d = near(query, rows, norms, nb, metric)
                if d < best_d:
                    best, best_d, moved = nb, d, True
    return best


@jit
def beam(query, rows, norms, metric, lists, up_at, level, entry, ef, dist, ids, seen, epoch):
    """Best-first search at one level. Fills dist, ids (≥ ef long); ids come back with EXPANDED marks cleared."""
    dist[0] = near(query, rows, norms, entry, metric)
    ids[0] = entry
    seen[entry] = epoch
    size, cursor = 1, 0
    fresh = np.empty(lists.shape[1], np.int32)
    while cursor < size:
        if ids[cursor] < 0:
            cursor += 1
            continue
        row = ids[cursor]
        ids[cursor] = row | EXPANDED
        count = 0
        place = list_at(up_at, level, row)
        for j in range(lists.shape[1]):
            nb = lists[place, j]
            if nb < 0:
                break
            if seen[nb] != epoch:
                seen[nb] = epoch
                prefetch(rows, nb)
                fresh[count] = nb
                count += 1
        for at in range(count):
            d = near(query, rows, norms, fresh[at], metric)
            place = insert_sorted(dist, ids, size, ef, d, fresh[at])
            if place >= 0:
                size = min(size + 1, ef)
                cursor = min(cursor, place)
    for at in range(size):
        ids[at] &= 2147483647
    return size


@jit
def search(query, rows, norms, metric, links, up_at, up, entry, top, ef, dist, ids, seen, epochs):
    """The unfiltered search: down through the levels, then `beam` at level 0."""
    start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
    return beam(query, rows, norms, metric, links, up_at, 0, start, ef, dist, ids, seen, next_epoch(seen, epochs))


@jit
def passes(owner, words, row):
    """Whether the row is live and its doc allowed (no words: every doc is)."""
    doc = owner[row]
    if doc < 0:
        return False
    word = doc >> 6
    if word >= len(words):
        return len(words) == 0
    return (words[word] >> np.uint64(doc & 63)) & np.uint64(1) != 0


@jit
def local_share(query, rows, norms, metric, links, up_at, up, entry, top, owner, words):
    """Share of allowed rows among the neighbours' neighbours of where a descent ends."""
    start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
    tested, passed = 0, 0
    for j in range(links.shape[1]):
        nb = links[start, j]
        if nb < 0:
            break
        for i in range(links.shape[1]):
            far = links[nb, i]
            if far < 0:
                break
            tested += 1
            passed += passes(owner, words, far)
    return passed / max(1, tested)


@jit
def sweep(
    query,
    rows,
    norms,
    metric,
    links,
    up_at,
    up,
    entry,
    top,
    ef,
    dist,
    ids,
    seen,
    epochs,
    owner,
    words,
    samples,
    budget,
    heap_d,
    heap_i,
):
    """Walk the whole graph near the query, collect only what passes. Stops after about `budget` distances.

    Returns (entries filled, distances computed). samples: unused, for a call like `two_hop`'s.
    """
    start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
    epoch = next_epoch(seen, epochs)
    d = near(query, rows, norms, start, metric)
    seen[start] = epoch
    heap = push_min(heap_d, heap_i, 0, d, start)
    size, spent = 0, 1
    if passes(owner, words, start):
        dist[0], ids[0], size = d, start, 1
    fresh = np.empty(links.shape[1], np.int32)
    while heap > 0 and spent < budget:
        if size == ef and heap_d[0] > dist[size - 1]:
            break
        row = heap_i[0]
        heap = pop_min(heap_d, heap_i, heap)
        count = 0
        for j in range(links.shape[1]):
            nb = links[row, j]
            if nb < 0:
                break
            if seen[nb] != epoch:
                seen[nb] = epoch
                prefetch(rows, nb)
                fresh[count] = nb
                count += 1
        spent += count
        for at in range(count):
            nb = fresh[at]
            d = near(query, rows, norms, nb, metric)
            if size < ef or d < dist[size - 1]:
                heap = push_min(heap_d, heap_i, heap, d, nb)
                if passes(owner, words, nb):
                    insert_sorted(dist, ids, size, ef, d, nb)
                    size = min(size + 1, ef)
    return size, spent


@jit
def two_hop_frontier(links, owner, words, row, limit, seen, epoch, rows, fresh):
    """Unseen passing rows one step from `row`, or two steps through rows that fail; at most `limit` (+ a list)."""
    count = 0
    for j in range(links.shape[1]):
        nb = links[row, j]
        if nb < 0:
            break
        if passes(owner, words, nb) and seen[nb] != epoch:
            seen[nb] = epoch
            prefetch(rows, nb)
            fresh[count] = nb
            count += 1
    for j in range(links.shape[1]):
        nb = links[row, j]
        if nb < 0 or count >= limit:
            break
        if passes(owner, words, nb):
            continue
        for i in range(links.shape[1]):
            far = links[nb, i]
            if far < 0:
                break
            # the filter comes first: a failing row must stay unseen, or it would hide what lies behind it
            if passes(owner, words, far) and seen[far] != epoch:
                seen[far] = epoch
                prefetch(rows, far)
                fresh[count] = far
                count += 1
    return count


@jit
def two_hop(
    query,
    rows,
    norms,
    metric,
    links,
    up_at,
    up,
    entry,
    top,
    ef,
    dist,
    ids,
    seen,
    epochs,
    owner,
    words,
    samples,
    budget,
    heap_d,
    heap_i,
):
    """Walk passing rows only, stepping over the others; start where the descent ends and at `samples`, passing rows.

    Returns (entries filled, distances computed).
    """
    epoch = next_epoch(seen, epochs)
    heap, size = 0, 0
    starts = np.append(samples, np.int32(descend(query, rows, norms, metric, up_at, up, entry, top, 0)))
    for row in starts:
        if seen[row] != epoch:
            seen[row] = epoch
            d = near(query, rows, norms, row, metric)
            heap = push_min(heap_d, heap_i, heap, d, row)
            if passes(owner, words, row):
                insert_sorted(dist, ids, size, ef, d, row)
                size = min(size + 1, ef)
    spent = len(starts)
    limit = links.shape[1]
    fresh = np.empty(2 * limit, np.int32)
    while heap > 0 and spent < budget:
        if size == ef and heap_d[0] > dist[size - 1]:
            break
        row = heap_i[0]
        heap = pop_min(heap_d, heap_i, heap)
        count = two_hop_frontier(links, owner, words, row, limit, seen, epoch, rows, fresh)
        spent += count
        for at in range(count):
            nb = fresh[at]
            d = near(query, rows, norms, nb, metric)
            if size < ef or d < dist[size - 1]:
                heap = push_min(heap_d, heap_i, heap, d, nb)
                insert_sorted(dist, ids, size, ef, d, nb)
                size = min(size + 1, ef)
    return size, spent
