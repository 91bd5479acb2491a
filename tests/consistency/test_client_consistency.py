"""The same promise through the whole product: a redisvss client searches what foreign processes write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from foreign_writers import PREFIX, STAMP
from redis.commands.search.field import NumericField
from redis.commands.search.index_definition import IndexDefinition
from servers import RedisProcess, start_redis
from test_consistency import Report, Writers, kill_feeds, opened, passed, search_while_written

import redisvss


class ThroughClient:
    """FT.SEARCH for every document; the stamp is SORTABLE, so the reply comes from the index itself."""

    def __init__(self, url: str) -> None:
        self.client = redisvss.Redis.from_url(url, feed_wait=60, protocol=2)
        name = STAMP.decode()
        definition = IndexDefinition(prefix=[PREFIX.decode()])
        self.client.ft("docs").create_index([NumericField(name, sortable=True)], definition=definition)
        self.command = ("FT.SEARCH", "docs", "*", "RETURN", 1, name, "LIMIT", 0, 1_000_000, "TIMEOUT", 0)

    def search(self) -> Mapping[bytes, int]:
        reply = self.client.execute_command(*self.command)
        return {key: int(fields[1]) for key, fields in zip(reply[1::2], reply[2::2], strict=True) if fields}

    def close(self) -> None:
        self.client.close()


def run(
    server: RedisProcess, slots: int, seconds: float, fault: Callable[[], None] | None = None, every: float = 1
) -> Report:
    with opened(ThroughClient(server.url)) as searchable, Writers(server.port, slots) as writers:
        return search_while_written(searchable, writers, seconds, fault=fault, every=every)


def test_a_client_sees_what_was_acknowledged() -> None:
    with start_redis(hz="1") as server:
        passed(run(server, slots=200, seconds=3), searches=5, writes=1000)


def test_a_client_sees_what_was_acknowledged_though_the_feed_is_killed() -> None:
    with start_redis(hz="1") as server:
        client = server.client()
        passed(run(server, 200, seconds=3, fault=lambda: kill_feeds(client)), searches=5, writes=1000)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("fault", "every"), [("none", 1), ("killed feed", 5), ("restarts", 15)])
def test_a_client_sees_fifty_thousand_documents(fault: str, every: float, tmp_path: Path) -> None:
    with start_redis(appendonly="yes", dir=str(tmp_path)) as server:
        client = server.client()
        faults: dict[str, Any] = {"none": None, "killed feed": lambda: kill_feeds(client), "restarts": server.restart}
        passed(run(server, 50_000, seconds=90, fault=faults[fault], every=every), searches=5, writes=100_000)
