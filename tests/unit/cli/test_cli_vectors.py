"""Vectors by name on a command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import redisvss
from redisvss.cli.vectors import assignments, parameters, split


@pytest.fixture
def client() -> redisvss.Redis:
    client = redisvss.Redis()
    hashes = "FT.CREATE hashes SCHEMA raw AS embedding VECTOR FLAT 6 TYPE FLOAT64 DIM 2 DISTANCE_METRIC L2"
    texts = "FT.CREATE texts ON JSON SCHEMA $.raw AS embedding VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2"
    for command in (hashes, texts):
        client.execute_command(*command.split())
    client.hset("h:1", "raw", np.array([1, 2], "<f8").tobytes())
    client.execute_command("JSON.SET", "j:1", "$", '{"raw": [3, 4]}')
    return client


def expand(client: redisvss.Redis, line: str) -> list[bytes]:
    return parameters(client, *assignments(split(line)))


KNN = "FT.SEARCH hashes '*=>[KNN 1 @embedding $v]'"


@pytest.mark.parametrize(
    ("query", "blob"),
    [
        (f"{KNN} $v=like:h:1", np.array([1, 2], "<f8")),
        (f"{KNN} $v=h:1:raw", np.array([1, 2], "<f8")),
        (f"{KNN} $v=[5, 6]", np.array([5, 6], "<f8")),
        ("FT.SEARCH texts '*=>[KNN 1 @embedding $v]' $v=like:j:1", np.array([3, 4], "<f4")),
        ("FT.SEARCH texts '@embedding:[VECTOR_RANGE 9 $v]' $v=like:j:1", np.array([3, 4], "<f4")),
    ],
)
def test_a_vector_is_encoded_as_the_field_it_is_compared_with(client, query, blob) -> None:
    command = expand(client, query)
    assert command[3:] == [b"PARAMS", b"2", b"v", blob.tobytes(), b"DIALECT", b"2"]
    assert client.execute_command(*command)


def test_a_vector_comes_from_a_file(client: redisvss.Redis, tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", np.array([7.0, 8.0], np.float32))
    assert np.array([7, 8], "<f8").tobytes() in expand(client, f"{KNN} $v=@{tmp_path}/q.npy")


def test_hybrid_takes_parameters_and_no_dialect(client: redisvss.Redis) -> None:
    command = expand(client, "FT.HYBRID hashes SEARCH * VSIM @embedding $v $v=like:h:1")
    assert command[-4:] == [b"PARAMS", b"2", b"v", np.array([1, 2], "<f8").tobytes()]
    assert b"DIALECT" not in command
    assert client.execute_command(*command)


def test_a_command_that_is_no_query_gets_the_vector_in_place(client: redisvss.Redis) -> None:
    assert expand(client, "HSET k raw $v $v=[1,2]") == [b"HSET", b"k", b"raw", np.array([1, 2], "<f4").tobytes()]


def test_only_what_the_command_uses_is_an_assignment() -> None:
    assert assignments([b"SET", b"k", b"$a=b"]) == ([b"SET", b"k", b"$a=b"], [])


def test_a_list_with_spaces_is_one_assignment() -> None:
    assert assignments(split("HSET k f $v $v=[1, 2, 3] g 1")) == (
        [b"HSET", b"k", b"f", b"$v", b"g", b"1"],
        ["$v=[1, 2, 3]"],
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{KNN} $v=like:gone", "no field 'raw' in the hash 'gone'"),
        ("FT.SEARCH texts '*=>[KNN 1 @embedding $v]' $v=like:gone", "no vector at $.raw in the JSON document 'gone'"),
        ("FT.SEARCH hashes '*=>[KNN 1 @other $v]' $v=like:h:1", "needs a vector field"),
        (f"{KNN} PARAMS 2 v x $v=[1,2]", "either in PARAMS"),
    ],
)
def test_what_is_wrong_is_said(client: redisvss.Redis, line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("$", r"\$").replace(".", r"\.")):
        expand(client, line)
