"""Documents in a Redis or Valkey, read over connections of our own with hand-packed pipelines."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import redis
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from redisvss.stores import field_expiry
from redisvss.stores.base import (
    DELETE,
    GONE,
    KEEP,
    REDIS_TYPES,
    Changes,
    Document,
    Keep,
    Store,
    UpdateConflict,
    escape_glob,
    minimal_prefixes,
)
from redisvss.stores.wire import Dialer, Wire, pack

SCAN_COUNT = 1000  # keys a SCAN call looks at: 0.2 ms of the server's time, and one round trip per thousand keys
UPDATE_WAIT = 10.0  # seconds of losing to other writers before an update gives up; eight of them need milliseconds
UPDATE_PAUSE = 0.0005  # seconds: first random pause after losing; doubles up to UPDATE_PAUSE_MAX
UPDATE_PAUSE_MAX = 0.05

_Result = TypeVar("_Result")


class ServerStore(Store):
    kind = "server"

    def __init__(self, connection_class: type[Any] = redis.Connection, **kwargs: Any) -> None:
        """kwargs: redis-py's connection arguments, such as a client's `connection_pool.connection_kwargs`."""
        self.dialer = Dialer(connection_class, **kwargs)
        self.db = self.dialer.db
        self._idle: list[Wire] = []
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> ServerStore:
        dialer = Dialer.from_url(url, **kwargs)
        return cls(dialer.connection_class, **dialer.kwargs)

    def call(self, *args: Any) -> Any:
        with self._wire() as wire:
            return wire.call(*args)

    def pipeline(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        with self._wire() as wire:
            wire.send(b"".join(map(pack, commands)))
            return wire.replies(len(commands))

    def update_many(self, keys: Sequence[bytes], change: Callable[[list[bytes | None]], Changes]) -> Any:
        give_up_at = time.monotonic() + UPDATE_WAIT
        pause = UPDATE_PAUSE
        with self._wire() as wire:
            while True:
                done, result = _try_update(wire, keys, change)
                if done:
                    return result
                if time.monotonic() > give_up_at:
                    raise UpdateConflict(f"Key changed by others for {UPDATE_WAIT:g} seconds while being updated")
                time.sleep(random.uniform(0, pause))
                pause = min(2 * pause, UPDATE_PAUSE_MAX)

    def read(self, keys: Sequence[bytes], key_type: str, fields: Sequence[bytes] | None) -> list[Document]:
        if not keys:
            return []
        request, decode = _read_request(keys, key_type, fields)
        fields_may_expire = key_type == "HASH" and self._fields_may_expire
        if fields_may_expire:
            request += pack(field_expiry.READ_COUNT)
        count = 2 * len(keys)
        replies = self._again(lambda wire: _exchange(wire, request, count + fields_may_expire))
        pairs = zip(replies[:count:2], replies[1:count:2], strict=True)
        documents = [_document(value, ttl, decode) for value, ttl in pairs]
        if fields_may_expire and field_expiry.counted(replies[-1], self.db):
            self._consider_field_expiry(keys, documents)
        return documents

    @cached_property
    def _fields_may_expire(self) -> bool:
        """Whether the server knows of it at all, and lets us ask."""
        try:
            self.call(*field_expiry.READ_COUNT)
            return bool(self.call(b"COMMAND", b"INFO", b"HPTTL") != [None])
        except ResponseError:
            return False

    def _consider_field_expiry(self, keys: Sequence[bytes], documents: list[Document]) -> None:
        questions = field_expiry.questions(keys, documents)
        answers = self.pipeline(list(questions.values())) if questions else []
        for position, answer in zip(questions, answers, strict=True):
            documents[position] = field_expiry.sooner(documents[position], answer)

    def scan(self, prefixes: Sequence[bytes], key_type: str) -> Iterator[list[bytes]]:
        for prefix in minimal_prefixes(prefixes):
            cursor = b"0"
            while True:
                cursor, keys = self._again(_scan_page(cursor, prefix, key_type))
                if keys:
                    yield keys
                if cursor == b"0":
                    break

    def size(self) -> int:
        return int(self.call(b"DBSIZE"))

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._drop_idle()

    def _again(self, work: Callable[[Wire], _Result]) -> _Result:
        """`work`, which only reads, once more if the connection breaks under it: the server may just have restarted."""
        try:
            with self._wire() as wire:
                return work(wire)
        except (ConnectionError, TimeoutError):
            with self._wire() as wire:
                return work(wire)

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        wire = self._take_idle() or self.dialer.dial()
        try:
            yield wire
        except ResponseError:
            self._give_back(wire)
            raise
        except BaseException:  # half a conversation may be left on it
            wire.close()
            self._drop_idle()
            raise
        self._give_back(wire)

    def _take_idle(self) -> Wire | None:
        while True:
            with self._lock:
                if self._closed:
                    raise ConnectionError("The store is closed")
                if not self._idle:
                    return None
                wire = self._idle.pop()
            if not wire.readable(0):  # nothing is expected on an idle connection but its end
                return wire
            wire.close()

    def _give_back(self, wire: Wire) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(wire)
                return
        wire.close()

    def _drop_idle(self) -> None:
        with self._lock:
            dropped, self._idle = self._idle, []
        for wire in dropped:
            wire.close()


def _try_update(wire: Wire, keys: Sequence[bytes], change: Callable[[list[bytes | None]], Changes]) -> tuple[bool, Any]:
    """One optimistic attempt: (whether it went through, the result)."""
    reads = pack((b"WATCH", *keys)) + b"".join(pack((b"GET", key)) for key in keys)
    _, *values = _raising(_exchange(wire, reads, 1 + len(keys)), wire)
    try:
        changed, result = change(values)
    except BaseException:
        wire.call(b"UNWATCH")
        raise
    writes = [_write(key, new) for key, new in zip(keys, changed, strict=True) if new is not KEEP]
    if not writes:
        wire.call(b"UNWATCH")
        return True, result
    request = pack((b"MULTI",)) + b"".join(writes) + pack((b"EXEC",))
    return _raising(_exchange(wire, request, 2 + len(writes)), wire)[-1] is not None, result


def _write(key: bytes, new: bytes | Keep) -> bytes:
    return pack((b"DEL", key) if new is DELETE else (b"SET", key, new, b"KEEPTTL"))


def _raising(replies: list[Any], wire: Wire) -> list[Any]:
    """The replies of a transaction; raises the first error among them, the connection left without a WATCH."""
    inner = replies[-1] if isinstance(replies[-1], list) else []
    for reply in (*replies, *inner):
        if isinstance(reply, RedisError):
            wire.call(b"UNWATCH")
            raise reply
    return replies


def _exchange(wire: Wire, request: bytes, count: int) -> list[Any]:
    wire.send(request)
    return wire.replies(count)


def _read_request(
    keys: Sequence[bytes], key_type: str, fields: Sequence[bytes] | None
) -> tuple[bytes, Callable[[Any], Any]]:
    """A read command and a PTTL per key, and what makes a document of the reply to the first.

    PTTL tells an absent key (-2) from a hash that has none of the fields, which HMGET does not.
    """
    if key_type == "JSON":
        return _per_key(keys, (b"GET",), ()), _as_is
    if fields is None:
        return _per_key(keys, (b"HGETALL",), ()), _as_is
    if not fields:
        return _per_key(keys, (b"HLEN",), ()), lambda _: {}
    names = tuple(fields)
    return _per_key(keys, (b"HMGET",), names), lambda values: {
        name: value for name, value in zip(names, values, strict=True) if value is not None
    }


def _per_key(keys: Sequence[bytes], command: Sequence[bytes], arguments: Sequence[bytes]) -> bytes:
    """`command key arguments…` and `PTTL key` for each key. By hand: a third of the time of packing each command."""
    head = b"*%d\r\n%b" % (len(command) + 1 + len(arguments), _bulks(command))
    tail = _bulks(arguments) + b"*2\r\n$4\r\nPTTL\r\n"
    return b"".join([b"%b%b%b%b" % (head, name, tail, name) for name in [b"$%d\r\n%b\r\n" % (len(k), k) for k in keys]])


def _bulks(arguments: Sequence[bytes]) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments)


def _as_is(value: Any) -> Any:
    return value


def _document(value: Any, ttl: Any, decode: Callable[[Any], Any]) -> Document:
    """ttl: PTTL's reply. Raises any error but WRONGTYPE: a refused read (NOPERM, BUSY …) says nothing of the key."""
    if isinstance(ttl, Exception):
        raise ttl
    if isinstance(value, Exception):
        if str(value).startswith("WRONGTYPE"):
            return GONE
        raise value
    return GONE if ttl == -2 else Document(decode(value), ttl if ttl >= 0 else None)


def _scan_page(cursor: bytes, prefix: bytes, key_type: str) -> Callable[[Wire], tuple[bytes, list[bytes]]]:
    page = (b"SCAN", cursor, b"MATCH", escape_glob(prefix) + b"*", b"TYPE", REDIS_TYPES[key_type], b"COUNT", SCAN_COUNT)
    return lambda wire: tuple(wire.call(*page))
