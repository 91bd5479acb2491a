"""FT.HYBRID against fusion worked out by hand from the two single searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import redis

import redisvss

TEXTS = ["red shoes", "blue shoes", "red running shoes red", "green hat", "red hat", "shoes shoes hat", "blue"]
QUERY = np.array([3, 0], np.float32).tobytes()


@pytest.fixture(scope="module")
def client() -> redis.Redis:
    client = redisvss.Redis(protocol=3, legacy_responses=False)
    vector = ("v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2")
    client.execute_command("FT.CREATE", "i", "SCHEMA", "t", "TEXT", "g", "TAG", "n", "NUMERIC", *vector)
    for number, text in enumerate(TEXTS):
        blob = np.array([number, 1], np.float32).tobytes()
        client.hset(f"d:{number}", mapping={"t": text, "g": "ab"[number % 2], "n": number, "v": blob})
    return client


def hybrid(client: redis.Redis, *words: Any) -> Any:
    return client.execute_command("FT.HYBRID", "i", *words, "PARAMS", 2, "q", QUERY)


def ranked(reply: Any) -> list[tuple[str, float]]:
    return [(row[b"__key"].decode(), float(row[b"__score"])) for row in reply[b"results"]]


def text_ranking(client: redis.Redis, query: str) -> list[tuple[str, float]]:
    reply = client.execute_command(
        "FT.SEARCH", "i", query, "WITHSCORES", "NOCONTENT", "SCORER", "BM25STD", "DIALECT", 2
    )
    return [(hit[b"id"].decode(), hit[b"score"]) for hit in reply[b"results"]]


def vector_ranking(numbers: list[int]) -> list[tuple[str, float]]:
    """By squared distance to (3, 0), equal ones by document."""
    distances = sorted(((number - 3) ** 2 + 1, number) for number in numbers)
    return [(f"d:{number}", 1 / (1 + distance)) for distance, number in distances]


def fused(rankings: list[list[tuple[str, float]]], constant: float = 60) -> dict[str, float]:
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (key, _) in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0) + 1 / (constant + rank)
    return scores


def test_reciprocal_ranks_are_summed(client: redis.Redis) -> None:
    wanted = fused([text_ranking(client, "red"), vector_ranking(list(range(len(TEXTS))))])
    reply = hybrid(client, "SEARCH", "red", "VSIM", "@v", "$q")
    found = dict(ranked(reply))
    assert found == pytest.approx(wanted)
    assert list(found) == sorted(found, key=lambda key: -found[key])
    assert reply[b"total_results"] == len(wanted)


def test_a_filter_narrows_the_vectors_only(client: redis.Redis) -> None:
    wanted = fused([text_ranking(client, "red"), vector_ranking([1, 3, 5])])
    found = dict(ranked(hybrid(client, "SEARCH", "red", "VSIM", "@v", "$q", "FILTER", "@g:{b}")))
    assert found == pytest.approx(wanted)


def test_scores_combine_linearly(client: redis.Redis) -> None:
    text, vector = text_ranking(client, "hat"), vector_ranking([2, 3])
    wanted = {key: 0.5 * score for key, score in text}
    for key, score in vector:
        wanted[key] = wanted.get(key, 0) + 0.25 * score
    words = ("KNN", 2, "K", 2, "COMBINE", "LINEAR", 4, "ALPHA", "0.5", "BETA", "0.25")
    assert dict(ranked(hybrid(client, "SEARCH", "hat", "VSIM", "@v", "$q", *words))) == pytest.approx(wanted)


def test_a_range_takes_part_by_distance(client: redis.Redis) -> None:
    words = ("RANGE", 2, "RADIUS", "2.5", "COMBINE", "RRF", 2, "CONSTANT", 1)
    wanted = fused([text_ranking(client, "green"), vector_ranking([2, 3, 4])], constant=1)
    assert dict(ranked(hybrid(client, "SEARCH", "green", "VSIM", "@v", "$q", *words))) == pytest.approx(wanted)


def test_the_window_bounds_both_rankings(client: redis.Redis) -> None:
    words = ("COMBINE", "RRF", 2, "WINDOW", 2)
    reply = hybrid(client, "SEARCH", "*", "VSIM", "@v", "$q", *words)
    assert reply[b"total_results"] <= 4


def test_steps_follow_as_in_an_aggregation(client: redis.Redis) -> None:
    words = ("LOAD", 2, "@n", "@__score", "APPLY", "@n * 2", "AS", "m", "FILTER", "@m > 6", "SORTBY", 2, "@m", "DESC")
    rows = hybrid(client, "SEARCH", "*", "VSIM", "@v", "$q", *words)[b"results"]
    assert [row[b"m"] for row in rows] == [b"12", b"10", b"8"]


def test_expanded_rows_keep_the_types_of_json() -> None:
    client = redisvss.Redis(protocol=3, legacy_responses=False)
    vector = ("VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2")
    client.execute_command(
        "FT.CREATE", "i", "ON", "JSON", "SCHEMA", "$.t", "AS", "t", "TEXT", "$.tags", "AS", "tags", "TAG",
        "$.v", "AS", "v", *vector,
    )  # fmt: skip
    client.execute_command("JSON.SET", "d:1", "$", '{"t": "red", "tags": ["a", "b"], "n": 1.5, "v": [3, 0]}')
    words = ("SEARCH", "red", "VSIM", "@v", "$q", "LOAD", 3, "@tags", "$.n", "@__score")
    row = hybrid(client, *words)[b"results"][0]
    assert row == {b"tags": b'["a","b"]', b"$.n": b"1.5", b"__score": b"0.0327868852459"}
    row = hybrid(client, *words, "FORMAT", "EXPAND")[b"results"][0]
    assert row == {b"tags": [[b"a", b"b"]], b"$.n": [1.5], b"__score": pytest.approx(2 / 61)}


def test_expanded_rows_are_refused_where_there_are_none(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="EXPAND format is only supported with JSON"):
        hybrid(client, "SEARCH", "red", "VSIM", "@v", "$q", "FORMAT", "EXPAND")


def test_each_part_can_yield_its_score(client: redis.Redis) -> None:
    words = ("YIELD_SCORE_AS", "near", "COMBINE", "RRF", 2, "CONSTANT", 60, "YIELD_SCORE_AS", "both", "LOAD", 1, "@t")
    row = hybrid(client, "SEARCH", "green", "YIELD_SCORE_AS", "text", "VSIM", "@v", "$q", *words)[b"results"][0]
    assert row[b"t"] == b"green hat"
    assert float(row[b"near"]) == pytest.approx(0.5)
    assert float(row[b"both"]) == pytest.approx(2 / 61)
    assert float(row[b"text"]) > 0


def test_the_fused_score_may_be_named_among_the_methods_arguments(client: redis.Redis) -> None:
    for words in (("RRF", 4, "CONSTANT", 60), ("LINEAR", 6, "ALPHA", "0.5", "BETA", "0.5")):
        combined = ("COMBINE", *words, "YIELD_SCORE_AS", "both", "LOAD", 1, "@t")
        row = hybrid(client, "SEARCH", "green", "VSIM", "@v", "$q", *combined)[b"results"][0]
        assert float(row[b"both"]) > 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("3", "SEARCH", "*"), "FT.HYBRID currently supports only two subqueries"),
        (("x", "SEARCH", "*"), "Invalid subqueries count: expected an unsigned integer"),
        (("2", "FOO", "*"), "SEARCH keyword is required"),
        (("SEARCH", "*", "FOO"), "Unknown argument `FOO` in SEARCH"),
        (("SEARCH", "*", "VSIM", "v", "$q"), "Missing @ prefix for vector field name"),
        (("SEARCH", "*", "VSIM", "@v", "q"), "Invalid vector argument, expected a parameter name starting with \\$"),
        (("SEARCH", "*", "VSIM", "@nope", "$q"), "Unknown field `nope`"),
        (("SEARCH", "*", "VSIM", "@t", "$q"), "Expected a VECTOR field `t`"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 3, "K", 1), "Invalid argument count: 3"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 2, "K", 0), "Invalid K value"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 2, "EF_RUNTIME", 5), "Missing required argument K"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "RANGE", 2, "RADIUS", -1), "Invalid RADIUS value"),
        (("SEARCH", "*", "LIMIT", 0, 1, "VSIM"), "Unknown argument `LIMIT` in SEARCH"),
        (("SEARCH", "*", "SCORER", "NOPE", "VSIM", "@v", "$q"), "No such scorer NOPE"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", "x"), "Invalid argument count: expected an unsigned integer"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 90, "K", 1), "Expected arguments 90, but 6 were provided"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 4, "K", 3, "K", 4), "Duplicate K argument"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 4, "K", 3, "EF_RUNTIME", 0), "Invalid EF_RUNTIME value"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN", 4, "K", 3, "FOO", 1), "Unknown argument `FOO` in KNN"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "RANGE", 2, "EPSILON", 0.1), "Missing required argument RADIUS"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "RANGE", 4, "RADIUS", 1, "EPSILON", 0), "Invalid EPSILON value"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "FILTER", 3, "@g:{a}", "POLICY", "ADHOC_BF"), "POLICY: Invalid value"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "FILTER", 90, "@g:{a}"), "Not enough arguments in FILTER, specified 90"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "COMBINE", "RRF", 3, "WINDOW", 1), "RRF expects pairs of key value"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "COMBINE", "LINEAR", 2, "ALPHA", 1), "Missing value for BETA"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "COMBINE", "LINEAR", 2, "BETA", 1), "Missing value for ALPHA"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "LOAD", 3, "n", "AS", "x"), "Missing prefix: .* got: n in LOAD"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "SORTBY", 2, "n", "ASC"), "Missing prefix: .* got: n in SORTBY"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "GROUPBY", 1, "@g", "REDUCE", "SUM", 1, "n"), "got: n in SUM"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "EXPLAINSCORE"), "EXPLAINSCORE is not yet supported by FT.HYBRID"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "COMBINE", "FOO"), "Unknown COMBINE method `FOO`"),
        (("SEARCH", "*=>[KNN 3 @v $q]", "VSIM", "@v", "$q"), "not allowed in FT.HYBRID SEARCH"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "FILTER", "@g:{a}=>{$weight:2}"), "Weight attributes are not allowed"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "DIALECT", 2), "DIALECT is not supported in FT.HYBRID"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "NOSORT", "SORTBY", 1, "@n"), "NOSORT is not allowed with SORTBY"),
    ],
)
def test_what_is_refused(client: redis.Redis, words: tuple[Any, ...], error: str) -> None:
    with pytest.raises(redis.ResponseError, match=error):
        hybrid(client, *words)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("2", "VSIM"), "SEARCH keyword is required"),
        (("2", "SEARCH"), "No query string provided for SEARCH"),
        (("SEARCH", "*"), "VSIM argument is required"),
        (("SEARCH", "*", "VSIM"), "Missing vector field name"),
        (("SEARCH", "*", "VSIM", "@v"), "Missing vector argument"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "KNN"), "Missing argument count"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "FILTER"), "Missing argument count for FILTER"),
        (("SEARCH", "*", "VSIM", "@v", "$q", "COMBINE", "RRF"), "Missing RRF argument count"),
    ],
)
def test_commands_that_end_too_early(client: redis.Redis, words: tuple[str, ...], error: str) -> None:
    with pytest.raises(redis.ResponseError, match=f"^{error}$"):
        client.execute_command("FT.HYBRID", "i", *words)


def test_names_of_properties_may_have_aliases_and_directions(client: redis.Redis) -> None:
    words = ("LOAD", 3, "@n", "AS", "number", "SORTBY", 2, "@number", "DESC", "LIMIT", 0, 1)
    assert hybrid(client, "SEARCH", "*", "VSIM", "@v", "$q", *words)[b"results"] == [{b"number": b"6"}]
