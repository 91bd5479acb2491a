"""The engine against the queries' own idea of themselves: which documents match, and which are nearest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from queries import (
    SCHEMA,
    Between,
    Doc,
    Everything,
    Except,
    Query,
    Tagged,
    Vector,
    blob,
    docs,
    parameters,
    queries,
    squared_distance,
    vectors,
)

import redisvss

BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,  # the same examples in every run
    suppress_health_check=list(HealthCheck),
)
AT_LENGTH = settings(BOUNDED, max_examples=1500, derandomize=False)
LONE = Doc(("alpha",), None, ("red",), 1.0, (0.0, 0.0), (0, 0, 0))


@pytest.fixture(scope="module")
def client() -> redisvss.Redis:
    return redisvss.Redis(protocol=2)


def store(client: redisvss.Redis, documents: Sequence[Doc]) -> None:
    client.flushall()
    client.execute_command(f"FT.CREATE idx PREFIX 1 d: SCHEMA {SCHEMA}")
    pipe = client.pipeline(transaction=False)
    for number, doc in enumerate(documents):
        pipe.hset(f"d:{number}", mapping=doc.hash())  # type: ignore[arg-type]
    pipe.execute()


def search(client: redisvss.Redis, text: str, params: dict[str, bytes], *options: object) -> list[bytes]:
    flat = [part for item in params.items() for part in item]
    named = ["PARAMS", len(flat), *flat] if flat else []
    reply = client.execute_command("FT.SEARCH", "idx", text, *named, "LIMIT", 0, 1000, *options, "DIALECT", 2)
    assert isinstance(reply, list)
    return reply


ASKED = given(st.lists(docs, max_size=8), st.lists(queries, min_size=1, max_size=4))


@BOUNDED
@ASKED
@example([LONE], [Except(Tagged(("red",))), Between(1.0, 1.0, False, True)])
def test_a_query_finds_the_documents_it_describes(
    client: redisvss.Redis, documents: list[Doc], asked: list[Query]
) -> None:
    check_matches(client, documents, asked)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@AT_LENGTH
@ASKED
def test_many_queries_find_the_documents_they_describe(
    client: redisvss.Redis, documents: list[Doc], asked: list[Query]
) -> None:
    check_matches(client, documents, asked)


def check_matches(client: redisvss.Redis, documents: list[Doc], asked: list[Query]) -> None:
    store(client, documents)
    for query in asked:
        total, *found = search(client, str(query), parameters(query), "NOCONTENT")
        expected = [b"d:%d" % number for number, doc in enumerate(documents) if query.matches(doc)]
        assert sorted(found) == sorted(expected), str(query)
        assert total == len(expected)


NEIGHBOURS = given(
    st.lists(docs, max_size=12),
    st.none() | queries,
    vectors,
    st.integers(1, 12),
    st.sampled_from(["f", "h"]),
    st.sampled_from(["", " HYBRID_POLICY ADHOC_BF", " HYBRID_POLICY BATCHES BATCH_SIZE 2"]),
)


@BOUNDED
@NEIGHBOURS
@example([LONE] * 3, Tagged(("green",)), (1, 1, 1), 2, "h", "")
def test_knn_returns_the_nearest_that_pass_the_filter(
    client: redisvss.Redis, documents: list[Doc], query: Query | None, center: Vector, k: int, field: str, policy: str
) -> None:
    check_neighbours(client, documents, query, center, k, field, policy)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@AT_LENGTH
@NEIGHBOURS
def test_knn_returns_the_nearest_that_pass_many_filters(
    client: redisvss.Redis, documents: list[Doc], query: Query | None, center: Vector, k: int, field: str, policy: str
) -> None:
    check_neighbours(client, documents, query, center, k, field, policy)


def check_neighbours(
    client: redisvss.Redis, documents: list[Doc], query: Query | None, center: Vector, k: int, field: str, policy: str
) -> None:
    store(client, documents)
    passing = query or Everything()
    filter_text = "*" if query is None else f"({query})"
    text = f"{filter_text}=>[KNN {k} @{field} $center{policy if query is not None else ''} AS distance]"
    params = {**parameters(passing), "center": blob(center)}
    total, *rows = search(client, text, params, "SORTBY", "distance", "RETURN", 1, "distance")
    found = [(key, int(row[1])) for key, row in zip(rows[::2], rows[1::2], strict=True)]

    near = {
        b"d:%d" % number: squared_distance(doc.v, center)
        for number, doc in enumerate(documents)
        if doc.v is not None and passing.matches(doc)
    }
    assert total == len(found) == min(k, len(near)), text
    assert all(near.get(key) == distance for key, distance in found), text
    assert [distance for _, distance in found] == sorted(near.values())[:k], text  # ties: any of them
