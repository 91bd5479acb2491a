"""A client's own connection to the Redis behind us: bytes out, bytes in, nothing understood.

It owns where Redis is and how it is reached (TCP, TLS, unix socket) and the flow control of that socket; it must not
know what a command is. `EmbeddedLink` in `embedded_link` stands in for it where there is no Redis.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import parse_qs, unquote, urlsplit

from redisvss.doors.resp import Command, pack

WRITE_LIMIT = 1 << 20  # bytes not yet taken by the peer before whoever feeds it is stopped


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Have the system notice a peer that has gone without a word, as Redis does for its clients."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class LinkOwner(Protocol):
    """The client connection a link works for."""

    def upstream_data(self, data: bytes) -> None: ...

    def upstream_lost(self, error: Exception | None) -> None: ...

    def upstream_full(self, full: bool) -> None:
        """The link takes no more for now (True), or again (False)."""


class Link(Protocol):
    def send(self, args: Sequence[bytes], raw: bytes | None) -> None:
        """One command, as the client wrote it if `raw` is at hand; nothing leaves before `flush`."""

    def flush(self) -> None: ...

    def send_all(self, commands: Sequence[Command], data: bytes) -> None:
        """Commands which `data` holds and nothing else, at once."""

    def forward(self, data: bytes) -> None:
        """Bytes that are no command."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...


class RedisLink(asyncio.Protocol):
    def __init__(self, owner: LinkOwner) -> None:
        self._owner: LinkOwner | None = owner
        self._out: list[bytes] = []
        self._transport: asyncio.Transport

    def send(self, args: Sequence[bytes], raw: bytes | None) -> None:
        self._out.append(pack(args) if raw is None else raw)

    def flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def send_all(self, commands: Sequence[Command], data: bytes) -> None:
        self._transport.write(data)

    def forward(self, data: bytes) -> None:
        self._transport.write(data)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def close(self) -> None:
        self._owner = None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_LIMIT)
        keep_alive(transport)

    def data_received(self, data: bytes) -> None:
        if self._owner is not None:
            self._owner.upstream_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._owner is not None:
            self._owner.upstream_lost(exc)

    def pause_writing(self) -> None:
        if self._owner is not None:
            self._owner.upstream_full(True)

    def resume_writing(self) -> None:
        if self._owner is not None:
            self._owner.upstream_full(False)


@dataclass(frozen=True)
class Upstream:
    """Where Redis is. Credentials and database in the URL are for our own connections; clients bring their own."""

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    async def link(self, owner: LinkOwner) -> Link:
        """Raises OSError when Redis cannot be reached."""
        loop = asyncio.get_running_loop()
        if self.path is not None:
            _, link = await loop.create_unix_connection(lambda: RedisLink(owner), self.path)
        else:
            _, link = await loop.create_connection(lambda: RedisLink(owner), self.host, self.port, ssl=self.tls)
        return link


def upstream_from_url(url: str) -> Upstream:
    """redis://host:port, rediss:// (TLS; `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs=none`), unix://path."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return Upstream(path=unquote(parts.path))
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError(f"upstream must be redis://, rediss:// or unix://, not {url!r}")
    tls = _client_tls(parse_qs(parts.query)) if parts.scheme == "rediss" else None
    return Upstream(parts.hostname or "localhost", parts.port or 6379, tls=tls)


def _client_tls(query: dict[str, list[str]]) -> ssl.SSLContext:
    """The same query parameters as redis-py's URLs, which our own connections to this Redis use."""
    first = {name: values[0] for name, values in query.items()}
    context = ssl.create_default_context(cafile=first.get("ssl_ca_certs"))
    if "ssl_certfile" in first:
        context.load_cert_chain(first["ssl_certfile"], first.get("ssl_keyfile"))
    if first.get("ssl_check_hostname", "").lower() == "false" or first.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
    if first.get("ssl_cert_reqs") == "none":
        context.verify_mode = ssl.CERT_NONE
    return context
