"""Commands of ours that touch keys never touch those of another database than the client thinks."""

from __future__ import annotations

import pytest
import redis

import redisvss


@pytest.mark.parametrize("command", [("JSON.SET", "k", "$", "1"), ("JSON.GET", "k"), ("FT.SUGADD", "s", "text", 1)])
def test_another_database_is_refused(command: tuple[object, ...]) -> None:
    client = redisvss.Redis()
    with client.client() as held:
        held.execute_command("SELECT", 1)
        with pytest.raises(redis.ResponseError, match="works on database 0 only: SELECT 0 first"):
            held.execute_command(*command)
    assert client.dbsize() == 0


def test_a_client_of_another_database_has_an_engine_there() -> None:
    client = redisvss.Redis(db=3)
    client.execute_command("JSON.SET", "k", "$", "[1]")
    assert client.get("k") == b"[1]"
    client.execute_command("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC")
    client.hset("d:1", "n", 1)
    assert client.ft("i").search("@n:[1 1]").total == 1
