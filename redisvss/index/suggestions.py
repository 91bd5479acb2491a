"""Which suggestions a typed prefix stands for, best first: the ranking of FT.SUGGET (seen on RediSearch 2.10.5)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from heapq import nsmallest

import numpy as np

EXACT = float(np.float32(2147483648))  # a suggestion typed in full, letter for letter
MAX_DISTANCE = 1  # edits FUZZY allows
_PER_EDIT = math.exp(-2)


def best(suggestions: Iterable[tuple[str, float]], prefix: str, fuzzy: bool, limit: int) -> list[tuple[str, float]]:
    """(suggestion, its rank as a float32 value), best first, equal ones by name; matching ignores case."""
    folded = prefix.lower()
    found = []
    for text, score in suggestions:
        edits = distance_of_prefix(folded, text.lower()) if fuzzy else (0 if text.lower().startswith(folded) else 2)
        if edits <= MAX_DISTANCE:
            found.append((text, _rank(text, score, prefix, edits)))
    return nsmallest(limit, found, key=lambda item: (-item[1], item[0]))


def _rank(text: str, score: float, prefix: str, edits: int) -> float:
    if text == prefix:
        return EXACT
    factor = _PER_EDIT**edits / math.sqrt(1 + abs(len(text) - len(prefix)))
    return float(np.float32(score) * np.float32(factor))


def distance_of_prefix(word: str, text: str) -> int:
    """The fewest edits that make `word` of some prefix of `text`; anything beyond MAX_DISTANCE is told as more."""
    if text.startswith(word):
        return 0
    rows = list(range(len(word) + 1))
    fewest = rows[-1]
    for letter in text[: len(word) + MAX_DISTANCE]:
        above = rows
        rows = [above[0] + 1]
        for position, wanted in enumerate(word, 1):
            rows.append(min(above[position] + 1, rows[-1] + 1, above[position - 1] + (letter != wanted)))
        fewest = min(fewest, rows[-1])
    return fewest
