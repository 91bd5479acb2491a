"""TEMPORARY indexes end with their documents, once, and not while anybody uses them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

import redisvss
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.catalog import Catalog
from redisvss.sync.synchronizer import Synchronizer
from redisvss.sync.temporary import ALIVE_PREFIX

PATIENCE = 20.0  # seconds until a second's worth of idleness must have been noticed, however busy the machine


@pytest.fixture
def client() -> Iterator[Any]:
    made: Any = redisvss.Redis(protocol=2)
    yield made
    made.close()


def create(client: Any, seconds: int) -> None:
    client.hset("d:1", "t", "hello")
    client.hset("other", "t", "hello")
    client.execute_command("FT.CREATE", "i", "PREFIX", 1, "d:", "TEMPORARY", seconds, "SCHEMA", "t", "TEXT")
    client.execute_command("FT.ALIASADD", "al", "i")
    assert client.execute_command("FT.SEARCH", "i", "hello", "NOCONTENT") == [1, b"d:1"]


def wait_for(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_an_idle_index_goes_with_its_documents_and_aliases(client: Any) -> None:
    create(client, 1)
    assert wait_for(lambda: client.execute_command("FT._LIST") == [])
    assert wait_for(lambda: not client.exists("d:1"))
    assert client.exists("other") == 1
    with pytest.raises(redis.ResponseError, match="No such index al"):
        client.execute_command("FT.SEARCH", "al", "hello")


def test_the_time_left_is_a_key_that_use_prolongs(client: Any) -> None:
    create(client, 1000)
    key = ALIVE_PREFIX + b"i"
    assert wait_for(lambda: client.pttl(key) > 0)
    client.pexpire(key, 500_000)
    client.hset("d:2", "t", "hello")
    assert wait_for(lambda: client.pttl(key) > 500_000), "a write"
    client.pexpire(key, 500_000)
    client.execute_command("FT.SEARCH", "i", "hello", "NOCONTENT")
    assert wait_for(lambda: client.pttl(key) > 500_000), "a query"


def test_of_two_processes_one_takes_the_definition_away() -> None:
    store = EmbeddedStore()
    catalogs = [Catalog(store), Catalog(store)]
    for catalog in catalogs:
        catalog.followers = Synchronizer(store)
    catalogs[0].create(IndexDefinition(b"i", (FieldSpec(b"t", b"t", "TEXT"),), temporary=1))
    catalogs[1].changed(None)
    indexes = [index for catalog in catalogs if (index := catalog.find(b"i")) is not None]
    assert [catalog.take(index) for catalog, index in zip(catalogs, indexes, strict=True)] == [True, False]
    for catalog in catalogs:
        assert isinstance(catalog.followers, Synchronizer)
        catalog.followers.close()
