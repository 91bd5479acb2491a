"""A server in a thread, a client that speaks raw RESP, and an engine small enough to see through."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers import RedisProcess

from redisvss.doors.link import upstream_from_url
from redisvss.doors.resp import ReplySplitter, decode, pack
from redisvss.doors.server import Listen, Server, Services
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

WAIT = 10.0  # seconds before a test gives up on a reply


@dataclass(frozen=True)
class Row:
    name: str
    flags: tuple[str, ...] = ("readonly",)
    first_key: int = 1
    last_key: int = 1
    step: int = 1


@dataclass
class FakeEngine:
    """FT.SEARCH index key → the key's value; FT.INFO waits for `gate`; FT.EXPLAIN fails; others → the session."""

    read: Callable[[bytes], Reply]
    gate: threading.Event = field(default_factory=threading.Event)
    ran: list[list[bytes]] = field(default_factory=list)
    commands = {  # noqa: RUF012
        name.encode(): Row(name, ("write",) if name in ("FT.ALTER", "FT.DEL", "JSON.SET") else ("readonly",))
        for name in ("FT.SEARCH", "FT.INFO", "FT.EXPLAIN", "FT.ALTER", "FT.DEL", "JSON.GET", "JSON.SET")
    }

    def owns(self, name: bytes) -> bool:
        return name in self.commands

    def execute(self, args: Sequence[bytes], session: Session) -> Reply:
        self.ran.append(list(args))
        match args[0].upper():
            case b"FT.SEARCH":
                return {"value": self.read(args[2])}
            case b"FT.INFO":
                self.gate.wait(WAIT)
                return "opened"
            case b"FT.EXPLAIN":
                raise CommandError("Syntax error at offset 0")
            case _:
                return [session.protocol, session.db, session.user.encode()]


@dataclass
class Proxy:
    """A server before a real Redis."""

    server: Server
    port: int
    redis: RedisProcess
    engine: FakeEngine

    def peer(self) -> Peer:
        return Peer(self.port)


@contextmanager
def proxy_before(process: RedisProcess, prefixes: tuple[bytes, ...] = (b"",), url: str = "") -> Iterator[Proxy]:
    engine = FakeEngine(process.client().get)  # type: ignore[arg-type]
    services = Services(engine, upstream_from_url(url or process.url), prefixes=lambda index: prefixes)
    with serving(services) as (server, port):
        yield Proxy(server, port, process, engine)


@contextmanager
def serving(services: Services, listen: Listen | None = None) -> Iterator[tuple[Server, int]]:
    """A running server and its port."""
    started: list[Server] = []
    up, down = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        server = Server(services)
        await server.start(listen or Listen(port=0))
        started.append(server)
        up.set()
        await down.wait()
        await server.stop(grace=0.2)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert up.wait(WAIT)
        yield started[0], started[0].addresses[0][1]
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(WAIT)
        loop.close()


class Peer:
    """A client socket: `say` sends, `hear` gives the next reply or push decoded."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self._splitter = ReplySplitter()
        self._frames: deque[bytes] = deque()
        self._partial: list[bytes] = []

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *lines: str | Sequence[bytes]) -> Peer:
        """Send commands in one piece; a string is split at spaces."""
        self.socket.sendall(b"".join(pack(x.encode().split() if isinstance(x, str) else x) for x in lines))
        return self

    def frame(self) -> bytes:
        """The next reply's bytes; raises ConnectionError when the server has closed."""
        while not self._frames:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError(b"".join(self._partial))
            start = 0
            for end in self._splitter.feed(data):
                self._frames.append(b"".join((*self._partial, data[start:end])))
                self._partial.clear()
                start = end
            self._partial.append(data[start:])
        return self._frames.popleft()

    def hear(self) -> Reply:
        reply = decode(self.frame())
        return f"-{reply}" if isinstance(reply, CommandError) else reply

    def ask(self, line: str | Sequence[bytes]) -> Reply:
        return self.say(line).hear()

    def hear_all(self, count: int) -> list[Reply]:
        return [self.hear() for _ in range(count)]

    def closed(self) -> bool:
        """Whether the server has closed, having nothing more to say."""
        return self.socket.recv(1) == b""


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
