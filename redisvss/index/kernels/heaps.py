"""Binary heaps and sorted lists over two parallel arrays: distances (float32) and row numbers (int32)."""

from __future__ import annotations

from redisvss.index.kernels.arith import leaf


@leaf
def push_min(dist, ids, size, d, i):
    """Add (d, i) to a heap whose smallest distance is at 0; returns its new size."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if dist[parent] <= d:
            break
        dist[at] = dist[parent]
        ids[at] = ids[parent]
        at = parent
    dist[at] = d
    ids[at] = i
    return size + 1


@leaf
def pop_min(dist, ids, size):
    """Remove the smallest (read it at 0 first); returns the new size."""
    size -= 1
    d, i = dist[size], ids[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and dist[child + 1] < dist[child]:
            child += 1
        if dist[child] >= d:
            break
        dist[at] = dist[child]
        ids[at] = ids[child]
        at = child
    dist[at] = d
    ids[at] = i
    return size


@leaf
def insert_sorted(dist, ids, size, limit, d, i):
    """Put (d, i) into an ascending list of at most `limit`; returns its position, -1 when it is too far.

    Searching the place first, by halves or by comparing all, took three times as long at 10 to 200 entries.
    """
    if size >= limit:
        if d >= dist[size - 1]:
            return -1
        size -= 1
    at = size
    while at > 0 and dist[at - 1] > d:
        dist[at] = dist[at - 1]
        ids[at] = ids[at - 1]
        at -= 1
    dist[at] = d
    ids[at] = i
    return at
