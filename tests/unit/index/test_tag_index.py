"""Tag values against a plain dictionary."""

from __future__ import annotations

import random

import pytest

from redisvss.index.tags import TagIndex


@pytest.fixture
def tags() -> TagIndex:
    made = TagIndex()
    for doc_id, values in enumerate([("red", "green"), ("red",), ("reddish", "blue"), ("",)]):
        made.put(doc_id, values)
    return made


def test_a_value_has_its_documents_and_a_document_its_values(tags: TagIndex) -> None:
    assert list(tags.docs("red")) == [0, 1]
    assert list(tags.docs("nosuch")) == []
    assert tags.values_of(2) == ("reddish", "blue")
    assert list(tags.tagged()) == [0, 1, 2, 3]


def test_values_are_sorted_and_leave_with_their_last_document(tags: TagIndex) -> None:
    assert tags.values() == ["", "blue", "green", "red", "reddish"]
    tags.remove(0)
    assert tags.values() == ["", "blue", "red", "reddish"]
    tags.remove(1)
    tags.remove(99)
    assert (tags.values(), len(tags)) == (["", "blue", "reddish"], 3)


@pytest.mark.parametrize(
    ("prefix", "suffix", "text", "found"),
    [
        (True, False, "red", ["red", "reddish"]),
        (False, True, "e", ["blue"]),
        (True, True, "re", ["green", "red", "reddish"]),
        (True, False, "z", []),
    ],
)
def test_affixes(tags: TagIndex, prefix: bool, suffix: bool, text: str, found: list[str]) -> None:
    assert tags.affix(text, prefix, suffix, 10) == found
    assert tags.affix(text, prefix, suffix, 1) == found[:1]


def test_random_changes_agree_with_a_dictionary() -> None:
    chance = random.Random(3)
    tags, kept = TagIndex(), dict[int, tuple[str, ...]]()
    for _ in range(2000):
        doc_id = chance.randrange(40)
        tags.remove(doc_id)
        kept.pop(doc_id, None)
        if chance.random() < 0.7:
            kept[doc_id] = tuple(chance.sample("abcdefgh", chance.randrange(1, 4)))
            tags.put(doc_id, kept[doc_id])
    everything = sorted({value for values in kept.values() for value in values})
    assert tags.values() == everything
    for value in "abcdefgh":
        assert list(tags.docs(value)) == sorted(doc_id for doc_id, values in kept.items() if value in values)
