"""RediSearch's vector and hybrid search on any Redis, with no module to install.

    redis = redisvss.Redis()                              # embedded: no server at all
    redis = redisvss.Redis.from_url("redis://localhost")  # documents on that server

Both are `redis.Redis`: `ft()`, `json()`, pipelines and everything else of redis-py work unchanged. The asyncio twin is
`redisvss.asyncio.Redis`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redisvss import asyncio
    from redisvss.client import Redis

__version__ = "0.1.0"
__all__ = ["Redis", "__version__", "asyncio"]


def __getattr__(name: str) -> Any:
    """The clients are imported when first asked for, so that `redisvss --help` does not wait for numba."""
    match name:
        case "Redis":
            return import_module("redisvss.client").Redis
        case "asyncio":
            return import_module("redisvss.asyncio")
        case _:
            raise AttributeError(f"module 'redisvss' has no attribute {name!r}")
