"""What a scan reads, and what it leaves to the change feed."""

from __future__ import annotations

from indexed import Mirror

from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.refresh import Follower
from redisvss.sync.scan import scan


def filled() -> tuple[EmbeddedStore, Mirror, Follower]:
    store = EmbeddedStore()
    for key in ("a", "b", "c"):
        store.call("HSET", key, "v", key)
    mirror = Mirror()
    return store, mirror, Follower(mirror, store)


def test_a_scan_reads_every_document() -> None:
    store, mirror, follower = filled()
    assert scan(follower, store, lambda: False, frozenset)
    assert sorted(mirror.applied) == [b"a", b"b", b"c"]


def test_a_scan_leaves_changed_keys_to_be_read_in_the_order_of_their_changes() -> None:
    store, mirror, follower = filled()
    follower.note([b"c", b"a"])
    assert scan(follower, store, lambda: False, follower.pending)
    assert mirror.applied == [b"b"]
    follower.catch_up()
    assert mirror.applied == [b"b", b"c", b"a"]


def test_a_scan_reads_documents_by_name() -> None:
    store = EmbeddedStore()
    for key in ("c", "a", "d", "b"):
        store.call("HSET", key, "v", key)
    mirror = Mirror()
    assert scan(Follower(mirror, store), store, lambda: False, frozenset)
    assert mirror.applied == [b"a", b"b", b"c", b"d"]


def test_a_scan_that_is_stopped_says_so() -> None:
    store, mirror, follower = filled()
    assert not scan(follower, store, lambda: True, frozenset)
    assert mirror.applied == []
