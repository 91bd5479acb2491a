"""A proxy over a real Redis of its own, with an engine that can be seen through."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from harness import FakeEngine, Peer, serving
from redisvss.doors.link import upstream_from_url
from redisvss.doors.server import Server, Services
from servers import RedisProcess, start_redis


@dataclass
class Proxy:
    server: Server
    port: int
    redis: RedisProcess
    engine: FakeEngine

    def peer(self) -> Peer:
        return Peer(self.port)


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    with start_redis() as process:
        yield process


@pytest.fixture
def proxy(redis_process: RedisProcess) -> Iterator[Proxy]:
    with proxy_over(redis_process) as proxy:
        yield proxy
    redis_process.client().flushall()


def proxy_over(process: RedisProcess, prefixes: tuple[bytes, ...] = (b"",)):  # type: ignore[no-untyped-def]
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Iterator[Proxy]:
        engine = FakeEngine(process.client().get)  # type: ignore[arg-type]
        services = Services(engine, upstream_from_url(process.url), prefixes=lambda index: prefixes)
        with serving(services) as (server, port):
            yield Proxy(server, port, process, engine)

    return opened()
