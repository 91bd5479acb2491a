"""Long runs: many clients writing and searching at once, garbage beside working clients. All answers are checked."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from harness import Peer
from servers import start_redis
from test_serve_process import Served, served

from redisvss.doors.resp import ReplySplitter, decode, pack
from redisvss.reply import Reply

DIM = 8
SEARCH = [b"SORTBY", b"d", b"NOCONTENT", b"LIMIT", b"0", b"3", b"DIALECT", b"2", b"PARAMS", b"2", b"q"]


class AsyncPeer:
    """A raw client for one coroutine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._splitter = ReplySplitter()

    @classmethod
    async def connect(cls, port: int) -> AsyncPeer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask_all(self, *commands: Sequence[bytes]) -> list[Reply]:
        self._writer.write(b"".join(map(pack, commands)))
        data, ends = b"", list[int]()
        while len(ends) < len(commands):
            more = await self._reader.read(1 << 16)
            assert more, "closed by the server"
            ends += [len(data) + end for end in self._splitter.feed(more)]
            data += more
        return [decode(data[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    def close(self) -> None:
        self._writer.close()


async def one_client(port: int, number: int, until: float) -> int:
    """Write documents under a tag of its own and check every hybrid search against what it wrote; returns how many."""
    rng = np.random.default_rng(number)
    peer = await AsyncPeer.connect(port)
    tag = b"c%d" % number
    mine: dict[bytes, tuple[np.ndarray, int]] = {}
    searches = 0
    while time.monotonic() < until:
        key = b"d:%d:%d" % (number, rng.integers(20))
        vector, n = rng.standard_normal(DIM).astype(np.float32), int(rng.integers(100))
        mine[key] = (vector, n)
        query, low = rng.standard_normal(DIM).astype(np.float32), int(rng.integers(100))
        text = b"(@tag:{%b} @n:[%d inf])=>[KNN 3 @v $q AS d]" % (tag, low)
        write = [b"HSET", key, b"tag", tag, b"n", b"%d" % n, b"v", vector.tobytes()]
        _, found = await peer.ask_all(write, [b"FT.SEARCH", b"i", text, *SEARCH, query.tobytes()])
        nearest = sorted((float(((v - query) ** 2).sum()), k) for k, (v, m) in mine.items() if m >= low)[:3]
        assert isinstance(found, list), found
        assert found[1:] == [k for _, k in nearest], (number, searches, found, nearest)
        searches += 1
    peer.close()
    return searches


def resident(server: Served) -> int:
    """Memory of the server's process, in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def many_clients(port: int, numbers: range, seconds: float) -> int:
    until = time.monotonic() + seconds
    return sum(await asyncio.gather(*(one_client(port, number, until) for number in numbers)))


def soak(server: Served, clients: int, seconds: float) -> None:
    vector = "v VECTOR HNSW 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2"
    with Peer(server.port) as peer:
        assert peer.ask(f"FT.CREATE i PREFIX 1 d: SCHEMA tag TAG n NUMERIC {vector}") == "OK"
    assert asyncio.run(many_clients(server.port, range(clients), seconds / 2)) >= clients
    before = resident(server)
    assert asyncio.run(many_clients(server.port, range(clients, 2 * clients), seconds / 2)) >= clients
    assert resident(server) < before * 1.15 + (32 << 20)


def test_ten_clients_write_and_search() -> None:
    with start_redis() as upstream, served("--upstream", upstream.url) as server:
        soak(server, 10, 3.0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("behind", ["embedded", "redis"])
def test_two_hundred_clients_write_and_search(behind: str) -> None:
    if behind == "embedded":
        with served("--embedded") as server:
            soak(server, 200, 60.0)
    else:
        with start_redis() as upstream, served("--upstream", upstream.url) as server:
            soak(server, 200, 60.0)


GOOD = b"*3\r\n$9\r\nFT.SEARCH\r\n$1\r\ni\r\n$1\r\n*\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_garbage_on_many_connections_beside_a_working_one() -> None:
    rng = random.Random(11)
    with served("--embedded") as server, Peer(server.port) as other:
        other.ask("FT.CREATE i SCHEMA t TEXT")
        other.ask("HSET k t hello")
        before = 0
        for number in range(20_000):
            with Peer(server.port) as vandal:
                data = bytearray(GOOD)
                for _ in range(rng.randrange(1, 5)):
                    at = rng.randrange(len(data))
                    data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
                vandal.socket.sendall(data)
            if number % 50 == 0:
                assert other.say("FT.SEARCH i hello NOCONTENT", "PING").hear_all(2) == [[1, b"k"], "PONG"]
            if number == 5_000:
                before = resident(server)
        assert resident(server) < before * 1.1 + (16 << 20)
