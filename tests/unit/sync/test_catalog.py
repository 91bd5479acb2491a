"""The catalogue and the change feed that reports the catalogue's own writes back to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.catalog import INDEX_PREFIX, Catalog

FIELD = FieldSpec(b"t", b"t", "TEXT")
FEED_LEAD_SECONDS = 0.2  # that the feed's thread is given before the writer goes on


class Followers:
    """Remembers what was to be scanned."""

    def __init__(self) -> None:
        self.scans: list[bytes] = []
        self.completed: list[bytes] = []

    def add(self, index: SearchIndex, scan: bool = True) -> None:
        if scan:
            self.rescan(index)

    def remove(self, index: SearchIndex) -> None:
        pass

    def rescan(self, index: SearchIndex) -> None:
        self.scans.append(index.name)

    def complete(self, index: SearchIndex) -> None:
        self.completed.append(index.name)


class QuickFeed(EmbeddedStore):
    """Each write of the catalogue is reported to it before the writer has the reply."""

    report: Callable[[list[bytes]], None]

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[threading.Thread] = []

    def call(self, *args: Any) -> Any:
        reply = super().call(*args)
        self._report(args[1])
        return reply

    def update(self, key: bytes, change: Any) -> Any:
        result = super().update(key, change)
        self._report(key)
        return result

    def _report(self, key: bytes) -> None:
        thread = threading.Thread(target=self.report, args=([key],))
        thread.start()
        thread.join(FEED_LEAD_SECONDS)
        self.reports.append(thread)


@pytest.fixture
def catalog() -> Catalog:
    store = QuickFeed()
    catalog = Catalog(store)
    catalog.followers = Followers()
    store.report = catalog.changed
    return catalog


def scans(catalog: Catalog) -> list[bytes]:
    """What was to be scanned, once every report has come."""
    store, followers = catalog._store, catalog.followers
    assert isinstance(store, QuickFeed) and isinstance(followers, Followers)
    for thread in store.reports:
        thread.join()
    return followers.scans


def test_an_index_created_without_a_scan_is_not_scanned_when_the_feed_reports_it_first(catalog: Catalog) -> None:
    assert catalog.create(IndexDefinition(b"i", (FIELD,), skip_initial_scan=True))
    assert scans(catalog) == []
    assert catalog.exists(b"i")


def test_an_index_altered_without_a_scan_is_not_scanned_when_the_feed_reports_it_first(catalog: Catalog) -> None:
    catalog.create(IndexDefinition(b"i", (FIELD,), skip_initial_scan=True))
    catalog.alter(b"i", lambda current: current.adding((FieldSpec(b"n", b"n", "NUMERIC"),)), rescan=False)
    assert scans(catalog) == []
    found = catalog.find(b"i")
    assert found is not None and [f.spec.name for f in found.fields] == ["t", "n"]


def test_what_another_process_creates_is_scanned(catalog: Catalog) -> None:
    other = Catalog(catalog._store)
    other.followers = Followers()
    other.create(IndexDefinition(b"i", (FIELD,)))
    catalog.changed([INDEX_PREFIX + b"i"])
    assert scans(catalog) == [b"i"]
