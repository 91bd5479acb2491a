"""The server: accepts clients, gives each its own link to Redis, runs commands of ours in threads, stops gracefully.

It owns listeners, the worker threads, logs, `/metrics` and the life of the process. It must not know the protocol (the
codec does), what a command means (the conversation does) or how a search works (the engine does).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from redisvss.doors.connection import ClientConnection
from redisvss.doors.conversation import Conversation
from redisvss.doors.embedded_link import EmbeddedLink
from redisvss.doors.link import Link, LinkOwner, Upstream
from redisvss.doors.metrics import Gauges, Metrics
from redisvss.doors.permissions import Permissions
from redisvss.doors.probes import Command, Probes
from redisvss.doors.workers import Workers
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session
from redisvss.stores import embedded_commands
from redisvss.stores.embedded import EmbeddedStore

log = logging.getLogger("redisvss.server")

WORKERS: Final = 64  # threads for commands of ours: a client has one under way, so a cheap one waits behind 64 at least
# Seconds a thread may keep Python from the event loop. Beside 4 searching clients a GET took 9 ms at the 90th
# percentile, against 12 ms with Python's own 5 ms (loaded machine, 2 cores).
SWITCH_INTERVAL: Final = 0.0005
GRACE: Final = 10.0  # seconds clients are given for replies still due when the server stops
BACKLOG: Final = 4096  # connections not yet accepted; a thousand clients may come at once


_Timed = tuple["Reply | Exception", float]


class Engine(Protocol):
    """What answers commands of ours; thread-safe."""

    @property
    def commands(self) -> Mapping[bytes, Command]: ...

    def owns(self, name: bytes) -> bool: ...

    def execute(self, args: Sequence[bytes], session: Session) -> Reply: ...


@dataclass(frozen=True)
class Listen:
    """Where to listen; `path` is a unix socket beside or instead of the TCP port (`port` None)."""

    host: str = "127.0.0.1"
    port: int | None = 6380
    path: str | None = None
    tls: ssl.SSLContext | None = None
    metrics_port: int | None = None


@dataclass(frozen=True)
class Services:
    """What a server puts before its clients; `engine` None hands every command on (Redis has its own search module).

    `prefixes`: the key prefixes of an index as far as known, `refresh`: learn of those made elsewhere (may block).
    `gauges`: the engine's own figures, cheap to have; `measures`: those that take time (may block).
    """

    engine: Engine | None
    upstream: Upstream | EmbeddedStore
    password: bytes | None = None
    prefixes: Callable[[bytes], Iterable[bytes]] = lambda index: ()
    refresh: Callable[[], None] = lambda: None
    gauges: Callable[[], Gauges] = dict
    measures: Callable[[], Gauges] = dict
    close: Callable[[], None] = lambda: None


class Server:
    """One running server; use `start`, then `stop`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._engine = services.engine
        self._clients: set[ClientConnection] = set()
        self._listeners: list[asyncio.AbstractServer] = []
        self._workers = Workers(WORKERS, "redisvss")
        self.metrics = Metrics()
        self.plain: set[bytes] = set()
        own = {} if self._engine is None else {n: c for n, c in self._engine.commands.items() if self._engine.owns(n)}
        self._probes = Probes(own, lambda: self.metrics.info(services.gauges())) if own else None
        self._permissions = Permissions(own, services.prefixes, self._refresh)
        self._names = frozenset(own) | (embedded_commands.NAMES if self._embedded is not None else frozenset())

    @property
    def _embedded(self) -> EmbeddedStore | None:
        upstream = self._services.upstream
        return upstream if isinstance(upstream, EmbeddedStore) else None

    @property
    def addresses(self) -> list[Any]:
        return [s.getsockname() for listener in self._listeners for s in getattr(listener, "sockets", ())]

    async def start(self, listen: Listen) -> None:
        """Raises OSError when an address cannot be had."""
        loop = asyncio.get_running_loop()
        if listen.port is not None:
            listener = await loop.create_server(
                self._accept, listen.host, listen.port, ssl=listen.tls, backlog=BACKLOG, reuse_address=True
            )
            self._listeners.append(listener)
        if listen.path is not None:
            self._listeners.append(await loop.create_unix_server(self._accept, listen.path, backlog=BACKLOG))
        if listen.metrics_port is not None:
            self._listeners.append(await asyncio.start_server(self._scrape, listen.host, listen.metrics_port))

    async def stop(self, grace: float = GRACE) -> None:
        """Accept no more, let replies still due go out, then close."""
        for listener in self._listeners:
            listener.close()
        for client in list(self._clients):
            client.drain()
        deadline = time.monotonic() + grace
        while self._clients and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for client in list(self._clients):
            client.abort()

    # What a connection asks of its host

    def conversation(self) -> Conversation:
        return Conversation(self._names.__contains__, self._probes, on_acl=self._permissions.forget)

    async def link(self, owner: LinkOwner) -> Link:
        upstream = self._services.upstream
        if isinstance(upstream, EmbeddedStore):
            return EmbeddedLink(upstream.server, owner, self._services.password)
        return await upstream.link(owner)

    async def permit(self, connection: ClientConnection, args: Sequence[bytes]) -> CommandError | None:
        if not self._is_of_the_store(args):
            return await self._permissions.check(connection, args)
        error = await self._permissions.identify(connection)
        store, session = self._services.upstream, connection.conversation.session
        return error or embedded_commands.refusal(cast(EmbeddedStore, store), session, args)

    async def permit_answer(self, connection: ClientConnection, args: Sequence[bytes]) -> CommandError | None:
        if self._is_of_the_store(args) or not self._permissions.reads(args):
            return None
        return await self._permissions.check(connection, args)

    def _is_of_the_store(self, args: Sequence[bytes]) -> bool:
        return self._embedded is not None and args[0].upper() in embedded_commands.NAMES

    async def _refresh(self) -> None:
        await self._workers.run(self._services.refresh)

    def granted(self, connection: ClientConnection, commands: Sequence[Sequence[bytes]]) -> bool:
        return not any(self._is_of_the_store(args) for args in commands) and all(
            self._permissions.granted(connection, args) for args in commands
        )

    async def execute(self, commands: Sequence[Sequence[bytes]], session: Session) -> list[Reply | Exception]:
        started = time.perf_counter()
        return self._counted(commands, started, await self._workers.run(self._execute_all, commands, session))

    def start_executing(
        self,
        commands: Sequence[Sequence[bytes]],
        session: Session,
        done: Callable[[Sequence[Reply | Exception]], None],
    ) -> None:
        started = time.perf_counter()

        def finished(replies: list[_Timed], error: BaseException | None) -> None:
            if error is not None:
                raise error
            done(self._counted(commands, started, replies))

        self._workers.start(finished, self._execute_all, commands, session)

    def _counted(
        self, commands: Sequence[Sequence[bytes]], started: float, done: Sequence[_Timed]
    ) -> list[Reply | Exception]:
        for args, (reply, at) in zip(commands, done, strict=True):
            self.metrics.answered(args[0].upper().decode("latin-1"), at - started, isinstance(reply, Exception))
        return [reply for reply, _ in done]

    def _execute_all(self, commands: Sequence[Sequence[bytes]], session: Session) -> list[_Timed]:
        """Each reply, or what was raised, with the time it was there."""
        done: list[_Timed] = []
        for args in commands:
            try:
                reply: Reply | Exception = self._execute(args, session)
            except Exception as error:  # told to the client, or logged, by its connection
                reply = error
            done.append((reply, time.perf_counter()))
        return done

    def _execute(self, args: Sequence[bytes], session: Session) -> Reply:
        name = args[0].upper()
        if self._embedded is not None and name in embedded_commands.NAMES:
            reply = _answer_embedded(self._embedded, args)
            observe = self._probes.observer(name, args, session) if self._probes is not None else None
            return reply if observe is None else observe(reply)
        if self._engine is None:
            raise CommandError(f"ERR unknown command '{args[0].decode('utf-8', 'replace')}'")
        return self._engine.execute(args, session)

    def opened(self, connection: ClientConnection) -> None:
        self._clients.add(connection)
        self.metrics.connections += 1
        self.metrics.connections_total += 1

    def closed(self, connection: ClientConnection) -> None:
        self._clients.discard(connection)
        self.metrics.connections -= 1

    def _accept(self) -> ClientConnection:
        return ClientConnection(self)

    def _all_gauges(self) -> Gauges:
        return {**self._services.gauges(), **self._services.measures()}

    async def _scrape(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One HTTP request: `GET /metrics`."""
        with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            status, body = "404 Not Found", "see /metrics\n"
            if head.startswith((b"GET /metrics ", b"GET /metrics?")):
                gauges = await self._workers.run(self._all_gauges)
                status, body = "200 OK", self.metrics.prometheus(gauges)
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n"
                f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}".encode()
            )
            await writer.drain()
        writer.close()


def _answer_embedded(store: EmbeddedStore, args: Sequence[bytes]) -> Reply:
    """A refusal is returned: COMMAND GETKEYS of a command of ours turns it into an answer."""
    try:
        return embedded_commands.answer(store, args)
    except CommandError as error:
        return error


async def run(services: Services, listen: Listen, ready: Callable[[Server], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called once clients are accepted."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(services)
    await server.start(listen)
    ready(server)
    await stopping.wait()
    log.info("stopping", extra={"clients": server.metrics.connections})
    await server.stop()
    log.info("stopped")


def serve(services: Services, listen: Listen) -> None:
    """Run a server in this process until it is told to stop; prints one line on standard output when it is ready."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    _allow_descriptors()
    main = run(services, listen, lambda server: _announce(server, services))
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def _allow_descriptors() -> None:
    """As many open connections as the system lets us have; a client needs two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems name a limit they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _announce(server: Server, services: Services) -> None:
    places = " ".join(f"{a[0]}:{a[1]}" if isinstance(a, tuple) else str(a) for a in server.addresses)
    behind = services.upstream.address if isinstance(services.upstream, Upstream) else "embedded"
    engine = "native" if services.engine is None else "local"
    print(f"redisvss ready: listening on {places}, upstream {behind}, engine {engine}", flush=True)
    _notify_systemd()


def _notify_systemd() -> None:
    """sd_notify(3): where a service manager waits for readiness (Type=notify), say so."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(b"READY=1", address.replace("@", "\0", 1))


class JsonLog(logging.Formatter):
    """One JSON object a line: time, level, event and whatever the event carries."""

    _STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime"}

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in self._STANDARD}
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line = {"time": stamp, "level": record.levelname.lower(), "event": record.getMessage(), **fields}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainLog(JsonLog):
    """The same for people: `time level event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        line = json.loads(super().format(record))
        trace = line.pop("trace", None)
        head = f"{line.pop('time')} {line.pop('level')} {line.pop('event')}"
        text = " ".join([head, *(f"{name}={value}" for name, value in line.items())])
        return text if trace is None else f"{text}\n{trace}"


def configure_logs(level: str = "info", as_json: bool = False) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLog() if as_json else PlainLog())
    root = logging.getLogger("redisvss")
    root.handlers = [handler]
    root.setLevel(level.upper())
