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

SWEEP, TWO_HOP, EITHER = 1, 2, 3  # walks under a filter
SWEEP_FROM = 0.25  # share of allowed rows around the query from which reading all of them is the quicker walk
THINNED = 0.8  # share around the query / share of all below which two hops found .4 of some answers, sweeps 1.0
MET = 7.0  # distances a sweep computes for each row it meets: seen 6 to 9
AVOIDED = 3.0  # that many times fewer: no walk pays
SAMPLES = 16  # allowed rows two hops start from as well; without, correlated filters cost recall (.94 → .80)

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
def local_share(links, start, owner, words):
    """Share of allowed rows among the neighbours' neighbours of a row."""
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
def _bits(word):
    """How many bits of a uint64 are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def spread(words, doc_row, links, wanted):
    """At most `wanted` linked rows of allowed docs, evenly spaced among these (docs of several vectors left out)."""
    total = 0
    for at in range(len(words)):
        total += _bits(words[at])
    step = max(1, total // wanted)
    picked, count, passed, due = np.empty(wanted, np.int32), 0, 0, 0
    for at in range(len(words)):
        here = _bits(words[at])
        if passed + here > due and count < wanted:
            bit = 0
            while not (words[at] >> np.uint64(bit)) & np.uint64(1):
                bit += 1
            doc = 64 * at + bit
            if doc < len(doc_row) and doc_row[doc] >= 0 and links[doc_row[doc], 0] >= 0:
                picked[count] = doc_row[doc]
                count += 1
            due = max(due + step, passed + here)
        passed += here
    return picked[:count]


@jit
def filtered(
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
    doc_row,
    share,
    strategy,
    budget,
    heap_d,
    heap_i,
):
    """About ef allowed rows near the query; `strategy` SWEEP or TWO_HOP, or EITHER: as the rows around it suggest.

    share: of all docs that are allowed.  Returns (entries filled, distances computed, strategy taken); EITHER means
    that the filter avoids the query's surroundings, so that a walk would be misled or cost more than `budget`.
    """
    start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
    if strategy == EITHER:
        local = local_share(links, start, owner, words)
        if AVOIDED * local < share:
            return 0, 0, EITHER
        strategy = TWO_HOP if THINNED * share <= local < SWEEP_FROM else SWEEP
        if strategy == SWEEP and MET * ef > local * budget:
            return 0, 0, EITHER
    epoch = next_epoch(seen, epochs)
    if strategy == SWEEP:
        size, spent = sweep(
            query, rows, norms, metric, links, start, ef, dist, ids, seen, epoch, owner, words, budget, heap_d, heap_i
        )
        return size, spent, SWEEP
    starts = np.append(spread(words, doc_row, links, SAMPLES), np.int32(start))
    size, spent = two_hop(
        query, rows, norms, metric, links, starts, ef, dist, ids, seen, epoch, owner, words, budget, heap_d, heap_i
    )
    return size, spent, TWO_HOP


@jit
def sweep(query, rows, norms, metric, links, start, ef, dist, ids, seen, epoch, owner, words, budget, heap_d, heap_i):
    """Walk the whole graph near the query, collect only what passes. Stops after about `budget` distances.

    Returns (entries filled, distances computed).
    """
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
    query, rows, norms, metric, links, starts, ef, dist, ids, seen, epoch, owner, words, budget, heap_d, heap_i
):
    """Walk passing rows only, stepping over the others, from `starts`. Returns as `sweep` does."""
    heap, size = 0, 0
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


@jit
def within(
    query,
    rows,
    norms,
    metric,
    links,
    up_at,
    up,
    entry,
    top,
    radius,
    epsilon,
    found,
    seen,
    epochs,
    owner,
    budget,
    heap_d,
    heap_i,
):
    """Live rows no further than `radius`, in no order; the walk goes on to distance radius + epsilon·|radius|.

    found: (≥ budget + a list) int32.  Returns (entries filled, distances computed), unfinished when these reach
    `budget`.
    """
    start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
    epoch = next_epoch(seen, epochs)
    d = near(query, rows, norms, start, metric)
    seen[start] = epoch
    heap = push_min(heap_d, heap_i, 0, d, start)
    edge = max(d, radius)
    count, spent = 0, 1
    if d <= radius and owner[start] >= 0:
        found[0], count = start, 1
    fresh = np.empty(links.shape[1], np.int32)
    while heap > 0 and spent < budget:
        row, d = heap_i[0], heap_d[0]
        if d > edge + epsilon * abs(edge):
            break
        edge = max(radius, min(edge, d))
        heap = pop_min(heap_d, heap_i, heap)
        unseen = 0
        for j in range(links.shape[1]):
            nb = links[row, j]
            if nb < 0:
                break
            if seen[nb] != epoch:
                seen[nb] = epoch
                prefetch(rows, nb)
                fresh[unseen] = nb
                unseen += 1
        spent += unseen
        for at in range(unseen):
            d = near(query, rows, norms, fresh[at], metric)
            if d <= edge + epsilon * abs(edge):
                heap = push_min(heap_d, heap_i, heap, d, fresh[at])
                if d <= radius and owner[fresh[at]] >= 0:
                    found[count] = fresh[at]
                    count += 1
    return count, spent
