"""A segment: the postings of a batch of documents, made once, sorted, never changed but for the documents that die.

Small segments are merged into larger ones, so a search reads a handful of them, and a write costs its own size
(and a share of later merges), never the size of the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.bitmaps import Ids, bitmap_of, ids_of

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Occurrences:
    """One entry per token and derived term: parallel arrays, ordered by position within (term, document)."""

    terms: NDArray[np.uint32]
    docs: NDArray[np.uint32]
    positions: NDArray[np.uint32]
    fields: NDArray[np.uint8]
    weights: NDArray[np.uint32]


@dataclass(frozen=True)
class Postings:
    """One term's documents, ascending.

    frequencies: weighted TF; masks: (bytes, n) uint8, bit f & 7 of row f >> 3 is set where field f holds the term;
    counts: occurrences; positions: those of all documents, one after the other (empty where offsets are not kept).
    """

    docs: Ids
    frequencies: Ints
    masks: NDArray[np.uint8]
    counts: Ints
    positions: Ints

    @cached_property
    def doc_set(self) -> BitMap:
        """The documents; not to be changed."""
        return bitmap_of(self.docs)

    def in_fields(self, scope: Sequence[int]) -> NDArray[np.bool_]:
        """Where any of the fields holds the term."""
        hit = np.zeros(len(self.docs), np.bool_)
        for number in scope:
            if number >> 3 < len(self.masks):
                hit |= (self.masks[number >> 3] & np.uint8(1 << (number & 7))) != 0
        return hit

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """Where each document's positions end."""
        return np.cumsum(self.counts, dtype=np.int64)

    def positions_at(self, kept: NDArray[np.bool_] | Ints) -> Ints:
        """The positions of selected documents, by mask or by places, one after the other."""
        return self.positions[ragged(self._ends, self.counts, kept)]

    def frequencies_at(self, ids: Ids) -> NDArray[np.float64]:
        """TF in each of the ascending `ids`, 0 where the term is not.

        Through a table by doc id where that pays: its entries are small, and it needs no second pass for the absent.
        """
        if not len(self.docs) or not len(ids):
            return np.zeros(len(ids))
        if not _tabulated(self.docs, ids):
            places = places_of(self.docs, ids)
            return np.where(places >= 0, self.frequencies[places], 0).astype(np.float64)
        table = np.zeros(max(int(self.docs[-1]), int(ids[-1])) + 1, self.frequencies.dtype)
        table[self.docs] = self.frequencies
        return table[ids].astype(np.float64)

    def only(self, kept: NDArray[np.bool_] | Ints) -> Postings:
        """A selection, by mask or by places in the order wanted."""
        counts = self.counts[kept]
        positions = self.positions_at(kept) if len(self.positions) else self.positions
        return Postings(self.docs[kept], self.frequencies[kept], self.masks[:, kept], counts, positions)


def places_of(docs: Ids, ids: Ids) -> NDArray[np.int64]:
    """Where each of the ascending `ids` stands in the ascending `docs`; -1 where it does not.

    Many ids are looked up in a table by doc id: 8 times faster than bisection (200,000 in 200,000), 10 times slower
    for a hundred.
    """
    if not len(docs) or not len(ids):
        return np.full(len(ids), -1)
    if not _tabulated(docs, ids):
        places = np.minimum(np.searchsorted(docs, ids), len(docs) - 1)
        return np.where(docs[places] == ids, places, -1)
    table = np.full(max(int(docs[-1]), int(ids[-1])) + 1, -1, np.int32)
    table[docs] = np.arange(len(docs), dtype=np.int32)
    return table[ids].astype(np.int64)


def _tabulated(docs: Ids, ids: Ids) -> bool:
    """Whether a table by doc id beats bisecting `docs` for each of `ids`; both hold something."""
    last = max(int(docs[-1]), int(ids[-1]))
    return last <= 8 * (len(ids) + len(docs)) and 32 * len(ids) >= len(docs)


NO_POSTINGS = Postings(
    np.empty(0, np.uint32),
    np.empty(0, np.uint8),
    np.empty((1, 0), np.uint8),
    np.empty(0, np.uint8),
    np.empty(0, np.uint8),
)


@dataclass
class Segment:
    """Postings by term: those of `terms[i]` are `starts[i]:starts[i + 1]`, its positions `position_starts[i]:…`."""

    terms: NDArray[np.uint32]
    starts: NDArray[np.int64]
    position_starts: NDArray[np.int64]
    postings: Postings
    live: BitMap
    dead: BitMap = field(default_factory=BitMap)

    def kill(self, docs: BitMap) -> None:
        self.live -= docs
        self.dead |= docs

    def find(self, term: int) -> Postings:
        """One term's live postings."""
        place = int(np.searchsorted(self.terms, np.uint32(term)))  # an `int` would have numpy copy the array as int64
        if place == len(self.terms) or self.terms[place] != term:
            return NO_POSTINGS
        start, end = self.starts[place], self.starts[place + 1]
        all_ = self.postings
        at = slice(self.position_starts[place], self.position_starts[place + 1])
        found = Postings(
            all_.docs[start:end],
            all_.frequencies[start:end],
            all_.masks[:, start:end],
            all_.counts[start:end],
            all_.positions[at],
        )
        return found.only(self._alive(found.docs)) if self.dead else found

    def find_many(self, terms: NDArray[np.uint32]) -> tuple[Postings, NDArray[np.int64]]:
        """Live postings of several terms one after the other, and which of the terms each belongs to."""
        places = np.minimum(np.searchsorted(self.terms, terms), max(len(self.terms) - 1, 0))
        known = np.flatnonzero(self.terms[places] == terms) if len(self.terms) else np.empty(0, np.int64)
        places = places[known]
        rows, sizes = _ranges(self.starts, places)
        all_, which = self.postings, np.repeat(known, sizes)
        frequencies = all_.frequencies[rows]
        counts = frequencies if all_.counts is all_.frequencies else all_.counts[rows]
        positions = all_.positions[_ranges(self.position_starts, places)[0]]
        found = Postings(all_.docs[rows], frequencies, all_.masks[:, rows], counts, positions)
        if self.dead:
            alive = self._alive(found.docs)
            return found.only(alive), which[alive]
        return found, which

    def _alive(self, docs: Ids) -> NDArray[np.bool_]:
        return ~np.isin(docs, ids_of(self.dead))

    def entries(self) -> tuple[NDArray[np.uint32], Postings]:
        """Live postings with the term of each, for merging."""
        terms = np.repeat(self.terms, np.diff(self.starts))
        if not self.dead:
            return terms, self.postings
        alive = self._alive(self.postings.docs)
        return terms[alive], self.postings.only(alive)

    def memory_bytes(self) -> int:
        arrays = (self.postings.docs, self.postings.frequencies, self.postings.masks, self.postings.positions)
        shared = self.postings.counts is self.postings.frequencies
        counts = 0 if shared else self.postings.counts.nbytes
        return sum(a.nbytes for a in arrays) + counts + self.terms.nbytes + 2 * self.starts.nbytes


def build(occurrences: Occurrences, field_bytes: int, offsets: bool) -> Segment:
    """field_bytes: rows of the field masks; offsets: whether positions are kept."""
    keys = _keys(occurrences.terms, occurrences.docs)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
    counts = narrow(np.diff(starts, append=len(keys)))
    weights = occurrences.weights[order]
    frequencies = counts if (weights == 1).all() else narrow(np.add.reduceat(weights, starts))
    masks = _masks(occurrences.fields[order], starts, field_bytes)
    positions = narrow(occurrences.positions[order]) if offsets else np.empty(0, np.uint8)
    keys = keys[starts]
    docs = (keys & 0xFFFFFFFF).astype(np.uint32)
    return _segment(keys, Postings(docs, frequencies, masks, counts, positions), bitmap_of(docs))


def uncounted(segment: Segment) -> Segment:
    """As if each term occurred once in each of its documents; positions stay."""
    once = np.ones(len(segment.postings.docs), np.uint8)
    return replace(segment, postings=replace(segment.postings, frequencies=once))


def merge(segments: Sequence[Segment], field_bytes: int) -> Segment:
    parts = [segment.entries() for segment in segments]
    keys = np.concatenate([_keys(terms, postings.docs) for terms, postings in parts])
    order = np.argsort(keys, kind="stable")  # timsort: the parts are sorted runs
    joined = join([postings for _, postings in parts], field_bytes).only(order)
    return _segment(keys[order], joined, BitMap.union(*(segment.live for segment in segments)))


def join(parts: Sequence[Postings], field_bytes: int) -> Postings:
    """The parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    masks = np.zeros((field_bytes, sum(len(p.docs) for p in parts)), np.uint8)
    end = 0
    for part in parts:
        start, end = end, end + len(part.docs)
        masks[: len(part.masks), start:end] = part.masks
    counts = np.concatenate([p.counts for p in parts])
    weighted = any(p.frequencies is not p.counts for p in parts)
    frequencies = np.concatenate([p.frequencies for p in parts]) if weighted else counts
    return Postings(
        np.concatenate([p.docs for p in parts]),
        frequencies,
        masks,
        counts,
        np.concatenate([p.positions for p in parts]),
    )


def _segment(keys: NDArray[np.uint64], postings: Postings, docs: BitMap) -> Segment:
    """keys: term << 32 | document of each posting, ascending."""
    terms_of = (keys >> np.uint64(32)).astype(np.uint32)
    starts = (
        np.flatnonzero(np.concatenate([[True], terms_of[1:] != terms_of[:-1]])) if len(keys) else np.empty(0, np.int64)
    )
    ends = np.concatenate([[0], np.cumsum(postings.counts, dtype=np.int64)])
    bounds = np.append(starts, len(keys)).astype(np.int64)
    position_starts = ends[bounds] if len(postings.positions) else np.zeros(len(bounds), np.int64)
    return Segment(terms_of[starts], bounds, position_starts, postings, docs)


def _masks(fields: NDArray[np.uint8], starts: NDArray[np.int64], field_bytes: int) -> NDArray[np.uint8]:
    masks = np.zeros((field_bytes, len(starts)), np.uint8)
    if len(starts):
        bits = np.left_shift(np.uint8(1), fields & 7, dtype=np.uint8)
        for row in range(field_bytes):
            masks[row] = np.bitwise_or.reduceat(np.where(fields >> 3 == row, bits, np.uint8(0)), starts)
    return masks


def _keys(terms: NDArray[np.uint32], docs: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return np.asarray((terms.astype(np.uint64) << np.uint64(32)) | docs)


def ragged(ends: NDArray[np.int64], counts: Ints, kept: NDArray[np.bool_] | Ints) -> NDArray[np.int64]:
    """Places of the kept rows' items, where row i has counts[i] items, the last before ends[i]."""
    lengths = counts[kept].astype(np.int64)
    starts = ends[kept] - lengths
    shift = starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else starts
    return np.repeat(shift, lengths) + np.arange(lengths.sum())


def _ranges(starts: NDArray[np.int64], places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows starts[p]:starts[p + 1] of each place, one after the other, and how many each has."""
    sizes = starts[places + 1] - starts[places]
    return ragged(starts[places + 1], sizes, np.arange(len(places))), sizes


def narrow(values: Ints) -> Ints:
    """The smallest unsigned type that holds them: counts and positions are small nearly always."""
    return values.astype(np.min_scalar_type(int(values.max()))) if len(values) else values.astype(np.uint8)
