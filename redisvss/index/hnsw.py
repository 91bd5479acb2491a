"""A navigable graph over the rows of a RowStore (HNSW, Malkov & Yashunin 2016), searched with or without a filter.

Owns links, levels, deferred deletion and the parallel building; copies no vector. Rows enter in batches: a batch
chooses its neighbours on the frozen graph (and among itself) in parallel, then the chosen link back, in parallel by
target. No locks, and the same graph whatever the number of threads.

Deletion is lazy. A dead row still leads searches onwards; `mend` relinks its neighbours around it, slice by slice, and
only then hands the row back for reuse. Reusing it at once, as hnswlib does, leaves links that lead astray.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.compiled import decodable, frozen, in_parallel, metric_of, query_type, rows_of, words_of
from redisvss.index.distance import Array, Floats, Metric, Query, widen
from redisvss.index.kernels import build, walk
from redisvss.index.matrix import Growing, Ints, RowStore

_MAX_BATCH = 1024  # distances within a batch cost batch² · dim: 3 % of the build at this size
_FIRST_BATCH = 256
_MAX_LEVEL = 30
_UNLINKED = -2  # an admitted row of height h carries level −2 − h until it is linked; −1: not in the graph at all

_ENDLESS = 1 << 62  # distances an unfiltered search may compute
_LOOK = 8192  # distances between two looks at the clock: 3 ms at 384 dimensions
_UNMARKED = 0x7FFFFFFF  # an interrupted walk leaves its marks in the sign bit

_ANYTHING = np.empty(0, np.uint64)  # no words: every doc is allowed


class Found(NamedTuple):
    """What a walk found: rows, nearest first (`within`: in no order); distances computed; the walk under a filter that
    was taken, as `kernels.walk` numbers them, and its width; whether the deadline ended it."""

    rows: Ints
    spent: int
    taken: int
    width: int
    timed_out: bool


class Scratch:
    """What one running search writes to; searches borrow it from the graph's spare ones and put it back there."""

    def __init__(self, rows: int, m: int, dim: int, arithmetic: np.dtype[Any]) -> None:
        self.seen = np.zeros(rows, np.uint8)
        self.epochs = np.zeros(1, np.uint8)
        self.fresh = np.empty(4 * m + walk.ENTRIES + walk.SAMPLES, np.int32)
        self.state = np.zeros(5, np.int64)
        self.heap_d = np.empty(rows + 1, np.float32)  # untouched pages cost nothing
        self.heap_i = np.empty(rows + 1, np.int32)
        self.query = np.empty(dim, arithmetic)
        self.wide = np.empty(dim, np.int16 if arithmetic.kind == "i" else np.float64)
        self.dist, self.ids = np.empty(rows + 1, np.float32), np.empty(rows + 1, np.int32)


class Nearest(NamedTuple):
    """What one compiled call found: docs and their reported distances, nearest first; the rest as in `Found`."""

    docs: Ints
    distances: Floats
    spent: int
    taken: int
    width: int
    timed_out: bool

    @property
    def strategy(self) -> str:
        """The walk under a filter by the name plans have for it."""
        return "two-hop" if self.taken == walk.TWO_HOP else "sweep"


class Settled:
    """Searches of a graph beside which no row waits, and which no row is to leave: true until a write.

    What is the same for every query is made once, and the rest happens in one compiled call: of a search of 44,000 rows
    Python took 30 of 100 µs, under a filter 160 of 290, since each walk empties the processor's caches.
    """

    def __init__(self, graph: Graph) -> None:
        store = graph.store
        rows, norms, owner = store.reserved
        self._graph = graph
        self._stored, self._owner, self._doc_row = (decodable(rows), norms), owner, store.doc_row
        self._unit = store.metric is Metric.COSINE
        self._lists = (*graph.lists, graph.entry, graph.top)

    def nearest(self, query: Query | Array, ef: int, k: int, ranked: int, deadline: float | None) -> Nearest | None:
        """The k nearest that a walk of width ef finds; None for a query that is not ordinary.

        query: for FLOAT32 (dim,) float32 as the client sent it, for other types prepared and not odd.  ranked: how many
        of what was found to measure in full.
        """
        return self._call(walk.nearest, query, ef, k, ranked, (), _ENDLESS, deadline)

    def allowed(
        self,
        query: Query | Array,
        widths: tuple[int, int, float],
        k: int,
        ranked: int,
        docs: BitMap,
        share: float,
        strategy: int,
        budget: int,
        deadline: float | None,
    ) -> Nearest | None:
        """The k nearest of some docs that `Graph.filtered` finds, as `nearest` gives them.

        widths: its `ef`, `sweep_ef` and `meet`.
        """
        ef, sweep_ef, meet = widths
        filtering = (words_of(docs), self._doc_row, share, strategy, budget, min(ef, sweep_ef), meet)
        return self._call(walk.nearest_allowed, query, ef, k, ranked, filtering, budget, deadline)

    def _call(
        self,
        kernel: Any,
        query: Query | Array,
        ef: int,
        k: int,
        ranked: int,
        filtering: tuple[Any, ...],
        budget: int,
        deadline: float | None,
    ) -> Nearest | None:
        """filtering: what `walk.nearest_allowed` wants besides."""
        scratch, store = self._graph.borrow(), self._graph.store
        if isinstance(query, Query):
            values, metric = query.wide.astype(scratch.wide.dtype, copy=False), metric_of(store, query.norm)
        else:
            values, metric = frozen(query), self._graph.metric
        if filtering:
            filtering = (*filtering, scratch.heap_d, scratch.heap_i)
        dist, docs, size, pause, late = np.empty(k), np.empty(k, np.int64), walk.UNFINISHED, 0, False
        while size == walk.UNFINISHED:
            late = pause > 0 and deadline is not None and time.monotonic() > deadline
            pause += 0 if late else _LOOK
            size = kernel(
                values, self._unit, scratch.wide, scratch.query, *self._stored, metric, *self._lists, ef,
                scratch.dist, scratch.ids, scratch.seen, scratch.epochs, scratch.fresh, min(pause, budget),
                scratch.state, self._owner, ranked, late or pause >= budget, dist, docs, *filtering,
            )  # fmt: skip
        still_open, _, spent, taken, width = scratch.state.tolist()
        self._graph.give_back(scratch)
        if size == k:
            return Nearest(docs, dist, spent, taken, width, late and still_open > 0)
        return None if size < 0 else Nearest(docs[:size], dist[:size], spent, taken, width, late and still_open > 0)


class Graph:
    """The graph's lists and every algorithm on them. One writer at a time; searches may run beside it."""

    def __init__(self, store: RowStore, m: int, ef_construction: int, seed: int) -> None:
        self.store, self.m = store, m
        self.ef_construction = max(ef_construction, m)
        self._rng = np.random.default_rng(seed)
        self._links = Growing(np.int32, 2 * m, fill=-1)
        self._levels = Growing(np.int8, fill=-1)
        self._up_at = Growing(np.int32, fill=-1)
        self._up = Growing(np.int32, m, fill=-1)
        self._up_used = 0
        self._up_free: dict[int, list[int]] = {}  # by height: where lists of upper levels may be reused
        self.entry, self.top = -1, -1
        self.count = 0  # rows linked in, dead ones included
        self._dead: set[int] = set()
        self._mending: list[int] = []  # dead rows the pass under way will free
        self._mended_to = 0
        self.spare: list[Scratch] = []
        self.metric = metric_of(store, 1.0)
        self._arithmetic = query_type(store)

    # ---- arrays as the kernels want them -------------------------------------------------------------------------

    def _blank(self) -> Array:
        return np.empty(self.store.dim, self._arithmetic)

    @property
    def lists(self) -> tuple[Array, Array, Array]:
        return self._links.array, self._up_at.array, self._up.array

    def borrow(self) -> Scratch:
        """One from `spare`, or a new one."""
        try:
            scratch = self.spare.pop()
        except IndexError:  # asking first would leave another thread time to take the last
            scratch = None
        if scratch is None or len(scratch.seen) < self.store.size:
            return Scratch(len(self._levels.array), self.m, self.store.dim, self._arithmetic)
        return scratch

    def give_back(self, scratch: Scratch) -> None:
        """To `spare`, its state as it was first."""
        scratch.state[:] = 0
        self.spare.append(scratch)

    def parts(self) -> tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """(levels (size,), lists of level 0 (size, 2m), lists above (any, m), where a row's lists above begin (size,)).

        Rows outside the graph have a negative level, lists end with −1.
        """
        size = self.store.size
        return self._levels.array[:size], self._links.array[:size], self._up.array, self._up_at.array[:size]

    def adopt(
        self, levels: NDArray[np.int8], links: NDArray[np.int32], upper: NDArray[np.int32], entry: int, top: int
    ) -> None:
        """Take over a graph of the store's first rows, made elsewhere. upper: their lists above level 0, in order."""
        for column in (self._links, self._levels, self._up_at):
            column.reserve(self.store.size)
        self._up.reserve(len(upper))
        self._levels.array[: len(levels)], self._links.array[: len(links)] = levels, links
        self._up_at.array[: len(levels)] = np.cumsum(levels) - levels
        self._up.array[: len(upper)] = upper
        self._up_used, self.count, self.entry, self.top = len(upper), len(levels), entry, top

    # ---- growing -------------------------------------------------------------------------------------------------

    def admit(self, rows: Ints) -> None:
        """Set everything aside that `link` will need for these rows. Needs the exclusive lock: arrays may move."""
        for column in (self._links, self._levels, self._up_at):
            column.reserve(self.store.size)
        draws = -np.log(1 - self._rng.random(len(rows))) / np.log(max(self.m, 2))
        heights = np.minimum(draws.astype(np.int64), _MAX_LEVEL)
        self._levels.array[rows] = _UNLINKED - heights
        for row, height in zip(rows[heights > 0].tolist(), heights[heights > 0].tolist(), strict=True):
            self._up_at.array[row] = self._upper_place(height)

    def link(self, rows: Ints) -> None:
        """Link admitted rows into the graph. Searches may run meanwhile."""
        at = 0
        while at < len(rows):
            size = min(_MAX_BATCH, max(_FIRST_BATCH, self.count // 8))
            self._link_batch(np.ascontiguousarray(rows[at : at + size], np.int32))
            at += size

    def _link_batch(self, batch: NDArray[np.int32]) -> None:
        self._levels.array[batch] = _UNLINKED - self._levels.array[batch]
        self._connect(batch)
        self.count += len(batch)
        self._promote(batch)

    def _connect(self, batch: NDArray[np.int32]) -> None:
        self._choose(batch)
        for level in range(int(self._levels.array[batch].max()) + 1):
            self._link_back(batch[self._levels.array[batch] >= level], level)

    def _upper_place(self, height: int) -> int:
        if self._up_free.get(height):
            return self._up_free[height].pop()
        place = self._up_used
        self._up_used += height
        self._up.reserve(self._up_used)
        return place

    def _choose(self, batch: NDArray[np.int32]) -> None:
        mates = self._distances_within(batch)
        rows, norms, owner, levels = rows_of(self.store), self.store.norms, self.store.row_doc, self._levels.array
        room = self.ef_construction

        def share(first: int, last: int) -> None:
            scratch = self.borrow()
            dist, ids = np.empty(room, np.float32), np.empty(room, np.int32)
            build.choose(
                batch, first, last, mates, levels, rows, norms, self.metric, *self.lists, owner,
                self.entry, self.top, self.m, room, dist, ids, scratch.seen, scratch.epochs, scratch.fresh,
                scratch.state, np.empty(self.m, np.int32), self._blank(), self._blank(),
            )  # fmt: skip
            self.give_back(scratch)

        in_parallel(share, len(batch))

    def _distances_within(self, batch: NDArray[np.int32]) -> NDArray[np.float32]:
        """(b, b) distances between the rows of a batch, as `near` gives them up to rounding."""
        wide = widen(self.store.vectors[batch], self.store.dtype)
        near = wide @ wide.T
        lengths = self.store.norms[batch]
        if self.store.metric is Metric.L2:
            near = lengths[:, None] ** 2 + lengths**2 - 2 * near
        else:
            integers = self.store.metric is Metric.COSINE and self._arithmetic.kind == "i"
            near = 1 - (near / np.outer(lengths, lengths) if integers else near)
        result: NDArray[np.float32] = near.astype(np.float32, copy=False)
        return result

    def _link_back(self, sources: NDArray[np.int32], level: int) -> None:
        lists = self._level_lists(sources, level)
        picked = lists >= 0
        targets, owners = lists[picked], np.repeat(sources, picked.sum(axis=1))
        order = np.lexsort((owners, targets))
        unique, starts = np.unique(targets[order], return_index=True)
        bounds = np.append(starts, len(order))
        self._share_targets(unique, bounds, owners[order], level)

    def _level_lists(self, sources: NDArray[np.int32], level: int) -> NDArray[np.int32]:
        links, up_at, up = self.lists
        return links[sources] if level == 0 else up[up_at[sources] + level - 1]

    def _share_targets(self, targets: Array, bounds: Ints, sources: Array, level: int) -> None:
        rows, norms, owner = rows_of(self.store), self.store.norms, self.store.row_doc

        def share(first: int, last: int) -> None:
            build.link_back(
                targets, bounds, sources, first, last, level, rows, norms, self.metric, *self.lists, owner,
                self._blank(),
            )  # fmt: skip

        in_parallel(share, len(targets))

    def _promote(self, batch: NDArray[np.int32]) -> None:
        """The entry is the first row that reached the highest level."""
        heights = self._levels.array[batch]
        highest = int(heights.argmax())
        if heights[highest] > self.top:
            self.entry, self.top = int(batch[highest]), int(heights[highest])

    # ---- shrinking -----------------------------------------------------------------------------------------------

    def withdraw(self, rows: Ints) -> None:
        """These rows were admitted, but will not be linked."""
        self._clear(rows, _UNLINKED - self._levels.array[rows].astype(np.int64))

    def linked(self, rows: Ints) -> NDArray[np.bool_]:
        """Which rows searches can reach."""
        known = rows < len(self._levels.array)
        known[known] = self._levels.array[rows[known]] >= 0
        return known

    @property
    def dead(self) -> int:
        """Rows that still take part though their docs are gone."""
        return len(self._dead) + len(self._mending)

    @property
    def mending(self) -> bool:
        """Whether a pass of `mend` is under way."""
        return bool(self._mending)

    def kill(self, rows: Ints) -> None:
        """These rows of the graph have died in the store."""
        self._dead.update(rows.tolist())

    def mend(self, quota: int) -> Ints:
        """Relink around dead rows, looking at `quota` rows; returns the rows that became free meanwhile."""
        freed: list[int] = []
        while quota > 0 and self.dead:
            if not self._mending:
                self._mending, self._dead, self._mended_to = sorted(self._dead), set(), 0
            last = min(self.store.size, self._mended_to + quota)
            self._mend_rows(self._mended_to, last)
            quota -= last - self._mended_to
            self._mended_to = last
            if last == self.store.size:
                freed += self._free_mended()
        return np.array(freed, np.int64)

    def _mend_rows(self, first: int, last: int) -> None:
        lonely = np.zeros(self.store.size, np.bool_)
        rows, norms, owner, levels = rows_of(self.store), self.store.norms, self.store.row_doc, self._levels.array

        def share(a: int, b: int) -> None:
            build.mend(
                first + a, first + b, levels, rows, norms, self.metric, *self.lists, owner, self._blank(), lonely
            )

        in_parallel(share, last - first)
        left = np.flatnonzero(lonely)
        if len(left) and self.count > self.dead:
            self._relink(left.astype(np.int32))

    def _relink(self, rows: NDArray[np.int32]) -> None:
        """Rows that lost every neighbour look for new ones, as if they had just arrived."""
        for at in range(0, len(rows), _MAX_BATCH):
            self._connect(rows[at : at + _MAX_BATCH])

    def _free_mended(self) -> list[int]:
        freed, self._mending = self._mending, []
        rows = np.array(freed, np.int64)
        self._clear(rows, self._levels.array[rows])
        self.count -= len(freed)
        if not self._levels.array[self.entry] >= 0:
            self._new_entry()
        return freed

    def _clear(self, rows: Ints, heights: Array) -> None:
        """Rows leave the graph: their lists are empty and their places free."""
        self._links.array[rows] = -1
        for row, height in zip(rows[heights > 0].tolist(), heights[heights > 0].tolist(), strict=True):
            place = int(self._up_at.array[row])
            self._up.array[place : place + height] = -1
            self._up_free.setdefault(height, []).append(place)
        self._levels.array[rows] = -1

    def _new_entry(self) -> None:
        levels = self._levels.array[: self.store.size]
        self.top = int(levels.max(initial=-1))
        self.entry = int(levels.argmax()) if self.top >= 0 else -1

    # ---- searching -----------------------------------------------------------------------------------------------

    def search(self, query: Query, ef: int, deadline: float | None = None) -> Found:
        """About `ef` rows near the query, nearest first; dead rows are not among them."""
        if self.dead:
            return self.filtered(query, ef, _ANYTHING, 1.0, walk.SWEEP, self.store.size, deadline)
        place = self._place(query)

        def walk_on(scratch: Scratch, pause: int) -> None:
            walk.search(
                *place, ef, scratch.dist, scratch.ids, scratch.seen, scratch.epochs, scratch.fresh, pause, scratch.state
            )

        found = self._walked(walk_on, None, self.store.size + 1, deadline)
        return found._replace(rows=found.rows & _UNMARKED) if found.timed_out else found

    def _place(self, query: Query) -> tuple[Any, ...]:
        """The arguments every search starts with."""
        array, (rows, norms, _) = query.wide.astype(self._arithmetic), self.store.reserved
        return array, decodable(rows), norms, metric_of(self.store, query.norm), *self.lists, self.entry, self.top

    def _walked(
        self, walk_on: Callable[[Scratch, int], None], ids: Array | None, budget: int, deadline: float | None
    ) -> Found:
        """Run a walk until it is through, has computed about `budget` distances or the deadline has passed.

        ids: where it leaves the rows it finds, if not in its scratch.
        """
        scratch, late = self.borrow(), False
        pause = budget if deadline is None else min(budget, _LOOK)
        walk_on(scratch, pause)
        while scratch.state[walk.OPEN] and pause < budget and not late:
            pause = min(budget, pause + _LOOK)
            walk_on(scratch, pause)
            late = deadline is not None and time.monotonic() > deadline
        still_open, size, spent, taken, width = scratch.state.tolist()
        rows = (scratch.ids if ids is None else ids)[:size].astype(np.int64)
        self.give_back(scratch)
        return Found(rows, spent, taken, width, late and still_open > 0)

    def filtered(
        self,
        query: Query,
        ef: int,
        words: NDArray[np.uint64],
        share: float,
        strategy: int,
        budget: int,
        deadline: float | None = None,
        sweep_ef: int | None = None,
        meet: float = 0.0,
    ) -> Found:
        """Up to `ef` allowed rows, nearest first: see `walk.filtered`. The walk ends after about `budget` distances.

        sweep_ef: how many a sweep collects, if fewer.  meet: so many rows it is to meet, if it is chosen on the way.
        """
        place, store, width = self._place(query), self.store, min(ef, sweep_ef or ef)

        def walk_on(scratch: Scratch, pause: int) -> None:
            walk.filtered(
                *place, ef, scratch.dist, scratch.ids, scratch.seen, scratch.epochs, scratch.fresh, pause,
                scratch.state, store.row_doc, words, store.doc_row, share, strategy, budget, width, meet,
                scratch.heap_d, scratch.heap_i,
            )  # fmt: skip

        return self._walked(walk_on, None, budget, deadline)

    def within(self, query: Query, radius: float, epsilon: float, budget: int, deadline: float | None = None) -> Found:
        """Live rows no further than `radius`: all a walk finds, or those of about `budget` distances."""
        ids = np.empty(budget + self._links.array.shape[1] + 1, np.int32)
        place, limits = self._place(query), (np.float32(radius), np.float32(epsilon))

        def walk_on(scratch: Scratch, pause: int) -> None:
            walk.within(
                *place, *limits, ids, scratch.seen, scratch.epochs, scratch.fresh, pause, scratch.state,
                self.store.row_doc, scratch.heap_d, scratch.heap_i,
            )  # fmt: skip

        return self._walked(walk_on, ids, budget, deadline)

    def memory_bytes(self) -> int:
        """Bytes reserved for lists and levels."""
        return sum(column.array.nbytes for column in (self._links, self._levels, self._up_at, self._up))
