"""Clients that share a pool share its engine, whatever made the pool."""

from __future__ import annotations

import redisvss
import redisvss.asyncio


def test_a_client_held_to_one_connection_uses_the_same_engine() -> None:
    client = redisvss.Redis()
    client.execute_command("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC")
    with client.client() as held:
        assert list(held.execute_command("FT._LIST")) == [b"i"]


def test_a_client_given_a_pool_keeps_its_options() -> None:
    first = redisvss.Redis.from_url("redis://127.0.0.1:1", feed_wait=9)
    engine = first.connection_pool.connection_kwargs["redisvss"]
    second = redisvss.Redis(connection_pool=first.connection_pool)
    assert second.connection_pool.connection_kwargs["redisvss"] is engine


def test_clients_of_one_address_and_login_share_an_engine() -> None:
    one = redisvss.Redis.from_url("redis://127.0.0.1:1")
    other = redisvss.asyncio.Redis.from_url("redis://127.0.0.1:1")
    elsewhere = redisvss.Redis.from_url("redis://127.0.0.1:1/2")
    engines = [client.connection_pool.connection_kwargs["redisvss"] for client in (one, other, elsewhere)]
    assert engines[0] is engines[1]
    assert engines[0] is not engines[2]
