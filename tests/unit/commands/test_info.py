"""FT.INFO tells what is true now."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import redisvss


@pytest.fixture
def client() -> redis.Redis:
    client = redisvss.Redis(protocol=3, legacy_responses=False)
    client.execute_command("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC", "t", "TEXT")
    for number in range(5):
        client.hset(f"d:{number}", mapping={"n": number, "t": f"word{number}"})
    return client


def info(client: redis.Redis) -> Any:
    return client.execute_command("FT.INFO", "i")


def test_open_cursors_are_counted(client: redis.Redis) -> None:
    _, cursor = client.execute_command("FT.AGGREGATE", "i", "*", "LOAD", 1, "@n", "WITHCURSOR", "COUNT", 2)
    counted = info(client)[b"cursor_stats"]
    assert counted == {b"global_idle": 1, b"global_total": 1, b"index_capacity": 128, b"index_total": 1}
    client.execute_command("FT.CURSOR", "DEL", "i", cursor)
    assert info(client)[b"cursor_stats"][b"global_total"] == 0


def test_documents_failures_and_fields_are_counted(client: redis.Redis) -> None:
    client.hset("bad", mapping={"n": "x"})
    client.delete("d:0")
    shown = info(client)
    assert shown[b"num_docs"] == 4
    assert shown[b"hash_indexing_failures"] == 1
    assert shown[b"Index Errors"][b"last indexing error key"] == b"bad"
    of_field = {field[b"attribute"]: field[b"Index Errors"] for field in shown[b"field statistics"]}
    assert of_field[b"n"][b"indexing failures"] == 1
    assert of_field[b"t"][b"indexing failures"] == 0


def test_a_document_that_is_mended_is_indexed_and_no_longer_listed(client: redis.Redis) -> None:
    client.hset("bad", mapping={"n": "x"})
    assert client.execute_command("REDISVSS.FAILURES", "i")[0] == 1
    client.hset("bad", "n", 7)
    assert client.execute_command("REDISVSS.FAILURES", "i") == [0]
    assert info(client)[b"num_docs"] == 6
    assert info(client)[b"hash_indexing_failures"] == 1  # counters never go back
