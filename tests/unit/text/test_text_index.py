"""The shared full-text index: postings, field bits, positions, deletes, merges."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import pytest

from redisvss.index import text as module
from redisvss.index.dictionary import GAP_TOKEN
from redisvss.index.segment import places_of
from redisvss.index.text import FieldTraits, TextIndex


def index_of(*fields: FieldTraits) -> TextIndex:
    made = TextIndex()
    for number, traits in enumerate(fields):
        made.add_field(number, traits)
    return made


def shown(index: TextIndex, term: bytes) -> dict[int, tuple[int, list[int], list[int]]]:
    """doc id → (frequency, positions, fields)"""
    found = index.postings(term)
    ends = np.cumsum(found.counts)
    positions = np.split(found.positions, ends[:-1]) if len(ends) else []
    fields = [[n for n in index.traits if found.in_fields((n,))[i]] for i in range(len(found.docs))]
    rows = zip(found.docs.tolist(), found.frequencies.tolist(), positions, fields, strict=True)
    return {doc: (frequency, place.tolist(), field) for doc, frequency, place, field in rows}


def test_positions_run_on_over_fields_and_stop_words_take_none() -> None:
    index = index_of(FieldTraits(), FieldTraits())
    index.put(0, [4, 9], [[b"quick", b"the", b"fox"], [b"fox"]])
    index.put(1, [4, 9], [[b"fox", b"ran"], [b"fox"]])
    assert shown(index, b"fox") == {4: (2, [2, 3], [0, 1]), 9: (2, [1, 2], [0, 1])}
    assert shown(index, b"ran") == {4: (1, [4], [1])}
    assert shown(index, b"the") == {}


def test_items_of_a_multi_value_stand_100_apart() -> None:
    index = index_of(FieldTraits())
    index.put(0, [1], [[b"one", b"two", GAP_TOKEN, b"three"]])
    assert shown(index, b"three") == {1: (1, [102], [0])}


def test_weights_multiply_frequencies_and_lengths() -> None:
    index = index_of(FieldTraits(weight=5, stem_weight=1), FieldTraits())
    index.put(0, [1], [[b"running"]])
    index.put(1, [1], [[b"running", b"the", b"runs"]])
    assert shown(index, b"running")[1][0] == 6
    assert shown(index, b"+run") == {1: (3, [1, 2, 3], [0, 1])}
    assert index.lengths(np.array([1], np.uint32)).tolist() == [7]
    assert index.peaks(np.array([1], np.uint32)).tolist() == [6]
    assert index.total_length == 7


def test_stems_follow_length_language_and_nostem() -> None:
    index = index_of(FieldTraits(), FieldTraits(stem=False))
    index.name_language(2, "french")
    index.put(0, [1, 2], [[b"was", b"rus", b"cats"], [b"continuellement"]])
    index.put(1, [1], [[b"dogs"]])
    assert sorted(t for t in index.vocabulary.terms if t.startswith(b"+")) == []
    index.flush()
    assert sorted(t for t in index.vocabulary.terms if t.startswith(b"+")) == [b"+cat", b"+continuel"]


def test_sounds_and_synonyms_are_indexed_at_their_tokens() -> None:
    index = index_of(FieldTraits(phonetic=True))
    index.set_synonyms({"john": ("names", "people")})
    index.put(0, [1], [[b"hi", b"john"]])
    assert shown(index, b"<JN") == shown(index, b"~names") == shown(index, b"~people") == {1: (1, [2], [0])}
    assert shown(index, b"<H") == {}  # too short to be heard


def test_synonyms_hold_for_documents_put_later_only() -> None:
    index = index_of(FieldTraits())
    index.put(0, [1], [[b"boy"]])
    index.set_synonyms({"boy": ("g",)})
    index.put(0, [2], [[b"boy"]])
    assert list(shown(index, b"~g")) == [2]


def test_a_removed_id_may_be_put_again() -> None:
    index = index_of(FieldTraits())
    index.put(0, [1, 2], [[b"old"], [b"old", b"old"]])
    index.flush()
    index.remove([1])
    index.put(0, [1], [[b"new"]])
    index.remove([1])
    index.put(0, [1], [[b"newer"]])
    assert shown(index, b"old") == {2: (2, [1, 2], [0])}
    assert shown(index, b"new") == {}
    assert shown(index, b"newer") == {1: (1, [1], [0])}
    assert index.total_length == 3
    assert list(index.docs(0)) == [1, 2]


def test_more_than_eight_fields_and_fields_added_later() -> None:
    index = index_of(FieldTraits())
    index.put(0, [1], [[b"x"]])
    index.flush()
    for number in range(1, 20):
        index.add_field(number, FieldTraits())
    index.put(17, [2], [[b"x"]])
    assert shown(index, b"x") == {1: (1, [1], [0]), 2: (1, [1], [17])}


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_writes_reads_like_a_dictionary(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH_TOKENS", 64)
    rng = random.Random(seed)
    index = index_of(FieldTraits(), FieldTraits(weight=3))
    truth: dict[int, tuple[list[bytes], list[bytes]]] = {}
    for _ in range(300):
        ids = sorted(rng.sample(range(60), rng.randint(1, 5)))
        index.remove(ids)
        for doc in ids:
            truth.pop(doc, None)
        if rng.random() < 0.8:
            values = {
                doc: tuple([rng.choice([b"a1", b"b1", b"c1"]) for _ in range(rng.randint(0, 4))] for _ in "ab")
                for doc in ids
            }
            truth.update(values)  # type: ignore[arg-type]
            for number in (0, 1):
                index.put(number, ids, [values[doc][number] for doc in ids])
        if rng.random() < 0.3:
            term = rng.choice([b"a1", b"b1", b"c1"])
            assert shown(index, term) == expected(truth, term)
    ids_asked = np.arange(60, dtype=np.uint32)
    assert index.lengths(ids_asked).tolist() == [
        len(truth[d][0]) + 3 * len(truth[d][1]) if d in truth else 0 for d in range(60)
    ]


def expected(
    truth: dict[int, tuple[list[bytes], list[bytes]]], term: bytes
) -> dict[int, tuple[int, list[int], list[int]]]:
    found = defaultdict(lambda: (0, [], []))  # type: ignore[var-annotated]
    for doc, (first, second) in sorted(truth.items()):
        for position, token in enumerate(first + second, 1):
            if token == term:
                number = int(position > len(first))
                frequency, positions, fields = found[doc]
                found[doc] = (frequency + (3 if number else 1), [*positions, position], sorted({*fields, number}))
    return dict(found)


def test_places_by_table_and_by_bisection_agree() -> None:
    rng = np.random.default_rng(5)
    for spread in (200, 10_000_000):
        docs = np.unique(rng.integers(0, spread, 100).astype(np.uint32))
        ids = np.unique(np.concatenate([docs[::3], rng.integers(0, spread, 50).astype(np.uint32)]))
        want = [docs.tolist().index(i) if i in docs else -1 for i in ids.tolist()]
        assert places_of(docs, ids).tolist() == want


@pytest.mark.parametrize("holders", [0, 3, 900])
@pytest.mark.parametrize("asked", [0, 1, 40, 2000])
def test_frequencies_of_any_documents(holders: int, asked: int) -> None:
    random = np.random.default_rng(3)
    docs, ids = (np.sort(random.choice(3000, count, replace=False)).astype(np.uint32) for count in (holders, asked))
    index = index_of(FieldTraits())
    index.put(0, docs.tolist(), [[b"word"] * (1 + doc % 3) for doc in docs.tolist()])
    expected = [float(1 + doc % 3) if doc in docs else 0.0 for doc in ids.tolist()]
    assert index.postings(b"word").frequencies_at(ids).tolist() == expected


def test_postings_of_several_terms_are_each_one_s_own() -> None:
    index = index_of(FieldTraits(weight=2), FieldTraits())
    for first in range(0, 40, 10):  # four segments, some with the dead
        docs = list(range(first, first + 10))
        index.put(0, docs, [[b"even", b"all"] if doc % 2 == 0 else [b"all"] for doc in docs])
        index.put(1, docs, [[b"all", b"third"] if doc % 3 == 0 else [b"odd"] * (doc % 2) for doc in docs])
        index.flush()
    index.remove([4, 5, 36])
    terms = [b"third", b"nowhere", b"even", b"all", b""]
    together, which = index.postings_of(terms)
    for number, term in enumerate(terms):
        alone, part = index.postings(term), together.only(which == number)
        for name in ("docs", "frequencies", "counts", "positions"):
            assert getattr(part, name).tolist() == getattr(alone, name).tolist()
        assert part.masks.tolist() == alone.masks.tolist()
    assert which[together.docs == 6].tolist() == [0, 2, 3]


def test_an_empty_index_has_no_postings_of_anything() -> None:
    together, which = index_of(FieldTraits()).postings_of([b"a", b"b"])
    assert len(together.docs) == len(which) == 0


def test_common_words_postings_are_kept_until_a_document_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_FROM", 2)
    monkeypatch.setattr(module, "_KEPT_DOCS", 5)
    index = index_of(FieldTraits())
    index.put(0, [1, 2], [[b"x", b"y"], [b"x", b"y"]])
    kept = index.postings(b"x")
    assert index.postings(b"x") is kept
    index.put(0, [3], [[b"x", b"y", b"y"]])
    assert index.postings(b"x").docs.tolist() == [1, 2, 3]
    assert index.postings(b"y").counts.tolist() == [1, 1, 2]  # six documents: no room for both
    assert index.postings(b"y") is index.postings(b"y")
    index.remove([2])
    assert index.postings(b"x").docs.tolist() == [1, 3]
    assert index.postings(b"y").counts.tolist() == [1, 2]
