"""What a server puts before its clients, made from where the documents are: a Redis's URL, or a store in this process.

It decides who answers FT.* and JSON.*: an engine of ours, or Redis's own modules. How clients are served is not its
concern.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from redisvss.commands import CommandInfo
from redisvss.doors.link import Upstream, upstream_from_url
from redisvss.doors.metrics import Gauges
from redisvss.doors.server import Services
from redisvss.engine import Engine
from redisvss.reply import Reply, Session
from redisvss.searchindex import SearchIndex
from redisvss.stores.embedded import EmbeddedStore
from redisvss.stores.server import ServerStore

EngineChoice = Literal["auto", "local", "native"]

_MODULES: Final = {"FT.SEARCH": b"FT.", "JSON.SET": b"JSON."}  # a command that tells a module, and its commands' prefix


class OwnCommands:
    """The engine without the commands left to Redis's own modules."""

    def __init__(self, engine: Engine, left: tuple[bytes, ...]) -> None:
        """left: name prefixes."""
        self._engine = engine
        self.commands: Mapping[bytes, CommandInfo] = {
            name: info for name, info in engine.commands.items() if not name.startswith(left)
        }

    def owns(self, name: bytes) -> bool:
        return name in self.commands

    def execute(self, args: Sequence[bytes], session: Session) -> Reply:
        return self._engine.execute(args, session)


def embedded(password: str | None = None) -> Services:
    """No Redis at all."""
    engine = Engine(store := EmbeddedStore())
    return _services(engine, store, (), password)


def beside(url: str, choice: EngineChoice = "auto") -> Services:
    """Beside a Redis; auto leaves to it what its own modules answer.

    Raises redis-py's errors when it cannot be reached or followed, ValueError for a URL that names no Redis.
    """
    upstream = upstream_from_url(url)
    store = ServerStore.from_url(url)
    left = _native_prefixes(store, choice)
    if b"FT." in left:
        store.close()
        return Services(None, upstream)
    return _services(Engine(store), upstream, left)


def _native_prefixes(store: ServerStore, choice: EngineChoice) -> tuple[bytes, ...]:
    if choice != "auto":
        return tuple(_MODULES.values()) if choice == "native" else ()
    rows = store.call("COMMAND", "INFO", *_MODULES)
    return tuple(prefix for prefix, row in zip(_MODULES.values(), rows, strict=True) if row)


def _services(
    engine: Engine, upstream: Upstream | EmbeddedStore, left: tuple[bytes, ...], password: str | None = None
) -> Services:
    return Services(
        OwnCommands(engine, left),
        upstream,
        None if password is None else password.encode(),
        prefixes=lambda index: _prefixes(engine, index),
        refresh=engine.fresh,
        gauges=lambda: _gauges(engine),
        measures=lambda: _measures(engine),
        close=engine.close,
    )


def _prefixes(engine: Engine, name: bytes) -> tuple[bytes, ...]:
    index = engine.catalog.find(name)
    return () if index is None else tuple(index.definition.prefixes)


def _gauges(engine: Engine) -> Gauges:
    indexes = [index for _, index in _labelled(engine)]
    return {
        "indexes": len(indexes),
        "documents": sum(map(len, indexes)),
        "failures": sum(index.failures.count for index in indexes),
    }


def _measures(engine: Engine) -> Gauges:
    """`feed_seconds`: how long it takes to have named every change acknowledged so far, what each search waits for."""
    started = time.perf_counter()
    engine.fresh()
    measures: dict[str, float] = {"feed_seconds": time.perf_counter() - started}
    for label, index in _labelled(engine):
        measures[f"index_documents{label}"] = len(index)
        measures[f"index_bytes{label}"] = index.memory_bytes()
        measures[f"index_failures{label}"] = index.failures.count
    return measures


def _labelled(engine: Engine) -> Iterator[tuple[str, SearchIndex]]:
    """Each index behind its Prometheus label."""
    for name in engine.catalog.names():
        index = engine.catalog.find(name)
        if index is not None:
            shown = name.decode("utf-8", "backslashreplace").replace("\\", "\\\\").replace('"', '\\"')
            yield f'{{index="{shown}"}}', index
