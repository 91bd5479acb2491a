"""The change feed for servers that refuse CLIENT TRACKING: keyspace notifications.

They too are written before the reply to the command they report; FLUSHALL, FLUSHDB and SWAPDB, of which there is none,
show in the marker the barrier reads. Weaker than tracking in one respect: they come only while the setting
`notify-keyspace-events` says so. The barrier checks it where CONFIG is allowed; elsewhere nobody must change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError, ResponseError

from redisvss.stores.base import escape_glob
from redisvss.stores.wire import Wire, pack
from redisvss.sync.feed import PROBE_KEY, FeedUnavailable
from redisvss.sync.feed_socket import PING, SocketFeed

SETTING = b"notify-keyspace-events"
READ_SETTING = pack((b"CONFIG", b"GET", SETTING))
EVERY_CHANGE = frozenset(b"g$lshzxetd")  # what A stands for


class KeyspaceFeed(SocketFeed):
    description = "keyspace notifications"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._channel = b"__keyspace@%d__:" % self._dialer.db
        self._setting_readable = True
        self._probe_seen = False

    def mark(self) -> None:
        super().mark()
        if self._marker is None:
            raise FeedUnavailable(
                "Without CLIENT TRACKING, a FLUSHALL is noticed by a marker key, and this user may not write one: "
                "allow CLIENT TRACKING, or SET on redisvss:*"
            )

    def _subscribe(self, wire: Wire, prefixes: Sequence[bytes]) -> None:
        self._switch_on(wire)
        patterns = [escape_glob(self._channel + prefix) + b"*" for prefix in prefixes]
        wire.send(pack((b"PSUBSCRIBE", *patterns)) + PING)  # answered by pushes alone, unless refused
        reply = wire.reply()
        if isinstance(reply, Exception):
            raise reply
        if not self._setting_readable:
            self._try_out(wire)

    def _note(self, push: list[Any]) -> None:
        match push:
            case [b"pmessage", _, bytes(channel), _]:
                key = channel[len(self._channel) :]
                self._notes.add([key])
                self._probe_seen |= key == PROBE_KEY

    def _ask(self, wire: Wire) -> Any:
        if not self._setting_readable:
            return super()._ask(wire)
        wire.send(self._probe + READ_SETTING)
        reply, setting = wire.replies(2)
        if not isinstance(setting, Exception) and not _sufficient(setting[SETTING]):
            raise ConnectionError("keyspace notifications were switched off")  # a gap: reconnecting switches them on
        return reply

    def _switch_on(self, wire: Wire) -> None:
        try:
            flags = wire.call(b"CONFIG", b"GET", SETTING)[SETTING]
            if not _sufficient(flags):
                wire.call(b"CONFIG", b"SET", SETTING, flags + b"KA")
            self._setting_readable = True
        except (ResponseError, KeyError):  # blocked, as managed services do; KeyError: no such setting to show
            self._setting_readable = False

    def _try_out(self, wire: Wire) -> None:
        self._probe_seen = False
        wire.call(b"HSET", PROBE_KEY, b"f", b"")
        wire.call(b"DEL", PROBE_KEY)
        wire.call(b"PING")
        if not self._probe_seen:
            raise ResponseError(
                "they are off and this user may not switch them on: "
                "have `notify-keyspace-events KA` set (a managed service has it among its parameters)"
            )


def _sufficient(flags: bytes) -> bool:
    return b"K" in flags and (b"A" in flags or set(flags) >= EVERY_CHANGE)
