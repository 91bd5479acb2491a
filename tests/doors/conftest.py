"""A proxy over a real Redis, with an engine that can be seen through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Proxy, proxy_before
from servers import RedisProcess, start_redis


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    with start_redis() as process:
        yield process


@pytest.fixture
def proxy(redis_process: RedisProcess) -> Iterator[Proxy]:
    with proxy_before(redis_process) as proxy:
        yield proxy
    redis_process.client().flushall()
