"""Growing and mending the graph. Rows of a batch choose neighbours on the frozen graph, then those link back.

Each kernel writes only lists that belong to its own share of rows, so shares run in parallel without locks and the
graph does not depend on how many threads there are.
"""

from __future__ import annotations

import numpy as np

from redisvss.index.kernels.arith import for_row, jit, leaf, load, near
from redisvss.index.kernels.heaps import insert_sorted
from redisvss.index.kernels.walk import AT, OPEN, SIZE, SPENT, beam, descend, list_at, next_epoch, unmark


@leaf
def diverse(rows, norms, metric, dist, ids, size, limit, chosen, query):
    """Pick neighbours from candidates ascending by distance to a base: each nearer to the base than to any picked.

    (The heuristic of the HNSW paper, algorithm 4.) Fills `chosen`, returns how many. query: scratch (dim,).
    """
    count = 0
    for at in range(size):
        if count == limit:
            break
        load(rows, ids[at], query)
        candidate = for_row(metric, norms, ids[at])
        good = True
        for other in range(count):
            if near(query, rows, norms, chosen[other], candidate) < dist[at]:
                good = False
                break
        if good:
            chosen[count] = ids[at]
            count += 1
    return count


@leaf
def choose(
    batch,
    first,
    last,
    mates,
    levels,
    rows,
    norms,
    metric,
    links,
    up_at,
    up,
    owner,
    entry,
    top,
    m,
    ef,
    dist,
    ids,
    seen,
    epochs,
    fresh,
    state,
    chosen,
    query,
    other,
):
    """Neighbour lists of batch[first:last], found on the frozen graph and among the batch itself.

    mates (b, b) float32: distances within the batch.  entry: −1 when the graph is empty.  epochs (1,) uint8.
    chosen (m,) int32, query and other (dim,): scratch.
    """
    for at in range(first, last):
        row = batch[at]
        load(rows, row, query)
        own = for_row(metric, norms, row)
        start = entry
        if entry >= 0 and levels[row] < top:
            start = descend(query, rows, norms, own, up_at, up, entry, top, levels[row])
        for level in range(levels[row], -1, -1):
            lists = links if level == 0 else up
            size = 0
            if entry >= 0 and level <= top:
                epoch = next_epoch(seen, epochs)
                state[OPEN] = state[SIZE] = state[SPENT] = state[AT] = 0
                beam(
                    query,
                    rows,
                    norms,
                    own,
                    lists,
                    up_at,
                    level,
                    start,
                    ef,
                    dist,
                    ids,
                    seen,
                    epoch,
                    fresh,
                    len(owner) + 1,
                    state,
                )
                size = state[SIZE]
                unmark(ids, size)
                start = ids[0]
            size = keep_live(dist, ids, size, owner)
            size = add_mates(batch, at, mates, levels, level, ef, dist, ids, size)
            count = diverse(rows, norms, metric, dist, ids, size, m, chosen, other)
            write(lists, list_at(up_at, level, row), chosen, count)


@leaf
def keep_live(dist, ids, size, owner):
    """Drop dead rows from a candidate list."""
    kept = 0
    for at in range(size):
        if owner[ids[at]] >= 0:
            dist[kept], ids[kept] = dist[at], ids[at]
            kept += 1
    return kept


@leaf
def add_mates(batch, at, mates, levels, level, ef, dist, ids, size):
    """Merge the other rows of the batch that reach this level into a candidate list."""
    for mate in range(len(batch)):
        d = mates[at, mate]
        if mate != at and (size < ef or d < dist[size - 1]) and levels[batch[mate]] >= level:
            insert_sorted(dist, ids, size, ef, d, batch[mate])
            size = min(size + 1, ef)
    return size


@leaf
def write(lists, place, chosen, count):
    """Store a neighbour list. A reader running meanwhile sees old, new or mixed entries: all are valid rows."""
    for at in range(count):
        lists[place, at] = chosen[at]
    for at in range(count, lists.shape[1]):
        lists[place, at] = -1


@jit
def link_back(targets, bounds, sources, first, last, level, rows, norms, metric, links, up_at, up, owner, query):
    """For targets[first:last]: add links to sources[bounds[t]:bounds[t + 1]], pruning lists that overflow."""
    other = np.empty_like(query)
    lists = links if level == 0 else up
    cap = lists.shape[1]
    for at in range(first, last):
        place = list_at(up_at, level, targets[at])
        union = np.empty(cap + bounds[at + 1] - bounds[at], np.int32)
        count = 0
        while count < cap and lists[place, count] >= 0:
            union[count] = lists[place, count]
            count += 1
        total = count
        for source in range(bounds[at], bounds[at + 1]):
            if not contains(union, count, sources[source]):
                union[total] = sources[source]
                total += 1
        if total <= cap:
            write(lists, place, union, total)
        else:
            rebuild_list(targets[at], lists, place, union, total, rows, norms, metric, owner, query, other)


@leaf
def contains(items, count, wanted):
    """Whether wanted is among the first `count` items."""
    found = False
    for at in range(count):
        found |= items[at] == wanted
    return found


@jit
def rebuild_list(row, lists, place, candidates, total, rows, norms, metric, owner, query, other):
    """Replace a row's neighbour list by the best of `candidates`, live rows only. Returns how many it kept."""
    load(rows, row, query)
    own = for_row(metric, norms, row)
    dist = np.empty(total, np.float32)
    ids = np.empty(total, np.int32)
    size = 0
    for at in range(total):
        if owner[candidates[at]] >= 0:
            d = near(query, rows, norms, candidates[at], own)
            insert_sorted(dist, ids, size, total, d, candidates[at])
            size += 1
    limit = lists.shape[1]
    chosen = np.empty(limit, np.int32)
    count = diverse(rows, norms, metric, dist, ids, size, limit, chosen, other)
    write(lists, place, chosen, count)
    return count


@jit
def mend(first, last, levels, rows, norms, metric, links, up_at, up, owner, query, lonely):
    """Replace links to dead rows, in rows first:last, by the best of what those rows linked to.

    Writes lists of live rows only and reads lists of dead ones, so shares do not disturb each other. Marks in
    `lonely` (n,) rows that were left without neighbours at level 0.
    """
    other = np.empty_like(query)
    for row in range(first, last):
        if owner[row] < 0 or levels[row] < 0:
            continue
        for level in range(levels[row] + 1):
            lists = links if level == 0 else up
            candidates, total, dead = around(lists, up_at, level, owner, row)
            if dead > 0:
                place = list_at(up_at, level, row)
                kept = rebuild_list(row, lists, place, candidates, total, rows, norms, metric, owner, query, other)
                if kept == 0 and level == 0:
                    lonely[row] = True


@jit
def around(lists, up_at, level, owner, row):
    """Live neighbours, and the live neighbours of dead ones: (candidates, how many, how many were dead)."""
    cap = lists.shape[1]
    found = np.empty(cap * (cap + 1), np.int32)
    total, dead = 0, 0
    place = list_at(up_at, level, row)
    for j in range(cap):
        nb = lists[place, j]
        if nb < 0:
            break
        if owner[nb] < 0:
            dead += 1
            total = live_neighbours(lists, list_at(up_at, level, nb), owner, row, found, total)
        elif not contains(found, total, nb):
            found[total] = nb
            total += 1
    return found, total, dead


@leaf
def live_neighbours(lists, place, owner, row, found, total):
    """Append the live neighbours in a list, other than `row` and those already there; returns the new total."""
    for j in range(lists.shape[1]):
        far = lists[place, j]
        if far < 0:
            break
        if owner[far] >= 0 and far != row and not contains(found, total, far):
            found[total] = far
            total += 1
    return total
