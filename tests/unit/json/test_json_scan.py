"""SCAN … TYPE ReJSON-RL where documents are string keys, through every door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from doors.harness import serving
from redis.commands.search.field import TextField
from servers import start_redis

import redisvss
from redisvss.doors import services


@pytest.fixture(params=["embedded", "in process", "tcp"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    match request.param:
        case "embedded":
            yield redisvss.Redis()
        case "in process":
            with start_redis() as server:
                yield redisvss.Redis.from_url(server.url)
        case _:
            with start_redis() as server, serving(services.beside(server.url)) as (_, port):
                yield redis.Redis(port=port)


def test_scan_by_type_finds_json_documents(client: redis.Redis) -> None:
    client.ft("i").create_index([TextField("t")])
    client.json().set("doc:1", "$", {"a": 1})
    client.json().set("doc:2", "$", [1, 2])
    client.set("doc:padded", ' {"a": 1}')
    client.mset({"doc:count": 5, "doc:text": "plain", "doc:broken": '{"a": '})
    client.hset("doc:hash", "a", 1)
    documents = {b"doc:1", b"doc:2", b"doc:padded"}
    assert set(client.scan_iter(_type="ReJSON-RL")) == documents
    assert set(client.scan_iter("doc:[12]", count=100, _type="rejson-rl")) == documents - {b"doc:padded"}
    assert set(client.scan_iter("doc:*", _type="hash")) == {b"doc:hash"}
    assert client.type("doc:1") == b"string"


def test_a_cursor_goes_on_where_it_was(client: redis.Redis) -> None:
    for number in range(200):
        client.json().set(f"doc:{number}", "$", {"n": number})
    cursor, first = client.scan(0, count=10, _type="ReJSON-RL")
    assert cursor and first
    assert len(set(client.scan_iter(count=10, _type="ReJSON-RL"))) == 200


def test_errors_are_those_of_scan(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match=r"invalid cursor|not an integer"):  # Redis's words, fakeredis's
        client.execute_command("SCAN", "x", "TYPE", "ReJSON-RL")
    with pytest.raises(redis.ResponseError, match="syntax error"):
        client.execute_command("SCAN", "0", "TYPE", "ReJSON-RL", "WHAT", "1")
