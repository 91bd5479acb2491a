"""Change feeds over a connection to the server: the barrier, gaps and reconnection of any such feed, and tracking.

The server pushes the names of changed keys, and writes the pushes of an event-loop turn before the replies of that
turn. So a read sent on this connection when a search arrives is answered after the push for every write acknowledged
before. The thread that searches does that round trip itself: handing it to another thread costs more than the trip.
"""

from __future__ import annotations

import secrets
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    NoPermissionError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from redisvss.stores.base import minimal_prefixes
from redisvss.stores.wire import Dialer, Wire, pack
from redisvss.sync.feed import MARKER_KEY, Changes, Feed, FeedLost, FeedUnavailable, Notes

WAIT_SECONDS = 5.0  # how long a search waits for a lost feed: the restart or failover of a small server fits
RETRY_SECONDS = 0.02  # first pause between attempts to reconnect; doubles up to RETRY_SECONDS_MAX
RETRY_SECONDS_MAX = 0.5
BACKGROUND_RETRY_SECONDS = 0.1  # pause of the background thread, which tries once per round

READ_MARKER = pack((b"GET", MARKER_KEY))
PING = pack((b"PING",))

_LOST = (ConnectionError, TimeoutError, OSError)
_NOT_NOW = (BusyLoadingError, MasterDownError, ClusterDownError, TryAgainError)


class SocketFeed(Feed):
    """One connection, used by one thread at a time; connects on the first `watch`."""

    def __init__(self, dialer: Dialer, wait_seconds: float = WAIT_SECONDS) -> None:
        """wait_seconds: how long `watch` and `barrier` wait for a connection to come back."""
        self._dialer = dialer
        self._wait_seconds = wait_seconds
        self._prefixes: tuple[bytes, ...] = ()
        self._notes = Notes()
        self._turn = threading.Lock()  # whoever uses the connection holds it
        self._wire: Wire | None = None
        self._started = 0  # barriers begun; read without the lock, see `barrier`
        self._finished = 0
        self._probe = READ_MARKER
        self._marker: bytes | None = None
        self._closed = False

    @abstractmethod
    def _subscribe(self, wire: Wire, prefixes: Sequence[bytes]) -> None:
        """Ask for the changes under `prefixes`; raises ResponseError where the server refuses."""

    @abstractmethod
    def _note(self, push: list[Any]) -> None:
        """Note what one push says."""

    def watch(self, prefixes: Sequence[bytes]) -> None:
        """On a second connection, which replaces the first once both have seen the same changes.

        `CLIENT TRACKING OFF` and `ON` on one connection, even within MULTI, loses changes made earlier in the same turn
        of the server's event loop: they are dropped with the old subscription (seen on Redis 7.0.15).
        """
        with self._own_turn() as deadline:
            self._prefixes = minimal_prefixes(prefixes)
            old, self._wire = self._wire, None
            try:
                if old is not None:
                    self._wire = self._open()
                    old.call(b"PING")
            except _LOST:
                self._lose()
            finally:
                if old is not None:
                    old.close()
            if self._wire is None:
                self._restore(deadline)

    def barrier(self) -> None:
        """Concurrent callers share a round trip: one that started after I arrived serves me.

        The count is read without the lock: had a barrier started before I read it, I wait for the next one.
        """
        arrived = self._started
        with self._own_turn() as deadline:
            if self._finished <= arrived:
                self._started += 1
                self._round_trip(deadline)
                self._finished = self._started

    def take(self) -> Changes:
        return self._notes.take()

    def wait(self, seconds: float) -> None:
        wire = self._wire
        try:
            if self._notes or (wire is not None and not wire.readable(seconds)):
                return
        except _LOST:
            pass  # lost, or just replaced: found out under the lock
        if not self._drain():
            time.sleep(BACKGROUND_RETRY_SECONDS)

    def mark(self) -> None:
        """Have a marker in the database; it lives only while there are indexes.

        It reads differently once SWAPDB has put another database in this one's place, of which there is no push.
        """
        if self._marker is None:
            self._touch_marker(b"SET", MARKER_KEY, secrets.token_hex(16), b"NX")

    def unmark(self) -> None:
        self._touch_marker(b"DEL", MARKER_KEY)

    def close(self) -> None:
        self._closed = True
        with self._turn:
            self._lose()

    @contextmanager
    def _own_turn(self) -> Iterator[float]:
        """The connection to oneself; yields the time at which to stop waiting for the server."""
        deadline = time.monotonic() + self._wait_seconds
        if not self._turn.acquire(timeout=self._wait_seconds):
            raise self._given_up("still trying to reconnect")
        try:
            yield deadline
        finally:
            self._turn.release()

    def _round_trip(self, deadline: float) -> None:
        while True:
            try:
                wire = self._wire or self._restore(deadline)
                reply = self._ask(wire)
            except _LOST as error:
                self._lose()
                if time.monotonic() > deadline:
                    raise self._given_up(error) from error
                continue
            if not isinstance(reply, Exception):
                return self._compare_marker(reply)
            self._pause_after(reply, deadline)

    def _ask(self, wire: Wire) -> Any:
        """One round trip: the marker, or an error; pushes that were on their way are noted."""
        wire.send(self._probe)
        return wire.reply()

    def _pause_after(self, refusal: Exception, deadline: float) -> None:
        """An error is no barrier: a busy server may answer it out of turn."""
        if isinstance(refusal, NoPermissionError) and self._probe is READ_MARKER:
            self._probe = PING
            return
        passing = isinstance(refusal, _NOT_NOW) or str(refusal).startswith("BUSY ")
        if not passing or time.monotonic() > deadline:
            raise self._given_up(refusal)
        time.sleep(RETRY_SECONDS)

    def _compare_marker(self, reply: Any) -> None:
        if self._probe is READ_MARKER and reply != self._marker:
            self._marker = reply
            self._notes.reset()

    def _touch_marker(self, *command: Any) -> None:
        with self._own_turn() as deadline:
            try:
                wire = self._wire or self._restore(deadline)
                wire.call(*command)
                self._marker = wire.call(b"GET", MARKER_KEY)
            except ResponseError:  # READONLY, NOPERM, OOM
                pass  # then SWAPDB goes unnoticed; all else is as before
            except _LOST:
                self._lose()

    def _drain(self) -> bool:
        """Note what has arrived; False when the connection is lost and one attempt did not bring it back."""
        with self._turn:
            if self._closed:
                return False
            try:
                if self._wire is None:
                    self._restore(time.monotonic())
                else:
                    self._wire.drain()
            except _LOST:
                self._lose()
            except (FeedLost, FeedUnavailable):
                return False
            return True

    def _restore(self, deadline: float) -> Wire:
        """A connection after none: what happened meanwhile is unknown. Raises FeedLost after `deadline`."""
        pause = RETRY_SECONDS
        while not self._closed:
            try:
                self._wire = self._open()
            except _LOST as error:
                if time.monotonic() + pause > deadline:
                    raise self._given_up(error) from error
                time.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)
            else:
                self._notes.reset()
                return self._wire
        raise FeedLost("The connection to Redis is closed")

    def _open(self) -> Wire:
        wire = self._dialer.dial(timeout=self._wait_seconds)
        try:
            wire.on_push = self._note
            self._subscribe(wire, self._prefixes)
            reply = self._ask(wire)
            if isinstance(reply, NoPermissionError):
                self._probe = PING
            elif isinstance(reply, Exception):
                raise reply
            else:
                self._compare_marker(reply)
        except ResponseError as error:
            wire.close()
            raise FeedUnavailable(f"{self._dialer.address} does not allow {self.description}: {error}") from error
        except _LOST:
            wire.close()
            raise
        return wire

    def _lose(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _given_up(self, reason: object) -> FeedLost:
        return FeedLost(
            f"Lost track of changes: no working connection to {self._dialer.address} within {self._wait_seconds:g} s"
            f" ({reason}). The search was not answered: it could miss newer writes. Retry when the server is back"
        )


class TrackingFeed(SocketFeed):
    """Client-side caching's invalidation pushes, in broadcast mode: every key under the prefixes, whoever writes it.

    Redis names keys without their database: a write to the same key of another one causes a needless re-read.
    """

    description = "CLIENT TRACKING"

    def _subscribe(self, wire: Wire, prefixes: Sequence[bytes]) -> None:
        command: list[bytes] = [b"CLIENT", b"TRACKING", b"ON", b"BCAST"]
        for prefix in prefixes if b"" not in prefixes else ():  # no PREFIX: every key
            command += (b"PREFIX", prefix)
        wire.call(*command)

    def _note(self, push: list[Any]) -> None:
        match push:
            case [b"invalidate", None]:  # FLUSHALL, or FLUSHDB of any database
                self._notes.reset()
            case [b"invalidate", [*keys]]:
                self._notes.add(keys)
