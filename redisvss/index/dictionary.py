"""The term dictionary: terms to small ids, and the terms a prefix, pattern or misspelling stands for.

Ids are never reused and terms never leave; a term nobody holds any more has no postings.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redisvss.index.patterns import wildcard

STOP = 0  # the id of every stop word
GAP = 1  # the id of the pause between two values of a multi-value field
GAP_TOKEN = b"\0"  # no token holds a NUL


class Vocabulary(dict[bytes, int]):
    """token → id; an unknown token is added when it is asked for by `[]`, not by `get`."""

    def __init__(self, stopwords: Iterable[bytes]) -> None:
        super().__init__(dict.fromkeys(stopwords, STOP))
        self[GAP_TOKEN] = GAP
        self.terms: list[bytes] = [b"", GAP_TOKEN]  # by id; the first is never read

    def __missing__(self, term: bytes) -> int:
        self[term] = new = len(self.terms)
        self.terms.append(term)
        return new


class SortedTerms:
    """The vocabulary in byte order, which is RediSearch's order of expansion; made when first asked for.

    Terms added later are sorted in at the next question: timsort merges them in one pass.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._seen = GAP + 1
        self._terms: list[str] = []
        self._joined = "\n"
        self._by_length: dict[int, _Group] | None = None
        self._refreshing = threading.Lock()  # readers share this view

    def _refresh(self) -> list[str]:
        known = self._vocabulary.terms
        with self._refreshing:
            if self._seen < len(known):
                added = [term.decode("utf-8", "surrogateescape") for term in known[self._seen :] if term]
                self._seen += len(added) + known[self._seen :].count(b"")
                self._terms = sorted(self._terms + added)
                self._joined = "\n" + "\n".join(self._terms) + "\n"  # no term holds a control character
                self._by_length = None
            return self._terms

    def starting(self, prefix: str) -> Iterator[str]:
        terms = self._refresh()
        for place in range(bisect_left(terms, prefix), len(terms)):
            if not terms[place].startswith(prefix):
                return
            yield terms[place]

    def ending(self, suffix: str) -> Iterator[str]:
        self._refresh()
        return self._holding(suffix + "\n", skip=len(suffix))

    def containing(self, infix: str) -> Iterator[str]:
        self._refresh()
        return self._holding(infix, skip=0)

    def matching(self, pattern: str) -> Iterator[str]:
        """Terms a `w'…'` pattern matches whole. The longest literal piece finds the candidates."""
        self._refresh()
        matches = wildcard(pattern)
        literal = _longest_literal(pattern)
        candidates = self._holding(literal, skip=0) if literal else iter(self._terms)
        return (term for term in candidates if matches(term))

    def _holding(self, text: str, skip: int) -> Iterator[str]:
        """Terms in which `text` occurs, each once. One search through them joined: 20 times faster than one by one.

        skip: how far into the find the term's end may be looked for.
        """
        joined = self._joined
        at = joined.find(text)
        while at >= 0:
            end = joined.index("\n", at + skip)
            yield joined[joined.rindex("\n", 0, max(at, 1)) + 1 : end]
            at = joined.find(text, end)

    def within(self, word: str, distance: int) -> list[str]:
        """Terms at most `distance` insertions, deletions or replacements away, in order."""
        terms = self._refresh()
        groups = self._by_length
        if groups is None:
            groups = self._by_length = _group_by_length(terms)
        found = [
            group.places[group.within(word, distance)]
            for length, group in groups.items()
            if abs(length - len(word)) <= distance
        ]
        return [terms[place] for place in np.sort(np.concatenate(found)).tolist()] if found else []

    def memory_bytes(self) -> int:
        return sum(len(term) + 60 for term in self._terms) + len(self._joined)


def _longest_literal(pattern: str) -> str:
    """The longest run of plain characters; an escape ends a run, so that no backslash needs thought."""
    pieces = pattern.replace("?", "*").replace("\\", "*").split("*")
    return max(pieces, key=len) if "\\" not in pattern else ""


@dataclass(frozen=True)
class _Group:
    """Terms of one length: their places in the order of all, their letters as a matrix of code points, and which
    letters occur in each as bits (letters 64 apart share one)."""

    places: NDArray[np.int64]
    letters: NDArray[np.uint32]
    bits: NDArray[np.uint64]

    def within(self, word: str, distance: int) -> NDArray[np.int64]:
        """Rows at most `distance` edits from `word`.

        A letter that only one of the two has costs an edit, which leaves few terms to be compared.
        """
        own = np.bitwise_or.reduce(_bits(_code_points(word)), initial=np.uint64(0))
        near = _at_most(self.bits & ~own, distance) & _at_most(~self.bits & own, distance)
        rows = np.flatnonzero(near)
        return rows[_are_near(word, self.letters[rows], distance)]


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _lowered(letters: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Only sounds are upper-case, and ASCII: RediSearch compares them as if they were not."""
    capital = (letters >= ord("A")) & (letters <= ord("Z"))
    return np.where(capital, letters + 32, letters).astype(np.uint32)


def _bits(letters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return np.asarray(np.left_shift(np.uint64(1), (letters & 63).astype(np.uint64)))


def _at_most(bits: NDArray[np.uint64], count: int) -> NDArray[np.bool_]:
    """Whether at most so many bits are set: taking the lowest away so often leaves none."""
    for _ in range(count):
        bits = bits & (bits - np.uint64(1))  # 0 - 1 wraps around to all ones, of which 0 keeps none
    return np.asarray(bits == 0)


def _group_by_length(terms: list[str]) -> dict[int, _Group]:
    lengths = np.fromiter(map(len, terms), np.int64, len(terms))
    groups = {}
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        letters = _lowered(_code_points("".join(terms[place] for place in places.tolist()))).reshape(
            len(places), length
        )
        groups[length] = _Group(places, letters, np.bitwise_or.reduce(_bits(letters), axis=1))
    return groups


def _are_near(word: str, letters: NDArray[np.uint32], distance: int) -> NDArray[np.bool_]:
    """Whether each row is within that Levenshtein distance, all rows at once: one table step per pair of letters.

    RediSearch (2.10.5) takes a term's last letter for granted where the term without it is near enough and the whole
    term is near to some beginning of the word: so it forgives two last letters that changed places.
    """
    rows, length = letters.shape
    above = np.tile(np.arange(length + 1, dtype=np.int16)[:, None], rows)
    begun = above[length]  # the least distance of the term to a beginning of the word
    for i, letter in enumerate(word, 1):
        differs = (letters != ord(letter)).T
        row = np.empty_like(above)
        row[0] = i
        for j in range(1, length + 1):
            replaced = above[j - 1] + differs[j - 1]
            row[j] = np.minimum(np.minimum(above[j], row[j - 1]) + 1, replaced)
        above, begun = row, np.minimum(begun, row[length])
    near = above[length] <= distance
    return near | ((above[length - 1] <= distance) & (begun <= distance)) if length else near
