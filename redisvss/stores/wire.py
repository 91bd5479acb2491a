"""A RESP3 connection of our own: redis-py dials it, then the socket and a hiredis reader are used directly.

redis-py knows TLS, unix sockets, credentials and the handshake. After that its per-reply work is most of the cost of
a bulk read, and it has no way to wait for "one reply, noting the pushes before it", which the change feed lives on.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
import redis
from redis.connection import DefaultParser
from redis.exceptions import ConnectionError, InvalidResponse, TimeoutError

RECEIVE_BYTES = 1 << 18  # a batch of vectors is megabytes; 64 KiB (redis-py's) needs four times the system calls
REPLY_TIMEOUT = 10.0  # seconds: a server that stays silent longer is taken for dead rather than hung upon

_MORE = object()

# What a client may have set for its own connections and ours must not inherit: we decode nothing, retry ourselves,
# and want no pushes but the change feed's.
_OWN_KWARGS: dict[str, Any] = {
    "protocol": 3,
    "decode_responses": False,
    "retry_on_timeout": False,
    "health_check_interval": 0,
}
_FOREIGN_KWARGS = ("retry", "retry_on_error", "redis_connect_func", "parser_class", "cache", "cache_config")
_POOL_KWARGS = ("max_connections", "timeout", "queue_class", "connection_pool_class", "event_dispatcher")


class Dialer:
    """Opens connections to one server and database."""

    def __init__(self, connection_class: type[Any] = redis.Connection, **kwargs: Any) -> None:
        """kwargs: redis-py's connection arguments (host, port, path, db, username, password, ssl_…)."""
        dropped = set(_FOREIGN_KWARGS) | set(_POOL_KWARGS)
        kept = {
            name: value
            for name, value in kwargs.items()
            if name not in dropped and not name.startswith(("maint_", "oss_cluster_maint", "orig_"))
        }
        self.connection_class = connection_class
        self.kwargs: dict[str, Any] = {**kept, **_OWN_KWARGS}
        self.kwargs["socket_timeout"] = max(REPLY_TIMEOUT, kept.get("socket_timeout") or 0)
        self.db = int(self.kwargs.get("db") or 0)

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Dialer:
        """redis://, rediss:// or unix://, as redis-py reads them."""
        pool = redis.ConnectionPool.from_url(url, **kwargs)
        return cls(pool.connection_class, **pool.connection_kwargs)

    @property
    def address(self) -> str:
        """Where it connects to, for messages."""
        path = self.kwargs.get("path")
        return path or f"{self.kwargs.get('host', 'localhost')}:{self.kwargs.get('port', 6379)}"

    def dial(self, timeout: float | None = None) -> Wire:
        """A connected, authenticated connection; raises redis-py's ConnectionError (AuthenticationError …)."""
        kwargs = self.kwargs if timeout is None else {**self.kwargs, "socket_connect_timeout": timeout}
        connection = self.connection_class(**kwargs)
        connection.connect()
        return Wire(connection)


class Wire:
    """One connection. Not thread-safe. After any ConnectionError it is of no more use than to be closed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._socket: socket.socket = connection._sock
        self._reader: Any = hiredis.Reader(  # its stub knows no buffers
            protocolError=InvalidResponse, replyError=DefaultParser.parse_error, notEnoughData=_MORE
        )
        self._buffer = bytearray(RECEIVE_BYTES)
        self.on_push: Callable[[list[Any]], None] = lambda push: None

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _lost(error) from error

    def reply(self) -> Any:
        """The next reply; an error reply is returned as an exception. Pushes before it go to `on_push`."""
        while True:
            value = self._reader.gets()
            if value is _MORE:
                self._receive()
            elif isinstance(value, hiredis.PushNotification):
                self.on_push(value)
            else:
                return value

    def replies(self, count: int) -> list[Any]:
        """The next `count` replies, pushes left out."""
        gets, push = self._reader.gets, hiredis.PushNotification
        values: list[Any] = []
        while len(values) < count:
            value = gets()
            if value is _MORE:
                self._receive()
            elif isinstance(value, push):
                self.on_push(value)
            else:
                values.append(value)
        return values

    def call(self, *args: Any) -> Any:
        """One command and its reply; raises the reply when it is an error."""
        self.send(pack(args))
        value = self.reply()
        if isinstance(value, Exception):
            raise value
        return value

    def drain(self) -> None:
        """Hand every push that has arrived to `on_push`, without waiting for more."""
        while self.readable(0):
            self._receive()
        while (value := self._reader.gets()) is not _MORE:
            if isinstance(value, hiredis.PushNotification):
                self.on_push(value)

    def readable(self, timeout: float) -> bool:
        """Whether something (or the end) can be read, waiting up to `timeout` seconds for it."""
        pending = getattr(self._socket, "pending", None)  # TLS holds decrypted bytes the kernel knows nothing of
        if pending is not None and pending():
            return True
        try:
            poller = select.poll()
            poller.register(self._socket, select.POLLIN)
            return bool(poller.poll(timeout * 1000))
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise _lost(error) from error

    def close(self) -> None:
        self._connection.disconnect()

    def _receive(self) -> None:
        try:
            size = self._socket.recv_into(self._buffer)
        except OSError as error:
            raise _lost(error) from error
        if size == 0:
            raise ConnectionError("Connection closed by server.")
        self._reader.feed(self._buffer, 0, size)


def pack(args: Sequence[Any]) -> bytes:
    """One command in RESP; str, int and float arguments as redis-py writes them."""
    packed: bytes = hiredis.pack_command(tuple(args))
    return packed


def _lost(error: Exception) -> ConnectionError | TimeoutError:
    if isinstance(error, socket.timeout):
        return TimeoutError("Timeout reading from socket")
    return ConnectionError(f"Connection lost: {error}")
