"""Documents in this process: a fakeredis FakeServer, read directly under its lock.

Any client of the same FakeServer may write to it. fakeredis has no client tracking and its keyspace notifications
miss FLUSHDB and expiry, so the database itself is made to report: every write of every command ends in
`Database.notify_watch(key)`, which WATCH depends on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import fakeredis
from fakeredis._core import CommandItem, Database
from fakeredis.model import Hash
from redis.exceptions import ResponseError

from redisvss.stores.base import DELETE, GONE, KEEP, Changes, Document, Keep, Store, minimal_prefixes
from redisvss.stores.fakeredis_mends import mend

SCAN_BATCH = 1000
WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Listener(Protocol):
    """Told of changes while the FakeServer's lock is held: it must only take note."""

    def key_changed(self, key: bytes) -> None: ...

    def all_changed(self) -> None: ...


class ObservedDatabase(Database):
    """A fakeredis database that reports what changes.

    An existing Database is turned into one by assigning its `__class__`: open connections hold on to the object.
    """

    def __init__(self, lock: threading.Lock) -> None:
        super().__init__(lock)
        self.listeners: list[Listener] = []

    def notify_watch(self, key: bytes) -> None:
        for listener in self.listeners:
            listener.key_changed(key)
        super().notify_watch(key)

    def clear(self) -> None:  # FLUSHDB, FLUSHALL
        self._report_all()
        super().clear()

    def swap(self, other: Any) -> None:
        self._report_all()
        other._report_all()
        super().swap(other)

    def _report_all(self) -> None:
        for listener in self.listeners:
            listener.all_changed()


class EmbeddedStore(Store):
    kind = "embedded"

    def __init__(self, server: fakeredis.FakeServer | None = None, db: int = 0) -> None:
        self.server = server or fakeredis.FakeServer(version=(7, 4))
        self.db = db
        self._idle: list[Any] = []  # FakeRedisConnection, which has no types

    def call(self, *args: Any) -> Any:
        reply = self.pipeline([args])[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def pipeline(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        connection = self._take_idle()
        replies = [_execute(connection, command) for command in commands]
        self._idle.append(connection)
        return replies

    def update_many(self, keys: Sequence[bytes], change: Callable[[list[bytes | None]], Changes]) -> Any:
        with self._locked() as database:
            items = [CommandItem(key, database, item=database.get(key)) for key in keys]
            if any(item.value is not None and not isinstance(item.value, bytes) for item in items):
                raise ResponseError(WRONGTYPE)
            changed, result = change([item.value for item in items])
            for item, new in zip(items, changed, strict=True):
                _replace(item, new)
            return result

    def read(self, keys: Sequence[bytes], key_type: str, fields: Sequence[bytes] | None) -> list[Document]:
        with self._locked() as database:
            now = database.time
            if key_type == "JSON":
                return [_read_string(database.get(key), now) for key in keys]
            return [_read_hash(database.get(key), now, fields) for key in keys]

    def scan(self, prefixes: Sequence[bytes], key_type: str) -> Iterator[list[bytes]]:
        starts = minimal_prefixes(prefixes)
        wanted = Hash if key_type == "HASH" else bytes
        with self._locked() as database:
            keys = [key for key in database if key.startswith(starts) and isinstance(database[key].value, wanted)]
        for first in range(0, len(keys), SCAN_BATCH):
            yield keys[first : first + SCAN_BATCH]

    def size(self) -> int:
        with self._locked() as database:
            return len(database)

    def listen(self, listener: Listener) -> None:
        """Have `listener` told of every change to this database from now on."""
        mend()
        with self._locked() as database:
            _observe(self.server)
            database.listeners.append(listener)

    def ignore(self, listener: Listener) -> None:
        with self._locked() as database:
            database.listeners.remove(listener)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().disconnect()

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """The database under the FakeServer's lock, its clock set: fakeredis sets it once per command."""
        with self.server.lock:
            database = self.server.dbs[self.db]
            database.time = time.time()
            yield database

    def _take_idle(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            connection = fakeredis.FakeRedisConnection(server=self.server, db=self.db, protocol=3)
            connection.connect()
            return connection


def _observe(server: fakeredis.FakeServer) -> None:
    """Every database, those to come too: SWAPDB is carried out by the one named first."""
    databases: Any = server.dbs
    databases.default_factory = lambda: ObservedDatabase(server.lock)
    for database in databases.values():
        if not isinstance(database, ObservedDatabase):
            database.__class__ = ObservedDatabase
            database.listeners = []


def _replace(item: Any, new: bytes | Keep) -> None:
    if new is KEEP:
        return
    if new is DELETE:
        item.value = None
    else:
        item.update(new)  # unlike assigning `value`, keeps the expiry
    item.writeback()


def _execute(connection: Any, command: Sequence[Any]) -> Any:
    connection.send_command(*command)
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _read_hash(item: Any, now: float, fields: Sequence[bytes] | None) -> Document:
    """now: seconds, the database's clock."""
    if item is None or not isinstance(item.value, Hash):
        return GONE
    stored = item.value.getall()  # a copy of the dict, without the fields that have expired
    values = stored if fields is None else {field: stored[field] for field in fields if field in stored}
    expiries = [item.expireat] if item.expireat is not None else []
    expiries.extend(ms / 1000 for ms in item.value._expirations.values())
    return Document(values, _milliseconds(min(expiries) - now) if expiries else None)


def _read_string(item: Any, now: float) -> Document:
    if item is None or not isinstance(item.value, bytes):
        return GONE
    return Document(item.value, None if item.expireat is None else _milliseconds(item.expireat - now))


def _milliseconds(seconds: float) -> int:
    return max(0, int(seconds * 1000))
