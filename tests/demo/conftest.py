"""A small shop for the demo's tests: 160 products, drawn once a session."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest

pytest.importorskip("fastapi", reason="the demo's packages are not installed: pip install -e '.[browser]'")
pytest.importorskip("httpx", reason="the demo's packages are not installed: pip install -e '.[browser]'")

from fastapi.testclient import TestClient

import redisvss
from demo_app.app import create_app
from demo_app.catalogue import Catalogue, made
from demo_app.finder import Finder
from demo_app.loading import load


def unseen(items: Any, doing: str, total: int) -> Any:
    return items


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    try:
        yield made(unseen, 160)
    finally:
        os.environ.pop("XDG_CACHE_HOME") if before is None else os.environ.update(XDG_CACHE_HOME=before)


@pytest.fixture(scope="session")
def clients(catalogue: Catalogue) -> tuple[Any, Any]:
    """(bytes, text) clients of one embedded store with the catalogue in it."""
    server = fakeredis.FakeServer(version=(7, 4))
    client = redisvss.Redis(server=server, protocol=2)
    load(client, catalogue)
    return client, redisvss.Redis(server=server, decode_responses=True)


@pytest.fixture(scope="session")
def finder(clients: tuple[Any, Any], catalogue: Catalogue) -> Finder:
    return Finder(clients[0], catalogue)


@pytest.fixture(scope="session")
def app(clients: tuple[Any, Any], catalogue: Catalogue) -> Any:
    return create_app(*clients, catalogue, "this process")


@pytest.fixture
def web(app: Any) -> TestClient:
    """A browser without scripts, cookies and all."""
    return TestClient(app, follow_redirects=False)


def token_of(page: str) -> str:
    """The token a page's forms bring back."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, "the page has no form token"
    return found[1]
