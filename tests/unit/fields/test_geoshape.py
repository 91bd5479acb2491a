"""GEOSHAPE: which shapes lie how to which, and what is no shape. Answers recorded from RediSearch 2.10.5."""

from __future__ import annotations

import pytest
import redis

import redisvss

SHAPES = {
    "d:1": "POLYGON((0 0, 0 10, 10 10, 10 0, 0 0))",
    "d:2": "POINT(5 5)",
    "d:3": "POLYGON((5 5, 5 15, 15 15, 15 5))",  # not closed
}
AROUND, INSIDE = "POLYGON((0 0,0 20,20 20,20 0,0 0))", "POLYGON((1 1,1 7,7 7,7 1,1 1))"


@pytest.fixture(scope="module")
def client() -> redis.Redis:
    client = redisvss.Redis(protocol=2, decode_responses=True)
    client.execute_command("FT.CREATE", "i", "SCHEMA", "g", "GEOSHAPE", "FLAT", "t", "TAG")
    for key, shape in SHAPES.items():
        client.hset(key, "g", shape)
    client.hset("d:4", mapping={"g": "LINESTRING(0 0, 1 1)", "t": "x"})
    return client


def search(client: redis.Redis, query: str, shape: str = "POINT(0 0)") -> list[str]:
    found = client.execute_command("FT.SEARCH", "i", query, "NOCONTENT", "PARAMS", 2, "s", shape, "DIALECT", 3)
    return list(found[1:])


@pytest.mark.parametrize(
    ("predicate", "shape", "expected"),
    [
        ("WITHIN", AROUND, ["d:1", "d:2", "d:3"]),
        ("WITHIN", INSIDE, ["d:2"]),
        ("CONTAINS", "POINT(6 6)", ["d:1", "d:3"]),
        ("CONTAINS", INSIDE, ["d:1"]),
        ("CONTAINS", "POINT(5 5)", ["d:1"]),
        ("WITHIN", "POINT(5 5)", []),
        ("INTERSECTS", INSIDE, ["d:1", "d:2", "d:3"]),
        ("DISJOINT", "POINT(6 6)", ["d:2"]),
    ],
)
def test_how_shapes_lie(client: redis.Redis, predicate: str, shape: str, expected: list[str]) -> None:
    assert search(client, f"@g:[{predicate} $s]", shape) == expected


def test_a_document_with_a_bad_shape_stays_for_its_other_fields_and_is_listed(client: redis.Redis) -> None:
    assert search(client, "@t:{x}") == ["d:4"]
    listed = client.execute_command("REDISVSS.FAILURES", "i")
    assert listed == [1, ["d:4", "g", "Error indexing geoshape: unknown geometry type"]]


@pytest.mark.parametrize(
    ("shape", "why"),
    [("CIRCLE(1)", "unknown geometry type"), ("POLYGON((1 1))", "invalid geometry: Geometry has too few points")],
)
def test_a_query_with_a_bad_shape_is_refused(client: redis.Redis, shape: str, why: str) -> None:
    with pytest.raises(redis.ResponseError, match=f"Error querying geoshape index: {why}"):
        search(client, "@g:[WITHIN $s]", shape)
