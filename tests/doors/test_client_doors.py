"""redis-py's own features over connections whose FT.* commands are ours: order, transactions, pub/sub, decoding."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
import redis
import redis.asyncio as redis_async
from redis.commands.search.field import TextField
from redis.commands.search.index_definition import IndexDefinition
from redis.commands.search.query import Query
from servers import RedisProcess

import redisvss
import redisvss.asyncio

CREATE = "FT.CREATE idx PREFIX 1 d: SCHEMA t TEXT n NUMERIC"
SEARCH = ("FT.SEARCH", "idx", "hello", "NOCONTENT")
Make = Callable[..., redisvss.Redis]


@pytest.fixture(params=["embedded", "redis"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Clients of one store, which is empty."""
    if request.param == "embedded":
        first = redisvss.Redis()
        server = first.connection_pool.connection_kwargs["server"]
        yield lambda **kwargs: redisvss.Redis(server=server, **kwargs)
    else:
        process: RedisProcess = request.getfixturevalue("redis_process")
        process.client().flushall()
        yield lambda **kwargs: redisvss.Redis.from_url(process.url, **kwargs)


@pytest.fixture(params=[2, 3])
def client(make: Make, request: pytest.FixtureRequest) -> redisvss.Redis:
    made = make(protocol=request.param)
    made.execute_command(CREATE)
    return made


def found(reply: Any) -> list[bytes]:
    """The keys of a search's reply, in either protocol."""
    return [hit[b"id"] for hit in reply[b"results"]] if isinstance(reply, dict) else reply[1:]


# ---- order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transaction", [False, True])
def test_a_pipeline_answers_in_order(client: redisvss.Redis, transaction: bool) -> None:
    with client.pipeline(transaction=transaction) as pipe:
        pipe.hset("d:1", "t", "hello")
        pipe.execute_command(*SEARCH)
        pipe.get("nothing")
        pipe.hset("d:2", "t", "hello")
        pipe.execute_command(*SEARCH)
        pipe.delete("d:1")
        pipe.execute_command(*SEARCH)
        replies = pipe.execute()
    assert replies[0] == 1
    assert replies[2:4] == [None, 1]
    assert replies[5] == 1
    if transaction:  # a search inside MULTI runs when the writes around it have been executed
        assert [found(replies[place]) for place in (1, 4, 6)] == [[b"d:2"]] * 3
    else:
        assert [found(replies[place]) for place in (1, 4, 6)] == [[b"d:1"], [b"d:1", b"d:2"], [b"d:2"]]


def test_a_long_pipeline_of_both_kinds(client: redisvss.Redis) -> None:
    pipe = client.pipeline(transaction=False)
    for number in range(300):
        pipe.hset(f"d:{number:03}", "t", "hello")
        if number % 7 == 0:
            pipe.execute_command("FT.SEARCH", "idx", "hello", "LIMIT", 0, 0)
    replies = pipe.execute()
    totals = [reply[b"total_results"] if isinstance(reply, dict) else reply[0] for reply in replies if reply != 1]
    assert [total for total in totals if total != 1] == [number + 1 for number in range(7, 300, 7)]


def test_an_error_stands_where_its_command_stood(client: redisvss.Redis) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.set("k", "v")
    pipe.execute_command("FT.SEARCH", "nosuch", "*")
    pipe.lpush("k", "x")
    pipe.get("k")
    replies = pipe.execute(raise_on_error=False)
    assert [type(reply) for reply in replies] == [bool, redis.ResponseError, redis.ResponseError, bytes]
    assert str(replies[1]).startswith("No such index nosuch")
    assert client.get("k") == b"v"  # the connection goes on


# ---- transactions --------------------------------------------------------------------------------------------------


def test_errors_inside_exec_are_elements_of_its_reply(client: redisvss.Redis) -> None:
    with client.pipeline() as pipe:
        pipe.hset("d:1", "t", "hello")
        pipe.execute_command("FT.SEARCH", "idx", "(hello")
        pipe.execute_command(*SEARCH)
        replies = pipe.execute(raise_on_error=False)
    assert replies[0] == 1
    assert isinstance(replies[1], redis.ResponseError)
    assert found(replies[2]) == [b"d:1"]


def test_a_watched_key_that_changed_aborts_our_commands_too(make: Make) -> None:
    client, other = make(protocol=2), make(protocol=2)
    client.execute_command(CREATE)
    client.hset("d:1", "t", "hello")
    with client.pipeline() as pipe:
        pipe.watch("guard")
        pipe.multi()
        pipe.hset("d:2", "t", "hello")
        pipe.execute_command("FT.CREATE", "second", "SCHEMA", "t", "TEXT")
        other.set("guard", "changed")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert found(client.execute_command(*SEARCH)) == [b"d:1"]
    assert list(client.execute_command("FT._LIST")) == [b"idx"]


def test_discard_forgets_our_commands(client: redisvss.Redis) -> None:
    connection = client.connection_pool.get_connection()

    def ask(*words: str) -> Any:
        connection.send_command(*words)
        return connection.read_response()

    assert ask("MULTI") == b"OK"
    assert ask("FT.CREATE", "second", "SCHEMA", "t", "TEXT") == b"QUEUED"
    assert ask("DISCARD") == b"OK"
    assert list(ask("FT._LIST")) == [b"idx"]
    client.connection_pool.release(connection)


# ---- what holds a connection ---------------------------------------------------------------------------------------


def test_publish_and_subscribe(client: redisvss.Redis) -> None:
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    assert listener.get_message(timeout=5) is None  # the confirmation
    client.execute_command(*SEARCH)
    client.publish("news", "hello")
    message = listener.get_message(timeout=5)
    assert message is not None
    assert message["data"] == b"hello"
    listener.close()


def test_a_blocking_command_waits_while_others_search(make: Make) -> None:
    client, waiting = make(protocol=2), make(protocol=2)
    client.execute_command(CREATE)
    popped: list[Any] = []
    thread = threading.Thread(target=lambda: popped.append(waiting.blpop("queue", timeout=10)))
    thread.start()
    assert found(client.execute_command(*SEARCH)) == []
    client.rpush("queue", "job")
    thread.join(10)
    assert popped[0] == (b"queue", b"job") or popped[0] == [b"queue", b"job"]


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
def test_decode_responses(make: Make, protocol: int) -> None:
    client = make(protocol=protocol, decode_responses=True)
    client.execute_command(CREATE)
    client.hset("d:1", mapping={"t": "hello"})
    reply = client.execute_command(*SEARCH)
    assert (reply["results"][0]["id"] if protocol == 3 else reply[1]) == "d:1"
    assert client.execute_command("FT.SEARCH", "idx", "hello", "LIMIT", 0, 0)
    with pytest.raises(redis.ResponseError, match="Syntax error at offset"):
        client.execute_command("FT.SEARCH", "idx", "(hello")


def test_never_decode(make: Make) -> None:
    client = make(protocol=2, decode_responses=True)
    client.execute_command(CREATE)
    client.hset("d:1", mapping={"t": "hello", "v": b"\xff\xfe"})
    raw = client.execute_command("FT.SEARCH", "idx", "hello", NEVER_DECODE=True)
    assert raw[2][-2:] == [b"v", b"\xff\xfe"] or raw[2][:2] == [b"v", b"\xff\xfe"]


def test_redis_pys_search_commands(make: Make) -> None:
    search = make(protocol=2).ft("people")
    search.create_index([TextField("name")], definition=IndexDefinition(prefix=["p:"]))
    search.client.hset("p:1", "name", "Ada")
    result = search.search(Query("ada"))
    assert (result.total, result.docs[0].id, result.docs[0].name) == (1, "p:1", "Ada")
    assert search.info()["num_docs"] in (1, "1")
    search.dropindex()
    with pytest.raises(redis.ResponseError, match="Unknown index name"):
        search.info()


# ---- asyncio -------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(params=["embedded", "redis"])
async def async_client(request: pytest.FixtureRequest) -> AsyncIterator[redis_async.Redis]:
    if request.param == "embedded":
        client = redisvss.asyncio.Redis(protocol=2)
    else:
        process: RedisProcess = request.getfixturevalue("redis_process")
        process.client().flushall()
        client = redisvss.asyncio.Redis.from_url(process.url, protocol=2)
    await client.execute_command(CREATE)
    yield client
    await client.aclose()


@pytest.mark.parametrize("transaction", [False, True])
async def test_an_asyncio_pipeline_answers_in_order(async_client: redis_async.Redis, transaction: bool) -> None:
    async with async_client.pipeline(transaction=transaction) as pipe:
        pipe.hset("d:1", "t", "hello")
        pipe.execute_command(*SEARCH)
        pipe.get("nothing")
        pipe.execute_command("FT.SEARCH", "idx", "(hello")
        replies = await pipe.execute(raise_on_error=False)
    assert (replies[0], found(replies[1]), replies[2]) == (1, [b"d:1"], None)
    assert isinstance(replies[3], redis.ResponseError)


async def test_asyncio_searches_run_while_others_wait(async_client: redis_async.Redis) -> None:
    await async_client.hset("d:1", "t", "hello")
    waiting = asyncio.ensure_future(async_client.blpop("queue", timeout=10))
    replies = await asyncio.gather(*(async_client.execute_command(*SEARCH) for _ in range(20)))
    assert all(found(reply) == [b"d:1"] for reply in replies)
    await async_client.rpush("queue", "job")
    assert list(await waiting) == [b"queue", b"job"]


async def test_a_watched_key_aborts_an_asyncio_transaction(async_client: redis_async.Redis) -> None:
    async with async_client.pipeline() as pipe:
        await pipe.watch("guard")
        pipe.multi()
        pipe.execute_command("FT.CREATE", "second", "SCHEMA", "t", "TEXT")
        await async_client.set("guard", "changed")
        with pytest.raises(redis.WatchError):
            await pipe.execute()
    assert list(await async_client.execute_command("FT._LIST")) == [b"idx"]
