"""Products on their way into the store: visitors may come before the last one is there."""

from __future__ import annotations

import threading
from itertools import islice
from typing import Any

import fakeredis
import pytest
from fastapi.testclient import TestClient

import redisvss
from demo_app.app import create_app
from demo_app.catalogue import Catalogue
from demo_app.loading import INDEX, Loading, batches, load


@pytest.fixture
def empty() -> tuple[Any, Any]:
    """(bytes, text) clients of a store of their own."""
    server = fakeredis.FakeServer(version=(7, 4))
    return redisvss.Redis(server=server, protocol=2), redisvss.Redis(server=server, decode_responses=True)


def count(client: Any) -> int:
    return int(client.execute_command("FT.SEARCH", INDEX, "*", "LIMIT", 0, 0)[0])


def test_the_first_page_is_there_before_the_last_product(empty: tuple[Any, Any], catalogue: Catalogue) -> None:
    loading = Loading(empty[0], catalogue)
    loading.first()
    web = TestClient(create_app(*empty, catalogue, "this process", loading=loading))
    page = web.get("/").text
    assert page.count('data-id="') == 24 and "60 more are being loaded" in page
    loading.rest()
    page = web.get("/").text
    assert count(empty[0]) == 160 and "being loaded" not in page


def test_the_rest_waits_for_a_first_visitor(empty: tuple[Any, Any], catalogue: Catalogue) -> None:
    loading = Loading(empty[0], catalogue)
    loading.first()
    rest = threading.Thread(target=loading.rest)
    rest.start()
    try:
        assert loading.done == 100
        TestClient(create_app(*empty, catalogue, "this process", loading=loading)).get("/healthz")
        assert loading.visited.is_set()
    finally:
        rest.join()
    assert loading.done == 160


def test_a_catalogue_that_is_there_is_not_loaded_again(empty: tuple[Any, Any], catalogue: Catalogue) -> None:
    assert load(empty[0], catalogue)
    assert not load(empty[0], catalogue)
    loading = Loading(empty[0], catalogue)
    loading.first()
    assert loading.done == loading.total == 160


def test_a_load_that_was_cut_short_begins_again(empty: tuple[Any, Any], catalogue: Catalogue) -> None:
    client = empty[0]
    assert list(islice(batches(client, catalogue), 1)) == [100] and count(client) == 100
    assert load(client, catalogue) and count(client) == 160


def test_another_catalogue_takes_the_place_of_the_one_before(empty: tuple[Any, Any], catalogue: Catalogue) -> None:
    client = empty[0]
    load(client, catalogue)
    assert load(client, catalogue.shortened(16)) and count(client) == 160
    info = client.execute_command("FT.INFO", INDEX)
    assert b"16" in [part for field in info[info.index(b"attributes") + 1] for part in map(str_or_bytes, field)]


def str_or_bytes(part: Any) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode()
