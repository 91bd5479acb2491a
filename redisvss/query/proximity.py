"""How near a document's matches stand: SLOP, INORDER, phrases, and the distance a score is divided by.

The rules are RediSearch's (2.10): positions are compared child by child of one node, a child without positions (a
number, one tag, `*`) is skipped. Everything is worked out for all documents at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.fields.base import Ids, Leaf, contains
from redisvss.fields.tag import TagExpansion
from redisvss.index.bitmaps import bitmap_of, ids_of
from redisvss.index.segment import Postings
from redisvss.query.bound import AllDocs, And, BoundNode, Not, Nothing, Opt, Or

Keys = NDArray[np.uint64]  # row << 32 | position, ascending; a row is a place in the ids asked about
Flags = NDArray[np.bool_]

_ROW = np.uint64(32)
_ONE = np.uint64(1)
_POSITION = np.uint64(0xFFFFFFFF)

# What matched, as RediSearch tells results apart: a group of nothing but one of the first two has no positions.
_VIRTUAL, _NUMERIC, _TERM, _METRIC, _GROUP = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Offsets:
    """has: whether each document's match takes part in distances; keys: the positions."""

    has: Flags
    keys: Keys


class Positioned(Leaf):
    """A leaf that knows where it matched."""

    @abstractmethod
    def offsets(self, ids: Ids) -> Offsets:
        """In the ascending doc ids."""


@dataclass(frozen=True)
class _Match:
    """What a node matched: `types` is 0 where it did not."""

    types: NDArray[np.uint8]
    offsets: Offsets


def offsets_of(postings: Postings, places: NDArray[np.int64]) -> Offsets:
    """Positions of the posting at each row's place; -1: the row has none."""
    rows = np.flatnonzero(places >= 0)
    if not len(postings.positions):
        return Offsets(np.zeros(len(places), np.bool_), np.empty(0, np.uint64))
    chosen = places[rows]
    positions = postings.positions_at(chosen).astype(np.uint64)
    keys = (np.repeat(rows, postings.counts[chosen]).astype(np.uint64) << _ROW) | positions
    return Offsets(places >= 0, _ascending(keys))


def keep_near(node: And, found: BitMap) -> BitMap:
    """The documents of `found` whose matches of the node's children keep its slop and order."""
    ids = ids_of(found)
    matches = [_match(child, ids) for child in ordered(node)]
    slop = np.iinfo(np.int64).max if node.slop is None or node.slop < 0 else node.slop
    near = np.ones(len(ids), np.bool_)
    for rows, taking_part in _by_participants(matches):
        if taking_part:
            lists = [_of_rows(match.offsets.keys, rows) for match in taking_part]
            judge = _in_order if node.inorder else _unordered
            near[rows] = judge(lists, rows, slop)[rows]
    return bitmap_of(ids[near])


def slop_factor(root: BoundNode, ids: Ids) -> NDArray[np.int64]:
    """What TFIDF and BM25 divide by: 1 for a single match, else the matches' distance from one to the next."""
    root = collapsed(root)
    if isinstance(root, Opt):
        return np.where(contains(root.child.docs, ids), slop_factor(root.child, ids), 1)
    if not isinstance(root, And | Or):
        return np.ones(len(ids), np.int64)
    matches = [_match(child, ids) for child in ordered(root)]
    matched = np.sum([match.types > 0 for match in matches], axis=0)
    squares = np.zeros(len(ids), np.int64)
    before = np.full(len(ids), -1)  # the last child of each document that took part in a distance
    for number, match in enumerate(matches):
        has = match.offsets.has
        for one in np.unique(before[has & (before >= 0)]).tolist():
            rows = has & (before == one)
            squares[rows] += _distances(matches[one].offsets.keys, match.offsets.keys, len(ids))[rows] ** 2
        before[has] = number
    apart = np.where(squares > 0, np.sqrt(squares).astype(np.int64), matched - 1)
    return np.where(matched > 1, apart, 1)


def ordered(node: And | Or) -> Sequence[BoundNode]:
    """Children as RediSearch compares them: an intersection without an order is walked from the rarest child on."""
    if isinstance(node, Or) or node.inorder:
        return node.children
    return sorted(node.children, key=lambda child: 0 if isinstance(child, And) else child.estimate())


def collapsed(node: BoundNode) -> BoundNode:
    """A union of which only one child can match at all is that child (an intersection always can).

    So is an affix of tags with one value. That of words stays a union.
    """
    if isinstance(node, TagExpansion) and len(node.children) == 1:
        return node.children[0]
    if isinstance(node, Or) and node.collapses:
        possible = [child for child in node.children if _exists(child)]
        if len(possible) == 1:
            return collapsed(possible[0])
    return node


def _exists(node: BoundNode) -> bool:
    match node:
        case And() | Not() | Opt() | AllDocs():
            return True
        case Nothing():
            return False
        case Or(children):
            return any(map(_exists, children))
        case _:
            return node.exists()


# ---- what a node matched, document by document -------------------------------------------------------------------


def _match(node: BoundNode, ids: Ids) -> _Match:
    node = collapsed(node)
    match node:
        case And() | Or():
            return _match_group(node, ids)
        case Opt(child):
            inner = _match(child, ids)
            return _Match(np.where(inner.types > 0, inner.types, _VIRTUAL), inner.offsets)
        case AllDocs() | Not():
            return _positionless(contains(node.docs, ids), _VIRTUAL)
        case Nothing():
            return _positionless(np.zeros(len(ids), np.bool_), _VIRTUAL)
        case _:
            return _match_leaf(node, ids)


def _match_leaf(leaf: Leaf, ids: Ids) -> _Match:
    if not isinstance(leaf, Positioned):
        kind = {"term": _TERM, "metric": _METRIC}.get(leaf.kind, _NUMERIC)
        matched = leaf.holds(ids)
        if isinstance(leaf, TagExpansion):  # a union, which takes part without a position
            return _Match(np.where(matched, _GROUP, 0).astype(np.uint8), Offsets(matched, np.empty(0, np.uint64)))
        return _positionless(matched, kind)
    offsets = leaf.offsets(ids)
    return _Match(np.where(leaf.holds(ids), _TERM, 0).astype(np.uint8), offsets)


def _match_group(node: And | Or, ids: Ids) -> _Match:
    matched = contains(node.docs, ids)
    inner = [_match(child, ids) for child in node.children]
    within = np.bitwise_or.reduce([match.types for match in inner])
    has = matched & (within != _VIRTUAL) & (within != _NUMERIC)
    keys = _ascending(np.concatenate([match.offsets.keys for match in inner]))
    return _Match(np.where(matched, _GROUP, 0).astype(np.uint8), Offsets(has, keys[has[_rows(keys)]]))


def _positionless(matched: Flags, kind: int) -> _Match:
    types = np.where(matched, kind, 0).astype(np.uint8)
    return _Match(types, Offsets(np.zeros(len(matched), np.bool_), np.empty(0, np.uint64)))


def _by_participants(matches: Sequence[_Match]) -> list[tuple[Flags, list[_Match]]]:
    """Documents grouped by which children take part in distances: (rows, those children)."""
    pattern = np.zeros(len(matches[0].types), np.int64)
    for match in matches:  # renumbered each time, so that any number of children fits
        pattern = np.unique(2 * pattern + match.offsets.has, return_inverse=True)[1]
    groups = []
    for number in range(int(pattern.max(initial=-1)) + 1):
        rows = pattern == number
        example = int(rows.argmax())
        groups.append((rows, [match for match in matches if match.offsets.has[example]]))
    return groups


# ---- positions against positions ---------------------------------------------------------------------------------


def _in_order(lists: Sequence[Keys], rows: Flags, slop: int) -> Flags:
    """Rows where some position of the first list is followed by the next list's nearest, and so on, within the slop.

    The same position counts as following: `"a a"` is found in `a`, as RediSearch does.
    """
    current = lists[0]
    span = np.zeros(len(current), np.int64)
    good = np.ones(len(current), np.bool_)
    for keys in lists[1:]:
        following, exists = _first_from(keys, current)
        span = span + (following.astype(np.int64) - current.astype(np.int64) - 1)
        good &= exists & (span <= slop)
        current = np.where(exists, following, current)
    return _rows_of(lists[0][good], len(rows))


def _unordered(lists: Sequence[Keys], rows: Flags, slop: int) -> Flags:
    """Rows where one position of each list can be chosen with at most `slop` other positions between them.

    RediSearch's rule has two ends: with a single list nothing is near, and a list without positions (a list of tags)
    is near to everything.
    """
    near = np.zeros(len(rows), np.bool_)
    if len(lists) > 1:
        for keys in lists:
            near |= _rows_of(keys[_windows(keys, lists) - (len(lists) - 1) <= slop], len(rows))
        near |= _beside_empty(lists, rows)
    return near


def _windows(starts: Keys, lists: Sequence[Keys]) -> NDArray[np.int64]:
    """How far each start is from the last of the nearest following positions of every list (huge: there is none).

    Where all lists stand at the start itself, the first list's next position is taken.
    """
    last = starts
    possible = np.ones(len(starts), np.bool_)
    for keys in lists:
        following, exists = _first_from(keys, starts)
        possible &= exists
        last = np.maximum(last, following)
    same = possible & (last == starts)
    if same.any():
        following, exists = _first_from(lists[0], starts[same] + _ONE)
        exists &= _rows(following) == _rows(starts[same])
        last = last.copy()
        last[same] = following
        possible[same] = exists
    distance = last.astype(np.int64) - starts.astype(np.int64)
    return np.where(possible, distance, np.iinfo(np.int64).max)


def _beside_empty(lists: Sequence[Keys], rows: Flags) -> Flags:
    filled = np.sum([_rows_of(keys, len(rows)) for keys in lists], axis=0)
    return np.asarray(rows & (filled > 0) & (filled < len(lists)))


def _distances(one: Keys, other: Keys, size: int) -> NDArray[np.int64]:
    """The nearest two positions of each row; a list without positions counts as position -1."""
    firsts = _first_positions(one, size), _first_positions(other, size)
    nearest = np.where((firsts[0] < 0) | (firsts[1] < 0), np.abs(firsts[0] - firsts[1]), _gaps(one, other, size))
    for row in np.flatnonzero((nearest == 0) & (firsts[0] != firsts[1])).tolist():
        nearest[row] = _walked(_positions_in(one, row), _positions_in(other, row))
    return nearest


def _gaps(one: Keys, other: Keys, size: int) -> NDArray[np.int64]:
    """The nearest two positions of each row that has both: neighbours once both lists are merged (huge: it has not).

    Merging 2M positions takes a third of the time of searching one list in the other.
    """
    nearest = np.full(size, np.iinfo(np.int64).max)
    merged = np.sort(np.concatenate([one << _ONE, other << _ONE | _ONE]), kind="stable")
    keys = merged >> _ONE
    across = ((merged[1:] ^ merged[:-1]) & _ONE).astype(np.bool_) & (keys[1:] >> _ROW == keys[:-1] >> _ROW)
    gaps, rows = (keys[1:][across] - keys[:-1][across]).astype(np.int64), _rows(keys[1:][across])
    if len(rows):
        starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
        nearest[rows[starts]] = np.minimum.reduceat(gaps, starts)
    return nearest


def _walked(one: list[int], other: list[int]) -> int:
    """The nearest distance as RediSearch finds it: side by side from the start, stopping at the first 0 or 1."""
    i = j = 0
    nearest = abs(one[0] - other[0])
    while nearest > 1 and i < len(one) and j < len(other):
        nearest = min(nearest, abs(one[i] - other[j]))
        if other[j] > one[i]:
            i += 1
        else:
            j += 1
    return nearest


def _first_from(keys: Keys, wanted: Keys) -> tuple[Keys, Flags]:
    """For each wanted key the first at or after it in the same row, and whether there is one."""
    if not len(keys):
        return wanted, np.zeros(len(wanted), np.bool_)
    places = np.searchsorted(keys, wanted)
    following = keys[np.minimum(places, len(keys) - 1)]
    exists = (places < len(keys)) & (following >> _ROW == wanted >> _ROW)
    return np.where(exists, following, wanted), exists


def _first_positions(keys: Keys, size: int) -> NDArray[np.int64]:
    first = np.full(size, -1)
    rows = _rows(keys)
    first[rows[::-1]] = (keys & _POSITION).astype(np.int64)[::-1]  # the last assignment is the row's first key
    return first


def _positions_in(keys: Keys, row: int) -> list[int]:
    low, high = np.searchsorted(keys, [np.uint64(row << 32), np.uint64((row + 1) << 32)])
    found: list[int] = (keys[low:high] & _POSITION).astype(np.int64).tolist()
    return found


def _rows(keys: Keys) -> NDArray[np.int64]:
    return np.asarray(keys >> _ROW, np.int64)


def _rows_of(keys: Keys, size: int) -> Flags:
    flags = np.zeros(size, np.bool_)
    flags[_rows(keys)] = True
    return flags


def _of_rows(keys: Keys, rows: Flags) -> Keys:
    return keys if rows.all() else keys[rows[_rows(keys)]]


def _ascending(keys: Keys) -> Keys:
    return np.sort(keys, kind="stable") if (keys[1:] < keys[:-1]).any() else keys
