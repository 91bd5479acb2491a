"""One index catching up: what is read, in which order, what a failure leaves behind, what expires when."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from indexed import Mirror

from redisvss.stores.base import Document
from redisvss.stores.embedded import EmbeddedStore
from redisvss.sync.feed import Notes
from redisvss.sync.refresh import BATCH, Deadlines, Follower


@pytest.fixture
def store() -> EmbeddedStore:
    store = EmbeddedStore()
    store.pipeline([("HSET", f"a:{number}", "v", number) for number in range(2 * BATCH)])
    return store


def names(numbers: Sequence[int]) -> list[bytes]:
    return [b"a:%d" % number for number in numbers]


def test_keys_are_applied_once_in_the_order_of_their_last_change(store: EmbeddedStore) -> None:
    index = Mirror(b"a:")
    follower = Follower(index, store)
    follower.note(names([3, 1, 2, 3]))
    follower.note(names([1]))
    follower.note_matching([b"b:1", b"a:4", b"a"])
    follower.catch_up()
    assert index.applied == names([2, 3, 1, 4])
    assert not follower.behind


def test_what_expired_and_was_written_again_keeps_its_place(store: EmbeddedStore) -> None:
    index = Mirror(b"a:")
    follower = Follower(index, store)
    store.pipeline([("PEXPIRE", "a:1", 1)])
    follower.note(names([1]))
    follower.catch_up()
    time.sleep(0.002)
    store.pipeline([("HSET", "a:1", "v", 1)])
    follower.note(names([1, 2]))
    follower.catch_up()
    assert index.applied == names([1, 1, 2])


def test_catching_up_by_steps(store: EmbeddedStore) -> None:
    index = Mirror(b"a:")
    follower = Follower(index, store)
    follower.note(names(range(10)))
    follower.catch_up(4)
    assert index.applied == names(range(4))
    assert follower.behind
    follower.catch_up()
    assert index.applied == names(range(10))


def test_what_a_failure_kept_from_being_applied_stays_noted(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Mirror(b"a:")
    follower = Follower(index, store)
    follower.note(names(range(2 * BATCH)))
    apply, calls = index.apply, [None, ValueError("second batch")]

    def failing(keys: Sequence[bytes], documents: Sequence[dict[bytes, bytes] | bytes | None]) -> None:
        if calls and (error := calls.pop(0)) is not None:
            raise error
        apply(keys, documents)

    monkeypatch.setattr(index, "apply", failing)
    with pytest.raises(ValueError, match="second batch"):
        follower.catch_up()
    assert len(index.documents) == BATCH
    follower.catch_up()
    assert len(index.documents) == 2 * BATCH
    assert index.applied == names(range(2 * BATCH))


def test_catching_up_waits_for_a_batch_another_thread_has_taken(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Mirror(b"a:")
    follower = Follower(index, store)
    follower.note(names([1]))
    apply, taken, release = index.apply, threading.Event(), threading.Event()

    def slow(keys: Sequence[bytes], documents: Sequence[dict[bytes, bytes] | bytes | None]) -> None:
        taken.set()
        release.wait(10)
        apply(keys, documents)

    monkeypatch.setattr(index, "apply", slow)
    background = threading.Thread(target=follower.catch_up)
    background.start()
    taken.wait(10)
    seen: list[bool] = []
    search = threading.Thread(target=lambda: (follower.catch_up(), seen.append(b"a:1" in index.documents)))
    search.start()
    release.set()
    search.join(10)
    background.join(10)
    assert seen == [True]


def test_deadlines_are_due_in_time_and_once() -> None:
    deadlines = Deadlines()
    documents = [Document({}, 500), Document({}, None), Document(b"", 100), Document({}, 0)]
    deadlines.replace([b"late", b"never", b"soon", b"now"], documents, read_at=10.0)
    assert deadlines.due(10.0) == [b"now"]
    assert deadlines.due(10.0999) == []
    assert deadlines.due(10.5) == [b"soon", b"late"]
    assert deadlines.due(99.0) == []


def test_a_deadline_is_replaced_by_what_was_read_last() -> None:
    deadlines = Deadlines()
    for ttl in (100, None, 300):
        deadlines.replace([b"a", b"b"], [Document({}, ttl), Document({}, ttl and ttl * 2)], read_at=0.0)
    assert deadlines.due(0.2) == []
    assert deadlines.due(0.3) == [b"a"]
    deadlines.replace([b"b"], [Document(None, None)], read_at=0.3)
    assert deadlines.due(9.0) == []


def test_renewing_a_deadline_forever_takes_no_memory() -> None:
    deadlines = Deadlines()
    for second in range(10_000):
        deadlines.replace([b"a"], [Document({}, 60_000)], read_at=float(second))
    assert len(deadlines._heap) < 100
    assert deadlines.due(10_058.0) == []
    assert deadlines.due(10_059.0) == [b"a"]


def test_notes_keep_the_order_of_last_change() -> None:
    notes = Notes()
    notes.add([b"1", b"2"])
    notes.add([b"1"])
    notes.reset()
    changes = notes.take()
    assert (changes.keys, changes.reset) == ([b"2", b"1"], True)
    assert not notes
    assert notes.take().keys == []
