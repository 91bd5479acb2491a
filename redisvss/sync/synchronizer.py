"""Keeps every index of an engine true to the documents, and proves it before a search answers.

A search calls `fresh`: the barrier names every acknowledged change, the names are routed to the indexes whose prefixes
they match, catalogue changes are handed to the engine, and the index searched reads what is pending for it. Two threads
do the same ahead of searches: one follows the feed, one scans. Locks are taken in the order catalogue, membership,
routing; `on_catalog` runs under the first alone and may call `add` and `remove`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from redis.exceptions import ConnectionError, RedisError, TimeoutError

from redisvss.stores.base import Store, minimal_prefixes
from redisvss.stores.embedded import EmbeddedStore
from redisvss.stores.server import ServerStore
from redisvss.stores.wire import Dialer
from redisvss.sync.feed import MARKER_KEY, OWN_PREFIX, PROBE_KEY, Feed, FeedLost, FeedUnavailable
from redisvss.sync.feed_embedded import EmbeddedFeed
from redisvss.sync.feed_keyspace import KeyspaceFeed
from redisvss.sync.feed_socket import WAIT_SECONDS, TrackingFeed
from redisvss.sync.refresh import BATCH, Follower, Indexed
from redisvss.sync.scan import ScanState, scan

DRAIN_SECONDS = 0.02  # between background rounds: keeps the server's output buffer small, and is idle in between
IDLE_SECONDS = 1.0  # how long the background thread sleeps at most when nothing changes
RETRY_SECONDS = 0.1  # pause after a failed scan or read

# What the engine does with changes under `redisvss:`: the keys, or None when any of them may have changed.
OnCatalog = Callable[["list[bytes] | None"], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """consistency: "eventual" answers from what has been applied, without asking the server what else changed.

    wait_seconds: how long a search waits for a lost connection before it fails.
    """

    consistency: Literal["strict", "eventual"] = "strict"
    wait_seconds: float = WAIT_SECONDS


class Synchronizer:
    def __init__(
        self,
        store: Store,
        on_catalog: OnCatalog | None = None,
        options: Options | None = None,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        """Connects the feed; raises FeedUnavailable or FeedLost. Call `start` once the callbacks may be called.

        on_turn: called by the background thread, with no lock held, whenever it has looked for changes.
        """
        self._store = store
        self._on_catalog = on_catalog
        self._on_turn = on_turn
        self._options = options or Options()
        self._followers: dict[int, _Followed] = {}  # by id(index); replaced, never changed, so readers need no lock
        self._membership = threading.Lock()
        self._routing = threading.Lock()
        self._catalog = threading.RLock()
        self._catalog_keys: list[bytes] = []
        self._catalog_reset = False
        self._scans: queue.SimpleQueue[_Followed | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._feed = open_feed(store, self._options.wait_seconds)

    @property
    def feed(self) -> str:
        """How changes are learnt, for FT.INFO."""
        return self._feed.description

    def start(self) -> None:
        """Begin to follow; calls `on_catalog(None)` once, before it returns."""
        self._route()
        for name, run in (("feed", self._follow_feed), ("scan", self._scan_on_demand)):
            thread = threading.Thread(target=run, name=f"redisvss-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        self._closing.set()
        self._scans.put(None)
        self._feed.close()
        for followed in self._followers.values():
            followed.scans.abandon()
        for thread in self._threads:
            if thread is not threading.current_thread():  # closed by a collection that ran in one of them
                thread.join()

    def add(self, index: Indexed, scan: bool = True) -> None:
        """Follow the documents of `index` from now on; scan: read those that are there already.

        On return every later change will reach it.
        """
        followed = _Followed(index, self._store)
        with self._membership:
            self._followers = {**self._followers, id(index): followed}
            try:
                self._feed.watch(self._prefixes())
                self._feed.mark()
            except BaseException:
                self._forget(index)
                raise
        if scan:
            self._want_scan(followed)

    def remove(self, index: Indexed) -> None:
        """Follow it no longer; a search that waits for it is let go."""
        with self._membership:
            self._forget(index)
            self._feed.watch(self._prefixes())
            if not self._followers:
                self._feed.unmark()

    def rescan(self, index: Indexed) -> None:
        """Read every document again, as after FT.ALTER; searches of the index wait for it."""
        if followed := self._followers.get(id(index)):
            self._want_scan(followed)

    def fresh(self, index: Indexed | None = None) -> None:
        """On return `index` (None: every index) reflects every change acknowledged before the call.

        Raises FeedLost when that cannot be had in time. Must not be called with a lock held that `on_catalog` takes.
        """
        self.observe()
        self.complete(index)

    def observe(self) -> None:
        """Learn of every change acknowledged before the call, and bring the catalogue up to date with them."""
        if self._options.consistency == "strict":
            self._feed.barrier()
        self._route()

    def complete(self, index: Indexed | None = None) -> None:
        """Bring `index` up to date with what `observe` has learnt; waits for its scan. No-op if it is not followed."""
        for followed in list(self._followers.values()):
            if index is None or followed.index is index:
                self._complete(followed)

    def _complete(self, followed: _Followed) -> None:
        """Waits for a server that went away since `observe`."""
        deadline = time.monotonic() + self._options.wait_seconds
        while True:
            try:
                followed.scans.wait(self._options.wait_seconds)
                return followed.catch_up()
            except (ConnectionError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise FeedLost(f"Documents could not be read from Redis: {error}") from error
            time.sleep(RETRY_SECONDS)
            self.observe()

    def _prefixes(self) -> tuple[bytes, ...]:
        ours = [prefix for followed in self._followers.values() for prefix in followed.prefixes]
        return minimal_prefixes([OWN_PREFIX, *ours])

    def _forget(self, index: Indexed) -> None:
        remaining = dict(self._followers)
        followed = remaining.pop(id(index), None)
        self._followers = remaining
        if followed is not None:
            followed.scans.abandon()

    def _want_scan(self, followed: _Followed) -> None:
        followed.scans.want()
        self._scans.put(followed)

    def _route(self) -> None:
        """Hand what the feed has noted to the indexes and the catalogue.

        Both locks are taken even when there is nothing: another thread may have taken what this one asked for, and
        not be through with it.
        """
        with self._routing:
            changes = self._feed.take()
            if changes.reset:
                self._catalog_reset = True
                for followed in self._followers.values():
                    followed.scans.want()  # from here on searches wait
            if changes.keys:
                self._catalog_keys += [key for key in changes.keys if key.startswith(OWN_PREFIX)]
                documents = [key for key in changes.keys if not key.startswith(OWN_PREFIX)]
                for followed in self._followers.values():
                    followed.note_matching(documents)
        with self._catalog:
            if self._catalog_reset or self._catalog_keys:
                self._tell_catalog()

    def _tell_catalog(self) -> None:
        with self._routing:
            keys, self._catalog_keys = self._catalog_keys, []
            reset, self._catalog_reset = self._catalog_reset, False
        try:
            self._call_on_catalog(keys, reset)
            if reset:
                self._start_over()
        except BaseException:
            with self._routing:  # still to be told before a search may answer
                self._catalog_keys = keys + self._catalog_keys
                self._catalog_reset = reset or self._catalog_reset
            raise

    def _call_on_catalog(self, keys: list[bytes], reset: bool) -> None:
        told = [key for key in keys if key not in (MARKER_KEY, PROBE_KEY)]
        if self._on_catalog is not None and (reset or told):
            self._on_catalog(None if reset else told)

    def _start_over(self) -> None:
        """Scan everything. The marker first: were the database replaced after it was read, that would be noticed."""
        if self._followers:
            self._feed.mark()
        for followed in self._followers.values():
            self._scans.put(followed)

    def _follow_feed(self) -> None:
        while not self._closing.wait(DRAIN_SECONDS):
            behind = any(followed.behind and followed.scans.complete for followed in self._followers.values())
            self._feed.wait(0 if behind else IDLE_SECONDS)
            try:
                self._route()
                for followed in self._followers.values():
                    if followed.scans.complete:
                        followed.catch_up(BATCH)
                if self._on_turn is not None:
                    self._on_turn()
            except Exception as error:  # what failed stays pending: the next search meets the same error and raises it
                expected = isinstance(error, RedisError)
                _log.log(logging.INFO if expected else logging.ERROR, "Changes wait for a search", exc_info=error)
                self._closing.wait(RETRY_SECONDS)

    def _scan_on_demand(self) -> None:
        while (followed := self._scans.get()) is not None:
            try:
                self._scan(followed)
            except Exception as error:  # raised to whoever waits for the scan; tried again after the other indexes'
                if self._closing.is_set():
                    return
                trace = None if isinstance(error, RedisError) else error  # a server that restarts is no fault of ours
                _log.warning(
                    "Scan of index %r failed, will try again: %s", followed.index.definition.name, error, exc_info=trace
                )
                followed.scans.fail(error)
                self._closing.wait(RETRY_SECONDS)
                self._scans.put(followed)

    def _scan(self, followed: _Followed) -> None:
        while not (followed.scans.complete or self._gone(followed)):
            wanted = followed.scans.wanted
            if scan(followed, self._store, lambda: self._gone(followed), lambda: self._noted(followed)):
                followed.scans.finish(wanted)

    def _noted(self, followed: _Followed) -> frozenset[bytes]:
        self.observe()
        return followed.pending()

    def _gone(self, followed: _Followed) -> bool:
        return self._closing.is_set() or self._followers.get(id(followed.index)) is not followed


class _Followed(Follower):
    def __init__(self, index: Indexed, store: Store) -> None:
        super().__init__(index, store)
        self.scans = ScanState()


def open_feed(store: Store, wait_seconds: float = WAIT_SECONDS) -> Feed:
    """The best feed the store's server allows, following our own keys only; raises FeedUnavailable when none is."""
    match store:
        case EmbeddedStore():
            return EmbeddedFeed(store)
        case ServerStore():
            return _open_socket_feed(store.dialer, wait_seconds)
        case _:
            raise FeedUnavailable(f"No change feed for a store of kind {store.kind!r}")


def _open_socket_feed(dialer: Dialer, wait_seconds: float) -> Feed:
    refusals: list[str] = []
    for kind in (TrackingFeed, KeyspaceFeed):
        feed = kind(dialer, wait_seconds)
        try:
            feed.watch((OWN_PREFIX,))
        except FeedUnavailable as refusal:
            refusals.append(str(refusal))
        else:
            return feed
    raise FeedUnavailable("; ".join(refusals))
