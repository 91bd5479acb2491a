"""`redisvss.Redis`: redis-py's client whose connections reach an engine."""

from __future__ import annotations

from typing import Any, Literal

import fakeredis
import redis

from redisvss.doors.client import DOORS, EmbeddedConnection
from redisvss.doors.shared import for_embedded, for_server
from redisvss.sync.feed_socket import WAIT_SECONDS
from redisvss.sync.synchronizer import Options

Consistency = Literal["strict", "eventual"]
EngineChoice = Literal["auto", "local", "native"]

_ADDRESS = ("host", "port", "unix_socket_path", "connection_pool")


class Redis(redis.Redis):
    """`Redis()` keeps documents in this process; with an address, or from a URL, they are on that server.

    Takes what `redis.Redis` takes, and by keyword
    server: a `fakeredis.FakeServer`, so that several embedded clients share one store (default: a store of its own);
    consistency: "strict" (a search sees every write acknowledged before it), or "eventual" (saves a round trip);
    feed_wait: seconds a search waits for a lost connection to come back before it fails;
    engine: "auto" leaves FT.* and JSON.* to the server if it has the modules, "local" never, "native" always.
    """

    def __init__(
        self,
        *args: Any,
        server: fakeredis.FakeServer | None = None,
        consistency: Consistency = "strict",
        feed_wait: float = WAIT_SECONDS,
        engine: EngineChoice = "auto",
        **kwargs: Any,
    ) -> None:
        embedded = not args and not any(kwargs.get(name) for name in _ADDRESS)
        super().__init__(*args, **kwargs)
        options = Options(consistency, feed_wait)
        if embedded or server is not None:
            embed(self.connection_pool, EmbeddedConnection, server, options)
        elif "redisvss" not in self.connection_pool.connection_kwargs:  # else another client of ours made the pool
            attach(self.connection_pool, options, engine)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        consistency: Consistency = "strict",
        feed_wait: float = WAIT_SECONDS,
        engine: EngineChoice = "auto",
        **kwargs: Any,
    ) -> Redis:
        """As redis-py's: redis://, rediss:// and unix:// URLs with user, password and database."""
        client: Redis = super().from_url(url, **kwargs)  # type: ignore[assignment]  # redis-py annotates its own class
        attach(client.connection_pool, Options(consistency, feed_wait), engine)
        return client


def embed(pool: Any, connection_class: type[Any], server: fakeredis.FakeServer | None, options: Options) -> None:
    """Make a pool's connections embedded ones."""
    server = server or fakeredis.FakeServer(version=(7, 4))
    db = int(pool.connection_kwargs.get("db") or 0)
    pool.connection_class = connection_class
    pool.connection_kwargs.update(server=server, redisvss=for_embedded(server, db, options))


def attach(pool: Any, options: Options, engine: str) -> None:
    """Make a pool's connections doors to the engine beside their server."""
    kwargs = {name: value for name, value in pool.connection_kwargs.items() if name != "redisvss"}
    door, dialled = _door(pool.connection_class)
    pool.connection_class = door
    pool.connection_kwargs["redisvss"] = for_server(dialled, kwargs, options, engine)


def _door(connection_class: type[Any]) -> tuple[type[Any], type[Any]]:
    """(our connection class, the one the engine dials with) for redis-py's class, or for one of ours."""
    for plain, (door, dialled) in DOORS.items():
        if connection_class in (plain, door):
            return door, dialled
    raise TypeError(f"redisvss does not know the connection class {connection_class.__name__}")
