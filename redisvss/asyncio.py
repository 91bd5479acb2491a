"""`redisvss.asyncio.Redis`: redis.asyncio's client whose connections reach an engine."""

from __future__ import annotations

from typing import Any

import fakeredis
import redis.asyncio

from redisvss.client import _ADDRESS, Consistency, EngineChoice, attach, embed
from redisvss.doors.client import AsyncEmbeddedConnection
from redisvss.sync.feed_socket import WAIT_SECONDS
from redisvss.sync.synchronizer import Options


class Redis(redis.asyncio.Redis):
    """See `redisvss.Redis`; an embedded store may be shared between both through `server`."""

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
            embed(self.connection_pool, AsyncEmbeddedConnection, server, options)
        elif "redisvss" not in self.connection_pool.connection_kwargs:  # else another client of ours made the pool
            attach(self.connection_pool, options, engine)

    @classmethod
    def from_url(  # type: ignore[override]  # redis.asyncio names two of the keywords
        cls,
        url: str,
        *,
        consistency: Consistency = "strict",
        feed_wait: float = WAIT_SECONDS,
        engine: EngineChoice = "auto",
        **kwargs: Any,
    ) -> Redis:
        """As redis.asyncio's: redis://, rediss:// and unix:// URLs with user, password and database."""
        client: Redis = super().from_url(url, **kwargs)  # type: ignore[assignment]  # redis-py annotates its own class
        attach(client.connection_pool, Options(consistency, feed_wait), engine)
        return client
