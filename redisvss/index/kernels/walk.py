"""Searches over the graph: unfiltered, sweeping under a filter, and two hops at a time under a filter.

Shared arguments. rows (n, dim) and norms (n,): stored vectors. links (n, 2m) int32: neighbours at level 0, −1 ends a
list; up_at (n,) and up (·, m): row r's neighbours at level l ≥ 1 are up[up_at[r] + l − 1]. owner (n,) int32: doc of a
row, negative when dead. words: allowed doc ids as packed bits. seen (n,) uint8: marks of this search are those equal
to `epoch`, kept in epochs (1,). fresh (≥ 4m + 20,) int32: scratch. dist, ids (≥ ef,): the result, nearest first.

state (5,) int64: where a search stands, zeros before it begins. A search computes about `pause` distances in all and
returns; called again with the same arguments and a larger `pause` it goes on, so that its caller can look at a clock.
It is through when state[OPEN] is 0; state[SIZE] entries of the result are filled.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from redisvss.index.kernels import scan
from redisvss.index.kernels.arith import INLINED, leaf, near, prefetch, prefetch_list
from redisvss.index.kernels.heaps import insert_sorted, pop_min, push_min

SWEEP, TWO_HOP, EITHER, DENSE = 1, 2, 3, 4  # walks under a filter; DENSE: a sweep where the filter is dense, or none
# Measured at 200,000 × 384 and on 20,000 and 44,000 rows, as the least cost to reach recall .95. At a share of .2 both
# walks cost the same, and a sweep's recall varies less; at .1 two hops take .6 to .8 of a sweep's time.
SWEEP_FROM = 0.15  # share of allowed rows around the query from which reading all of them is the quicker walk
THINNED = 0.6  # share around the query / share of all below which two hops found .4 of some answers, sweeps 1.0
MET = 9.0  # distances a sweep computes for each row it meets: seen 8 to 14
AVOIDED = 3.0  # that many times fewer: no walk pays
ENTRIES = 4  # width of the way down under a filter: greedily, 2 of 20 walks at 200,000 rows ended in the wrong cluster
SAMPLES = 16  # allowed rows two hops start from as well; without, correlated filters cost recall (.94 → .80)

OPEN, SIZE, SPENT, TAKEN, AT = 0, 1, 2, 3, 4  # of a state: rows to expand, rows found, distances, kind of walk, cursor
WIDTH = AT  # a walk under a filter has no cursor: how many rows it collects

UNFINISHED, ODD = -1, -2  # in place of how many were found

EXPANDED = -2147483648  # sign bit: marks a list entry whose neighbours have been read


@leaf
def list_at(up_at, level, row):
    """Which list of `links` (level 0) or `up` (above) holds a row's neighbours.

    Kernels index lists[list_at(…), j] rather than take a view: a view costs two atomic reference counts.
    """
    return row if level == 0 else up_at[row] + level - 1


@leaf
def next_epoch(seen, epochs):
    """Forget all marks: a new epoch, clearing the array when the counter wraps."""
    epochs[0] += 1
    if epochs[0] == 0:
        for at in range(len(seen)):
            seen[at] = 0
        epochs[0] = 1
    return epochs[0]


@leaf
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
                prefetch(rows, nb)
            for j in range(up.shape[1]):
                nb = up[place, j]
                if nb < 0:
                    break
                d = near(query, rows, norms, nb, metric)
                if d < best_d:
                    best, best_d, moved = nb, d, True
    return best


@leaf
def frontier(lists, place, seen, epoch, rows, fresh):
    """Put the unseen neighbours of a list into `fresh`, mark them and ask for their vectors; returns how many."""
    count = 0
    for j in range(lists.shape[1]):
        nb = lists[place, j]
        if nb < 0:
            break
        if seen[nb] != epoch:
            seen[nb] = epoch
            prefetch(rows, nb)
            fresh[count] = nb
            count += 1
    return count


@leaf
def beam(query, rows, norms, metric, lists, up_at, level, entry, ef, dist, ids, seen, epoch, fresh, pause, state):
    """Best-first search at one level. Entries of `ids` whose neighbours have been read are marked EXPANDED."""
    if state[SIZE] == 0:
        dist[0] = near(query, rows, norms, entry, metric)
        ids[0] = entry
        seen[entry] = epoch
        state[SIZE] = 1
    size, cursor, spent = state[SIZE], state[AT], state[SPENT]
    while cursor < size and spent < pause:
        if ids[cursor] < 0:
            cursor += 1
            continue
        row = ids[cursor]
        ids[cursor] = row | EXPANDED
        count = frontier(lists, list_at(up_at, level, row), seen, epoch, rows, fresh)
        spent += count
        for at in range(count):
            d = near(query, rows, norms, fresh[at], metric)
            place = insert_sorted(dist, ids, size, ef, d, fresh[at])
            if place >= 0:
                size = min(size + 1, ef)
                if place <= cursor:
                    cursor = place
                    prefetch_list(lists, list_at(up_at, level, fresh[at]))
    state[SIZE], state[AT], state[SPENT], state[OPEN] = size, cursor, spent, size - cursor


@leaf
def approach(query, rows, norms, metric, up_at, up, entry, top, width, dist, ids, seen, epochs, fresh, state):
    """Down to level 1, best first and `width` rows wide: leaves as many in dist, ids and returns how many."""
    dist[0], ids[0], size = near(query, rows, norms, entry, metric), entry, 1
    for level in range(top, 0, -1):
        epoch = next_epoch(seen, epochs)
        for at in range(size):
            seen[ids[at]] = epoch
        state[SIZE], state[AT], state[SPENT] = size, 0, 0
        beam(
            query, rows, norms, metric, up, up_at, level, entry, width, dist, ids, seen, epoch, fresh, len(rows), state
        )
        size = state[SIZE]
        unmark(ids, size)
    return size


@leaf
def unmark(ids, size):
    """Clear the EXPANDED marks of a result."""
    for at in range(size):
        ids[at] &= 2147483647


@leaf
def search(query, rows, norms, metric, links, up_at, up, entry, top, ef, dist, ids, seen, epochs, fresh, pause, state):
    """The unfiltered search: down through the levels, then `beam` at level 0."""
    start = entry
    if state[SIZE] == 0:
        start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
        next_epoch(seen, epochs)
    beam(query, rows, norms, metric, links, up_at, 0, start, ef, dist, ids, seen, epochs[0], fresh, pause, state)
    if state[OPEN] == 0:
        unmark(ids, state[SIZE])


def take(values, unit, wide):
    """wide (dim,) = a query: float32 values as `scan.prepare` makes them ready, others (ready already) as they are.

    Returns a negative number for a query that is not ordinary.
    """
    raise NotImplementedError


@overload(take, jit_options=INLINED)
def _take(values, unit, wide):
    if values.dtype == types.float32:
        return lambda values, unit, wide: scan.prepare(values, unit, wide)

    def copy(values, unit, wide):
        for j in range(len(values)):
            wide[j] = values[j]
        return 1.0

    return copy


@leaf
def nearest(
    values,
    unit,
    wide,
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
    fresh,
    pause,
    state,
    owner,
    ranked,
    finish,
    best_d,
    best_i,
):
    """`search`, and then the nearest of its first `ranked` rows by their true distances: all in one call.

    values, unit, wide: see `take`.  query (dim,): scratch.  best_d, best_i (k,): the result, distances and docs, once
    the search is through or its caller says `finish`. Returns how many; UNFINISHED before; ODD for a query that is not
    ordinary.
    """
    if state[SIZE] == 0 and not taken(values, unit, wide, query):
        return ODD
    search(query, rows, norms, metric, links, up_at, up, entry, top, ef, dist, ids, seen, epochs, fresh, pause, state)
    if state[OPEN] > 0 and not finish:
        return UNFINISHED
    unmark(ids, state[SIZE])
    return rank(wide, rows, owner, ids, min(ranked, state[SIZE]), metric, best_d, best_i)


@leaf
def taken(values, unit, wide, query):
    """Whether the query is ordinary; leaves it in `wide`, as `true` wants it, and in `query`, as `near` does."""
    if take(values, unit, wide) < 0:
        return False
    for j in range(len(wide)):
        query[j] = wide[j]
    return True


@leaf
def rank(wide, rows, owner, ids, count, metric, best_d, best_i):
    """The nearest of ids[:count] by their true distances: fills best_d and best_i, their docs; returns how many."""
    size = scan.top(wide, rows, owner, ids, count, False, metric, best_d, best_i)
    for at in range(size):
        best_i[at] = owner[best_i[at]]
    return size


@leaf
def passes(owner, words, row):
    """Whether the row is live and its doc allowed (no words: every doc is)."""
    doc = owner[row]
    if doc < 0:
        return False
    word = doc >> 6
    if word >= len(words):
        return len(words) == 0
    return (words[word] >> np.uint64(doc & 63)) & np.uint64(1) != 0


@leaf
def local_share(links, starts, count, owner, words):
    """Share of allowed rows among the neighbours' neighbours of the first `count` of `starts`, a quarter of each."""
    tested, passed = 0, 0
    for at in range(count):
        start = starts[at]
        for j in range(links.shape[1]):
            if links[start, j] < 0:
                break
            prefetch_list(links, links[start, j])
        for j in range(links.shape[1]):
            nb = links[start, j]
            if nb < 0:
                break
            for i in range(max(1, links.shape[1] // 4)):
                far = links[nb, i]
                if far < 0:
                    break
                tested += 1
                passed += passes(owner, words, far)
    return passed / max(1, tested)


@leaf
def _bits(word):
    """How many bits of a uint64 are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@leaf
def spread(words, doc_row, links, picked, first, wanted):
    """Up to `wanted` linked rows of allowed docs, evenly spaced among these (docs of several vectors left out).

    Fills `picked` from `first` on, returns how many.
    """
    total = 0
    for at in range(len(words)):
        total += _bits(words[at])
    step = max(1, total // wanted)
    count, passed, due = 0, 0, 0
    for at in range(len(words)):
        here = _bits(words[at])
        if passed + here > due and count < wanted:
            bit = 0
            while not (words[at] >> np.uint64(bit)) & np.uint64(1):
                bit += 1
            doc = 64 * at + bit
            if doc < len(doc_row) and doc_row[doc] >= 0 and links[doc_row[doc], 0] >= 0:
                picked[first + count] = doc_row[doc]
                count += 1
            due = max(due + step, passed + here)
        passed += here
    return count


@leaf
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
    fresh,
    pause,
    state,
    owner,
    words,
    doc_row,
    share,
    strategy,
    budget,
    sweep_ef,
    meet,
    heap_d,
    heap_i,
):
    """About ef allowed rows near the query; `strategy` SWEEP or TWO_HOP, or EITHER: as the rows around it suggest.

    sweep_ef: the width of a sweep; where the rows around decide on it, it is to meet `meet` rows at least, allowed or
    not.  share: of all docs that are allowed.  state[TAKEN] tells the strategy, state[WIDTH] the width; EITHER means
    that the filter avoids the query's surroundings, so that a walk would cost more than `budget` distances (which is
    never so when that is more than rows).
    """
    if state[TAKEN] == 0:
        count = approach(
            query, rows, norms, metric, up_at, up, entry, top, min(ENTRIES, ef), dist, ids, seen, epochs, fresh, state
        )
        suit(links, ids, count, owner, words, ef, sweep_ef, meet, share, strategy, budget, state)
        if state[TAKEN] == EITHER:
            state[OPEN] = state[SIZE] = 0
            return
        for at in range(count):
            fresh[at] = ids[at]
        if state[TAKEN] == TWO_HOP:
            count += spread(words, doc_row, links, fresh, count, SAMPLES)
        epoch = next_epoch(seen, epochs)
        enter(query, rows, norms, metric, dist, ids, seen, epoch, owner, words, heap_d, heap_i, fresh, count, state)
    collect(
        query, rows, norms, metric, links, dist, ids, seen, epochs[0], fresh, pause, state, owner, words, heap_d, heap_i
    )


@leaf
def nearest_allowed(
    values,
    unit,
    wide,
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
    fresh,
    pause,
    state,
    owner,
    ranked,
    finish,
    best_d,
    best_i,
    words,
    doc_row,
    share,
    strategy,
    budget,
    sweep_ef,
    meet,
    heap_d,
    heap_i,
):
    """`filtered`, and then the nearest of what it found, all in one call: see `nearest`."""
    if state[TAKEN] == 0 and not taken(values, unit, wide, query):
        return ODD
    filtered(
        query, rows, norms, metric, links, up_at, up, entry, top, ef, dist, ids, seen, epochs, fresh, pause, state,
        owner, words, doc_row, share, strategy, budget, sweep_ef, meet, heap_d, heap_i,
    )  # fmt: skip
    if state[OPEN] > 0 and not finish:
        return UNFINISHED
    return rank(wide, rows, owner, ids, min(ranked, state[SIZE]), metric, best_d, best_i)


@leaf
def suit(links, starts, count, owner, words, ef, sweep_ef, meet, share, strategy, budget, state):
    """Set the walk for EITHER or DENSE (see `filtered`), and its width, by the share of rows allowed around its starts;
    any other is taken as it is."""
    state[TAKEN], state[WIDTH] = strategy, sweep_ef if strategy == SWEEP else ef
    if strategy < EITHER:
        return
    local = local_share(links, starts, count, owner, words)
    if strategy == EITHER and THINNED * share <= local < SWEEP_FROM:
        state[TAKEN] = TWO_HOP
        return
    state[WIDTH] = max(sweep_ef, np.int64(np.ceil(meet * local)))
    pays = AVOIDED * local >= share and MET * state[WIDTH] <= local * budget
    state[TAKEN] = SWEEP if pays or budget > len(owner) else EITHER


@leaf
def enter(query, rows, norms, metric, dist, ids, seen, epoch, owner, words, heap_d, heap_i, starts, count, state):
    """Begin a walk under a filter at the first `count` rows of `starts`."""
    heap, size, ef = 0, 0, state[WIDTH]
    for at in range(count):
        row = starts[at]
        if seen[row] != epoch:
            seen[row] = epoch
            d = near(query, rows, norms, row, metric)
            heap = push_min(heap_d, heap_i, heap, d, row)
            if passes(owner, words, row):
                insert_sorted(dist, ids, size, ef, d, row)
                size = min(size + 1, ef)
    state[OPEN], state[SIZE], state[SPENT] = heap, size, count


@leaf
def collect(
    query, rows, norms, metric, links, dist, ids, seen, epoch, fresh, pause, state, owner, words, heap_d, heap_i
):
    """The walk itself. SWEEP: over the whole graph near the query, collecting what passes. TWO_HOP: over passing rows
    only, stepping over the others."""
    heap, size, spent, ef = state[OPEN], state[SIZE], state[SPENT], state[WIDTH]
    stepping = state[TAKEN] == TWO_HOP
    while heap > 0 and spent < pause:
        if size == ef and heap_d[0] > dist[size - 1]:
            heap = 0
            break
        row = heap_i[0]
        heap = pop_min(heap_d, heap_i, heap)
        if stepping:
            count = two_hop_frontier(links, owner, words, row, seen, epoch, rows, fresh)
        else:
            count = frontier(links, row, seen, epoch, rows, fresh)
        spent += count
        for at in range(count):
            nb = fresh[at]
            d = near(query, rows, norms, nb, metric)
            if size < ef or d < dist[size - 1]:
                heap = push_min(heap_d, heap_i, heap, d, nb)
                if heap_i[0] == nb:
                    prefetch_list(links, nb)
                if stepping or passes(owner, words, nb):
                    insert_sorted(dist, ids, size, ef, d, nb)
                    size = min(size + 1, ef)
    state[OPEN], state[SIZE], state[SPENT] = heap, size, spent


@leaf
def two_hop_frontier(links, owner, words, row, seen, epoch, rows, fresh):
    """Unseen passing rows one step from `row`, or two steps through rows that fail; about 2m at most."""
    limit, count = links.shape[1], 0
    for j in range(limit):
        nb = links[row, j]
        if nb < 0:
            break
        if not passes(owner, words, nb):
            prefetch_list(links, nb)
        elif seen[nb] != epoch:
            seen[nb] = epoch
            prefetch(rows, nb)
            fresh[count] = nb
            count += 1
    for j in range(limit):
        nb = links[row, j]
        if nb < 0 or count >= limit:
            break
        if passes(owner, words, nb):
            continue
        for i in range(limit):
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


@leaf
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
    fresh,
    pause,
    state,
    owner,
    heap_d,
    heap_i,
):
    """Live rows no further than `radius`, in no order; the walk goes on to distance radius + epsilon·|radius|.

    found: (≥ the largest pause + a list) int32, the result.
    """
    if state[SPENT] == 0:
        start = descend(query, rows, norms, metric, up_at, up, entry, top, 0)
        seen[start] = next_epoch(seen, epochs)
        d = near(query, rows, norms, start, metric)
        state[OPEN] = push_min(heap_d, heap_i, 0, d, start)
        state[SPENT] = 1
        if d <= radius and owner[start] >= 0:
            found[0] = start
            state[SIZE] = 1
    heap, count, spent, epoch = state[OPEN], state[SIZE], state[SPENT], epochs[0]
    edge = np.float32(np.inf)  # shrinks towards the radius as the walk comes nearer
    while heap > 0 and spent < pause:
        row, d = heap_i[0], heap_d[0]
        edge = max(radius, min(edge, d))
        if d > edge + epsilon * abs(edge):
            heap = 0
            break
        heap = pop_min(heap_d, heap_i, heap)
        unseen = frontier(links, row, seen, epoch, rows, fresh)
        spent += unseen
        for at in range(unseen):
            d = near(query, rows, norms, fresh[at], metric)
            if d <= edge + epsilon * abs(edge):
                heap = push_min(heap_d, heap_i, heap, d, fresh[at])
                if d <= radius and owner[fresh[at]] >= 0:
                    found[count] = fresh[at]
                    count += 1
    state[OPEN], state[SIZE], state[SPENT] = heap, count, spent
