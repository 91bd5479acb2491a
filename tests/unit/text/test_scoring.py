"""Scores and their explanations. Numbers were asked of RediSearch 2.10.5; wordings are 2.10.33's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from corpus import Corpus

from redisvss.index.bitmaps import ids_of
from redisvss.query import score as module
from redisvss.schema import FieldSpec

TEXT = FieldSpec(b"t", b"t", "TEXT")

SCORES = [
    ("aa", "TFIDF", {"d1": 1.0, "d2": 1.0}),
    ("aa bb", "TFIDF", {"d1": 1.0, "d2": 1.5}),
    ("aa cc", "TFIDF", {"d1": 2.0, "d2": 1.5}),
    ("aa bb cc", "TFIDF", {"d1": 1.5, "d2": 1.0}),
    ("bb aa cc", "TFIDF", {"d1": 1.5, "d2": 2.0}),
    ("aa cc dd", "TFIDF", {"d2": 1.25}),
    ("(aa|bb) cc", "TFIDF", {"d1": 3.0, "d2": 2.0}),
    ("@g:{x} @n:[1 1]", "TFIDF", {"d1": 2.0, "d2": 1.0}),
    ("aa @g:{x} @n:[1 1]", "TFIDF", {"d1": 1.5, "d2": 1.0}),
    ("aa=>{$weight:3}", "TFIDF", {"d1": 3.0, "d2": 3.0}),
    ("aa", "BM25", {"d1": 0.29411763880904596, "d2": 0.4545454446934474}),
    ("aa bb", "BM25", {"d1": 0.29411763880904596, "d2": 0.7486630835024933}),
    ("running", "BM25", {"d3": 1.1764705552361838}),
    ("*", "BM25", dict.fromkeys(("d1", "d2", "d3"), 0.29411763880904596)),
    ("aa", "BM25STD", {"d1": 0.47000364414689666, "d2": 0.5744489007074745}),
    ("aa bb", "BM25STD", {"d1": 0.9400072882937933, "d2": 0.9721442908035902}),
    ("running", "BM25STD", {"d3": 2.397582482396232}),
    ("@g:{x} aa", "BM25STD", {"d1": 0.6035350814749019, "d2": 0.6874370396710491}),
    ("*", "BM25STD", {"d1": 1.0, "d2": 0.8461538438025781, "d3": 1.2222222271279544}),
    ("@n:[0 2]", "BM25STD", {"d1": 0.0, "d2": 0.0}),
    ("aa bb", "DISMAX", {"d1": 2.0, "d2": 3.0}),
    ("running", "DISMAX", {"d3": 1.0}),
    ("aa", "DOCSCORE", {"d1": 1.0, "d2": 1.0}),
    ("-aa", "TFIDF", {"d3": 0.0}),
    ("~aa", "TFIDF", {"d1": 1.0, "d2": 1.0, "d3": 0.0}),
]


@pytest.mark.parametrize(("query", "scorer", "expected"), SCORES)
def test_scores(three: Corpus, query: str, scorer: str, expected: dict[str, float]) -> None:
    assert three.scores(query, scorer) == pytest.approx(expected, rel=1e-7)


def test_a_prefix_scores_its_first_term_only(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT], [{"t": "run runs runs"}, {"t": "runs"}, {"t": "x"}])
    assert made.scores("run*") == pytest.approx({"d1": 1.0, "d2": 1.0})
    assert made.scores("runs*") == pytest.approx({"d1": 1.0, "d2": 1.0})


def test_documents_without_text_score_nothing(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT, FieldSpec(b"g", b"g", "TAG")], [{"g": "x"}, {"g": "x", "t": "hi"}])
    for scorer in ("TFIDF", "TFIDF.DOCNORM"):
        scores = made.scores("@g:{x}", scorer)
        assert scores["d1"] == 0
        assert math.isfinite(scores["d2"]) and scores["d2"] > 0
    assert made.explained("@g:{x}", "d1") == "Document max frequency is 0"
    assert made.explained("@g:{x}", "d1", "TFIDF.DOCNORM") == "Document length is 0"


def test_the_documents_score_multiplies(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT], [{"t": "hi", "s": "0.5"}, {"t": "hi"}, {"t": "hi", "s": "0"}], score_field=b"s")
    for scorer in ("TFIDF", "BM25", "BM25STD"):
        scores = made.scores("hi", scorer)
        assert scores["d1"] == pytest.approx(scores["d2"] / 2)
        assert scores["d3"] == 0
    assert made.scores("hi", "DISMAX")["d1"] == 1
    assert made.explained("hi", "d3") == "Document score is 0"


def test_normalised_bm25(three: Corpus) -> None:
    plain = three.scores("aa|running", "BM25STD")
    best = max(plain.values())
    assert three.scores("aa|running", "BM25STD.NORM") == pytest.approx({k: v / best for k, v in plain.items()})
    stretched = {k: math.tanh(v / 4) for k, v in plain.items()}
    assert three.scores("aa|running", "BM25STD.TANH") == pytest.approx(stretched)
    assert three.scores("aa|running", "BM25STD.TANH", tanh_factor=2) == pytest.approx(
        {k: math.tanh(v / 2) for k, v in plain.items()}
    )


def test_hamming_compares_payloads(corpus: Callable[..., Corpus]) -> None:
    made = corpus(
        [TEXT], [{"t": "x", "p": "ab"}, {"t": "x", "p": "ac"}, {"t": "x", "p": "abc"}, {"t": "x"}], payload_field=b"p"
    )
    scores = made.scores("x", "HAMMING", payload=b"ab")
    assert scores == {"d1": 1.0, "d2": 0.5, "d3": 0.0, "d4": 0.0}
    lines = [made.explained("x", key, "HAMMING", payload=b"ab") for key in ("d2", "d3")]
    assert lines == [
        "String length is 2. Bit count is 1. Result is (1 / count + 1) = 0.50",
        "Payloads provided to scorer vary in length",
    ]


def test_a_knn_scores_its_filter_and_not_its_distances(three: Corpus) -> None:
    assert three.scores("aa bb", knn=True) == pytest.approx({"d1": 2.0, "d2": 1.5})
    assert set(three.scores("*", knn=True).values()) == {0.0}


EXPLANATIONS = [
    (
        "aa bb", "d1", "TFIDF",
        ["Final TFIDF : words TFIDF 2.00 * document score 1.00 / norm 1 / slop 2",
         [["(Weight 1.00 * total children TFIDF 2.00)",
           ["(TFIDF 1.00 = Weight 1.00 * TF 1 * IDF 1.00)", "(TFIDF 1.00 = Weight 1.00 * TF 1 * IDF 1.00)"]]]],
    ),
    (
        "-aa", "d3", "TFIDF",
        ["Final TFIDF : words TFIDF 0.00 * document score 1.00 / norm 1 / slop 1",
         ["(TFIDF 0.00 = Weight 1.00 * Frequency 0)"]],
    ),
    (
        "~aa", "d3", "TFIDF",
        ["Final TFIDF : words TFIDF 0.00 * document score 1.00 / norm 1 / slop 1",
         ["(TFIDF 0.00 = Weight 0.00 * Frequency 1)"]],
    ),
    (
        "@n:[0 2]", "d1", "TFIDF",
        ["Final TFIDF : words TFIDF 1.00 * document score 1.00 / norm 1 / slop 1",
         ["(TFIDF 1.00 = Weight 1.00 * Frequency 1)"]],
    ),
    (
        "runn*", "d3", "TFIDF",
        ["Final TFIDF : words TFIDF 2.00 * document score 1.00 / norm 1 / slop 1",
         [["(Weight 1.00 * total children TFIDF 2.00)", ["(TFIDF 2.00 = Weight 1.00 * TF 1 * IDF 2.00)"]]]],
    ),
    (
        "aa", "d2", "BM25",
        ["Final BM25 : words BM25 0.45 * document score 1.00 / slop 1",
         ["(0.45 = Weight 1.00 * IDF 1.00 * F 2 / (F 2 + k1 1.2 * (1 - b 0.5 + b 0.5 * Average Len 3.00)))"]],
    ),
    (
        "*", "d1", "BM25",
        ["Final BM25 : words BM25 0.29 * document score 1.00 / slop 1",
         ["(0.29 = Weight 1.00 * F 1 / (F 1 + k1 1.2 * (1 - b 0.5 + b 0.5 * Average Len 3.00)))"]],
    ),
    ("-aa", "d3", "BM25", ["Final BM25 : words BM25 0.00 * document score 1.00 / slop 1", ["Frequency 0 -> value 0"]]),
    (
        "aa", "d1", "BM25STD",
        ["Final BM25 : words BM25 0.47 * document score 1.00",
         ["aa: (0.47 = Weight 1.00 * IDF 0.47 * (F 1.00 * (k1 1.2 + 1)) / (F 1.00 + k1 1.2 * (1 - b 0.5 + b 0.5 *"
          " Doc Len 3 / Average Doc Len 3.00)))"]],
    ),
    (
        "@n:[0 2]", "d1", "BM25STD",
        ["Final BM25 : words BM25 0.00 * document score 1.00", ["Irrelevant token -> score is 0"]],
    ),
    (
        "*", "d1", "BM25STD.TANH",
        ["Final Normalized BM25 : tanh(stretch factor 1/4 * Final BM25 1.00)",
         [["Final BM25 : words BM25 1.00 * document score 1.00",
           ["*: (1.00 = Weight 1.00 * IDF 1.00 * (F 1.00 * (k1 1.2 + 1)) / (F 1.00 + k1 1.2 * (1 - b 0.5 + b 0.5 *"
            " Doc Len 3 / Average Doc Len 3.00)))"]]]],
    ),
    ("aa", "d2", "DISMAX", "DISMAX 2.00 = Weight 1.00 * Frequency 2"),
    (
        "aa bb", "d2", "DISMAX",
        ["3.00 = Weight 1.00 * children DISMAX 3.00",
         ["DISMAX 2.00 = Weight 1.00 * Frequency 2", "DISMAX 1.00 = Weight 1.00 * Frequency 1"]],
    ),
    ("aa", "d1", "DOCSCORE", "Document's score is 1.00"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "key", "scorer", "expected"), EXPLANATIONS)
def test_explanations(three: Corpus, query: str, key: str, scorer: str, expected: object) -> None:
    assert three.explained(query, key, scorer) == expected


def test_the_normalised_explanation_names_the_best(three: Corpus) -> None:
    line, _ = three.explained("aa", "d1", "BM25STD.NORM")
    assert line == "Final BM25STD.NORM: 0.82 = Original Score: 0.47 / Max Score: 0.57"


QUERIES = ("a b", "a|b|c", "a b|(c d)", "~a b", "a -b", '"a b"|c', "a* b", "(a b)=>{$weight: 3}|c", "*", "zzz")


@pytest.mark.parametrize("scorer", ["TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX"])
@pytest.mark.parametrize("document_score", [1.0, 0.5, -1.0])
def test_the_best_are_the_first_of_all_in_order(
    scorer: str, document_score: float, corpus: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is measured first: here four documents at a time."""
    monkeypatch.setattr(module, "_MEASURED", 4)
    random = np.random.default_rng(7)
    documents = [{"t": " ".join(random.choice(list("abcdefxy"), random.integers(1, 9)))} for _ in range(300)]
    made = corpus((FieldSpec(b"t", b"t", "TEXT"),), documents, score=document_score, stopwords=())
    for query in QUERIES:
        root, context = made.bound(query), made.context()
        ids = ids_of(root.docs)
        ties = random.permutation(len(ids))
        scores = module.SCORERS[scorer](root, ids, context)
        order = np.lexsort((ties, -scores))
        for need in (0, 1, 10, 1000):
            found, worth = module.SCORERS[scorer].best(root, ids, context, ties, need)
            assert found.tolist() == order[:need].tolist(), query
            assert worth.tolist() == scores[order[:need]].tolist()
