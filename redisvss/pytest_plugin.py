"""Fixtures for projects that use RediSearch: a store of its own for each test, with no server to start.

pytest finds this module by its entry point, in every run where redisvss is installed; so nothing is imported before a
fixture is asked for. `docs/testing.md` shows them in use.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import fakeredis

    import redisvss.asyncio
    from redisvss.doors.server import Services

GRACE = 0.2  # seconds a test's last replies are given; it has read those it waited for


@pytest.fixture
def redisvss_store() -> fakeredis.FakeServer:
    """What `redisvss` and `aredisvss` keep their data in; for clients with options of their own."""
    import fakeredis

    return fakeredis.FakeServer(version=(7, 4))


@pytest.fixture(name="redisvss")
def _redisvss(redisvss_store: fakeredis.FakeServer) -> Iterator[redisvss.Redis]:
    """An embedded client with nothing in its store."""
    import redisvss

    with redisvss.Redis(server=redisvss_store) as client:
        yield client


@pytest.fixture(name="aredisvss")
def _aredisvss(redisvss_store: fakeredis.FakeServer) -> redisvss.asyncio.Redis:
    """The asyncio client of the same store; it has no socket to close, so any asyncio plugin of pytest will do."""
    import redisvss.asyncio

    return redisvss.asyncio.Redis(server=redisvss_store)


@pytest.fixture
def redisvss_server() -> Iterator[str]:
    """The URL of a server with nothing in its store, for clients of any kind, synchronous or not."""
    from redisvss.doors import services

    embedded = services.embedded()
    try:
        with _serving(embedded) as port:
            yield f"redis://127.0.0.1:{port}"
    finally:
        embedded.close()


@contextmanager
def _serving(embedded: Services) -> Iterator[int]:
    """A server in a thread of this process, on a free port."""
    from redisvss.doors.server import Listen, Server

    server, loop, done = Server(embedded), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(done.wait(),), name="redisvss-server", daemon=True)
    loop.run_until_complete(server.start(Listen(port=0)))
    thread.start()
    try:
        yield server.addresses[0][1]
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(GRACE), loop).result()
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
