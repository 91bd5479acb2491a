"""Engines the in-process clients share: one per Redis, database and login in a process, made when first needed."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import fakeredis

from redisvss.engine import Engine
from redisvss.stores.base import Store
from redisvss.stores.embedded import EmbeddedStore
from redisvss.stores.server import ServerStore
from redisvss.sync.synchronizer import Options

# What makes two clients talk to the same documents with the same rights.
_IDENTITY = ("host", "port", "path", "db", "username", "password")
_MODULES = ("FT.", "JSON.")  # by their first commands in COMMAND INFO FT.SEARCH JSON.SET
# Whose commands are left to the server, by the `engine` argument; None: it has to be asked.
_NATIVE: dict[str, frozenset[str] | None] = {"auto": None, "local": frozenset(), "native": frozenset(_MODULES)}


class SharedEngine:
    """Made lazily, closed with the last client that uses it. Thread-safe; made anew in a forked process."""

    def __init__(self, make_store: Callable[[], Store], options: Options, engine: str) -> None:
        """engine: "local" answers FT.* and JSON.* here, "native" leaves them to the server, "auto" asks it once."""
        self._make_store = make_store
        self._options = options
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._pid = 0
        self.native: frozenset[str] | None = _NATIVE[engine]

    def get(self) -> Engine:
        """Raises FeedUnavailable, FeedLost or redis-py's errors when the server cannot be followed."""
        if self._engine is not None and self._pid == os.getpid():
            return self._engine
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine, self._pid = Engine(self._make_store(), self._options), os.getpid()
                weakref.finalize(self, self._engine.close)
            return self._engine

    def owns(self, name: bytes) -> bool:
        """Whether a command, upper-case, is answered here."""
        return name in Engine.commands and not any(name.startswith(p.encode()) for p in self.native or ())

    def learn(self, command_info: list[Any]) -> None:
        """The server's COMMAND INFO FT.SEARCH JSON.SET: what it answers itself is left to it."""
        self.native = frozenset(prefix for prefix, row in zip(_MODULES, command_info, strict=False) if row)


_by_login: weakref.WeakValueDictionary[tuple[Any, ...], SharedEngine] = weakref.WeakValueDictionary()
_by_server: weakref.WeakValueDictionary[tuple[Any, ...], SharedEngine] = weakref.WeakValueDictionary()
_registering = threading.Lock()


def for_server(connection_class: type[Any], kwargs: Mapping[str, Any], options: Options, engine: str) -> SharedEngine:
    """The engine beside the server these redis-py connection arguments reach."""
    key = (connection_class, options, engine, *(kwargs.get(name) for name in _IDENTITY))
    with _registering:
        shared = _by_login.get(key)
        if shared is None:
            arguments = dict(kwargs)
            shared = SharedEngine(lambda: ServerStore(connection_class, **arguments), options, engine)
            _by_login[key] = shared
        return shared


def for_embedded(server: fakeredis.FakeServer, db: int, options: Options) -> SharedEngine:
    """The engine of an in-process store; all clients of one FakeServer share it."""
    key = (id(server), db, options)  # the entry holds the server, so its id is not given to another while it lasts
    with _registering:
        shared = _by_server.get(key)
        if shared is None:
            shared = SharedEngine(lambda: EmbeddedStore(server, db), options, "local")
            _by_server[key] = shared
        return shared
