"""What a prefix, a pattern or a misspelling stands for."""

from __future__ import annotations

import random

import pytest

from redisvss.index.dictionary import SortedTerms, Vocabulary

TERMS = ["banana", "band", "bandana", "an", "naan", "über", "übung", "a.b", "x", "cab"]


def sorted_terms(words: list[str]) -> SortedTerms:
    vocabulary = Vocabulary([b"the"])
    for word in words:
        vocabulary[word.encode()]
    return SortedTerms(vocabulary)


def test_affixes_come_in_byte_order_and_once() -> None:
    terms = sorted_terms(TERMS)
    assert list(terms.starting("ban")) == ["banana", "band", "bandana"]
    assert list(terms.starting("üb")) == ["über", "übung"]
    assert list(terms.ending("ana")) == ["banana", "bandana"]
    assert list(terms.ending("an")) == ["an", "naan"]
    assert list(terms.containing("an")) == ["an", "banana", "band", "bandana", "naan"]
    assert list(terms.containing("zz")) == []


def test_terms_added_later_are_found() -> None:
    vocabulary = Vocabulary([])
    terms = SortedTerms(vocabulary)
    assert list(terms.starting("ab")) == []
    vocabulary[b"abc"], vocabulary[b""]
    assert list(terms.starting("ab")) == ["abc"]
    vocabulary[b"abb"]
    assert list(terms.starting("ab")) == ["abb", "abc"]
    assert terms.within("abx", 1) == ["abb", "abc"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ban*a", ["banana", "bandana"]),
        ("?an*", ["banana", "band", "bandana"]),
        ("*an", ["an", "naan"]),
        ("??", ["an"]),
        ("a\\.b", ["a.b"]),
        ("?ber", ["über"]),
    ],
)
def test_patterns_match_whole_terms(pattern: str, found: list[str]) -> None:
    assert list(sorted_terms(TERMS).matching(pattern)) == found


def edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, before = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


def is_near(word: str, term: str, distance: int) -> bool:
    """By edits, and by the rule for a term's last letter."""
    begun = min(edits(word[:end], term) for end in range(len(word) + 1))
    return edits(word, term) <= distance or (edits(word, term[:-1]) <= distance and begun <= distance)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_misspellings_are_counted_in_edits(distance: int) -> None:
    rng = random.Random(distance)
    words = sorted({"".join(rng.choices("abü", k=rng.randint(1, 7))) for _ in range(200)})
    terms = sorted_terms(words)
    for word in ["", "ab", "aüba", *rng.sample(words, 10)]:
        assert terms.within(word, distance) == [w for w in words if is_near(word, w, distance)]
