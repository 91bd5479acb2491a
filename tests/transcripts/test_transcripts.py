"""Every transcript through every door and store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis
from doors.harness import Peer, serving
from redis_cli import printed
from servers import RedisProcess, start_redis
from transcript import Exchange, Transcript, read, without_types

import redisvss
from redisvss.doors.resp import decode, split_inline
from redisvss.doors.server import Services
from redisvss.engine import Engine
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync import synchronizer

HERE = Path(__file__).parent
TOPICS = sorted(path.name.removesuffix(".txt") for path in HERE.glob("*.txt") if ".resp3" not in path.name)
BUILDS = (b"FT.CREATE", b"FT.ALTER", b"FT.SYNUPDATE")
UNAIDED = ("embedded-resp2", "redis")  # the background thread sleeps: a command that does not look itself is found out
SHOWN = 12  # differences printed of one file

Lines = tuple[str, ...]
Ask = Callable[[list[bytes]], Any]


class Door:
    """One way in: sends a command, gives the reply as redis-cli would print it there."""

    def __init__(self, ask: Ask, protocol: int, typed: bool) -> None:
        """typed: whether simple strings, sets and `ERR ` can still be told apart behind this door."""
        self._ask = ask
        self.protocol = protocol
        self.typed = typed

    def ask(self, command: str) -> Lines:
        words = split_inline(command.encode())
        assert words is not None, command
        reply = self._ask(words)
        if words[0].upper() in BUILDS:
            self._settle()
        return printed(reply)

    def _settle(self) -> None:
        """Wait for the scans a command began, as the recorder does."""
        for name in self._ask([b"FT._LIST"]):
            name = name if isinstance(name, bytes) else name.encode()
            while self._info(name)["indexing"]:
                time.sleep(0.001)

    def _info(self, name: bytes) -> dict[str, Any]:
        reply = self._ask([b"FT.INFO", name])
        items = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
        return {key if isinstance(key, str) else key.decode(): value for key, value in items}

    def expected(self, exchange: Exchange) -> Lines:
        return exchange.expected if self.typed else without_types(exchange.expected)


@contextmanager
def in_process(make: Callable[..., redis.Redis], protocol: int) -> Iterator[Door]:
    """Our connection class, before redis-py's response callbacks."""
    client = make(protocol=protocol)
    connection = client.connection_pool.get_connection()

    def ask(words: list[bytes]) -> Any:
        connection.send_command(*words)
        try:
            return connection.read_response(disable_decoding=True)
        except redis.ResponseError as error:
            return error

    yield Door(ask, protocol, typed=False)
    client.connection_pool.release(connection)
    client.close()


@contextmanager
def over_tcp(protocol: int) -> Iterator[Door]:
    store = EmbeddedStore(fakeredis.FakeServer(version=(7, 4)))
    engine = Engine(store)
    with serving(Services(engine, store)) as (_, port), Peer(port) as peer:
        peer.ask(f"HELLO {protocol}")

        def ask(words: list[bytes]) -> Any:
            return decode(peer.say(words).frame())

        yield Door(ask, protocol, typed=True)
    engine.close()


@pytest.fixture(scope="session")
def real_redis() -> Iterator[RedisProcess]:
    with start_redis() as process:
        yield process


@pytest.fixture(scope="module", params=["embedded-resp2", "embedded-resp3", "redis", "tcp-resp2", "tcp-resp3"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param in UNAIDED:
            patch.setattr(synchronizer, "DRAIN_SECONDS", 3600.0)
        with opened_door(request) as door:
            yield door


@contextmanager
def opened_door(request: pytest.FixtureRequest) -> Iterator[Door]:
    match request.param.split("-"):
        case ["embedded", protocol]:
            opened = in_process(redisvss.Redis, int(protocol[-1]))
        case ["redis"]:
            url = request.getfixturevalue("real_redis").url
            opened = in_process(lambda **kwargs: redisvss.Redis.from_url(url, **kwargs), 2)
        case [_, protocol]:
            opened = over_tcp(int(protocol[-1]))
    with opened as door:
        yield door


@pytest.mark.parametrize("topic", TOPICS)
def test_transcript(topic: str, door: Door) -> None:
    suffix = ".txt" if door.protocol == 2 else ".resp3.txt"
    differences = list(replay(read(HERE / f"{topic}{suffix}"), door))
    assert not differences, "\n\n".join([f"{len(differences)} differ", *differences[:SHOWN]])


def replay(transcript: Transcript, door: Door) -> Iterator[str]:
    """What differs, as command, expected and got."""
    door.ask("FLUSHALL")
    for exchange in transcript.exchanges:
        expected, got = door.expected(exchange), door.ask(exchange.command)
        if not exchange.accepts(expected, got):
            yield "\n".join([f"> {exchange.command}", "expected:", *expected, "got:", *got])
