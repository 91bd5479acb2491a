"""The in-process doors: redis-py connection classes whose FT.* and JSON.* commands are answered by an engine.

Everything else goes to the server (or the embedded store) on the connection it always would, so that pipelines,
transactions, pub/sub and blocking commands keep their meaning. No socket and no encoding lie between redis-py and the
engine: values are handed over as redis-py's own parser would have made them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import redis
import redis.asyncio as redis_async
from fakeredis import FakeRedisConnection
from fakeredis.aioredis import FakeAsyncRedisConnection
from redis._parsers.base import BaseParser
from redis.exceptions import ResponseError

from redisvss.doors.conversation import Conversation, Route, Step
from redisvss.doors.probes import Observer, Probes
from redisvss.doors.shared import SharedEngine
from redisvss.engine import Engine
from redisvss.errors import CommandError
from redisvss.reply import Name, Ready, Reply, Set, lower

_PROBE = ("COMMAND", "INFO", "FT.SEARCH", "JSON.SET")


class Commands(list[tuple[Any, ...]]):
    """What `pack_command` gives to `send_packed_command`: commands still unpacked."""


class Turns:
    """The order of one connection's commands and replies, without I/O.

    A command of ours runs when every earlier reply has been read; nothing behind it is sent before it has run.
    """

    def __init__(self, shared: SharedEngine) -> None:
        self.conversation = Conversation(shared.owns, Probes(Engine.commands))
        self.due: deque[Step] = deque()  # one for each reply that will be asked for next
        self._later: deque[tuple[Any, ...]] = deque()

    def add(self, commands: Iterable[tuple[Any, ...]]) -> None:
        self._later.extend(commands)

    def ready(self, encoder: Any) -> list[tuple[Any, ...]]:
        """Commands to send now, in the form they came in where they are unchanged."""
        sending: list[tuple[Any, ...]] = []
        while self._later and not (self.due and self.due[-1].holds):
            command = self._later[0]
            args = _Encoded(command, encoder)
            if self.due and self.conversation.waits(args):
                break
            self._later.popleft()
            step = self.conversation.route(args)
            if step.route in (Route.FORWARD, Route.EXEC, Route.OPAQUE):
                sending.append(tuple(step.send) if step.send else command)
            if not step.confirmations:  # redis-py reads those one by one, as messages
                self.due.append(step)
        return sending


class _Encoded(Sequence[bytes]):
    """A command's words as bytes; only those that are looked at are encoded, so that plain commands cost little."""

    __slots__ = ("_encoder", "_utf8", "_words")

    def __init__(self, command: tuple[Any, ...], encoder: Any) -> None:
        name = command[0]
        first = name.encode() if isinstance(name, str) else bytes(name)
        self._words: tuple[Any, ...] = (*first.split(), *command[1:]) if b" " in first else (first, *command[1:])
        self._encoder = encoder
        self._utf8 = encoder.encoding == "utf-8" and encoder.encoding_errors == "strict"

    def __len__(self) -> int:
        return len(self._words)

    def __iter__(self) -> Iterator[bytes]:
        return map(self._bytes, self._words)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, slice):
            return [self._bytes(word) for word in self._words[item]]
        return self._bytes(self._words[item])

    def _bytes(self, word: Any) -> bytes:
        """As redis-py's encoder would; the usual types go past it, which takes a microsecond a word."""
        kind = type(word)
        if kind is bytes:
            encoded: bytes = word
        elif kind is str and self._utf8:
            encoded = word.encode()
        elif kind is int:
            encoded = b"%d" % word
        else:
            encoded = bytes(self._encoder.encode(word))
        return encoded


class _Door:
    """What the synchronous and the asyncio connections share: redis-py calls these without waiting."""

    encoder: Any
    protocol: Any

    def _open(self, shared: SharedEngine) -> None:
        self._shared = shared
        self._turns = Turns(shared)

    def pack_command(self, *args: Any) -> Commands:
        return Commands([args])

    def pack_commands(self, commands: Iterable[tuple[Any, ...]]) -> Commands:
        return Commands(commands)

    def _run(self, args: Sequence[bytes]) -> Reply:
        """Our answer; an error is returned, not raised, so that it can stand in EXEC's array."""
        try:
            return self._shared.get().execute(list(args), self._turns.conversation.session)
        except CommandError as error:
            return error

    def _own(self, reply: Reply, disable_decoding: bool) -> Any:
        """A reply of ours as redis-py's parser would hand it over; raises it when it is an error."""
        protocol = self._turns.conversation.session.protocol
        decoding = not disable_decoding and self.encoder.decode_responses
        value = self._value(reply if protocol >= 3 else lower(reply), decoding)
        if isinstance(value, ResponseError):
            raise value
        return value

    def _value(self, reply: Any, decoding: bool) -> Any:
        """A reply as redis-py hands it on; decoding: bytes become text."""
        return _converted(reply, self.encoder.decode if decoding else None)

    def _forwarded(self, step: Step, reply: Any) -> Any:
        """Let the conversation see a forwarded command's reply, which it may add to (COMMAND INFO, MODULE LIST …)."""
        conversation = self._turns.conversation
        if not conversation.observes(step):
            return reply
        seen = conversation.replied(step, reply)
        return reply if seen is reply else self._value(seen, self.encoder.decode_responses)

    def _refused(self, step: Step, error: ResponseError) -> None:
        conversation = self._turns.conversation
        if conversation.observes(step):
            conversation.replied(step, CommandError(str(error)))

    def _observed(self, observer: Observer, element: Any) -> Any:
        return observer(element)


@lru_cache(maxsize=1024)
def _encoded(name: str) -> bytes:
    """A simple string; the same few stand in every reply."""
    return name.encode("utf-8", "surrogateescape")


_SIMPLE = frozenset({int, float, bool, type(None)})


def _converted(reply: Any, decode: Callable[[bytes], Any] | None) -> Any:
    """By exact type, and without a call for what stays as it is: a page of hits is hundreds of values."""
    kind = type(reply)
    if kind in _SIMPLE:
        return reply
    if kind is bytes or (kind is Ready and decode is None):
        return reply if decode is None else decode(reply)
    if kind is str:
        return _encoded(reply) if decode is None else reply
    if kind is Name:
        return reply if decode is None else decode(reply)
    if kind is dict or kind is Ready:
        name = _encoded if decode is None else _same
        return {
            name(key) if type(key) is str else _converted(key, decode): (
                value if type(value) is bytes and decode is None else _converted(value, decode)
            )
            for key, value in reply.items()
        }
    if kind is list or kind is Set:
        return [_converted(item, decode) for item in reply]
    if isinstance(reply, CommandError):
        return BaseParser.parse_error(str(reply))  # type: ignore[no-untyped-call]
    return reply


def _same(name: str) -> str:
    return name


class SyncDoor(_Door):
    """Mixed in before a redis-py connection class; `redisvss`: the engine that answers."""

    def __init__(self, *args: Any, redisvss: SharedEngine, **kwargs: Any) -> None:
        self._open(redisvss)
        super().__init__(*args, **kwargs)
        self.register_connect_callback(self._ask_for_modules)  # type: ignore[attr-defined]

    def _ask_for_modules(self, connection: Any) -> None:
        if self._shared.native is None:
            packed = super(_Door, self).pack_command(*_PROBE)  # type: ignore[misc]
            super().send_packed_command(packed, check_health=False)  # type: ignore[misc]
            self._shared.learn(super().read_response())  # type: ignore[misc]  # not through our own probe answers

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self._turns = Turns(self._shared)
        super().disconnect(*args, **kwargs)  # type: ignore[misc]

    def send_command(self, *args: Any, **kwargs: Any) -> None:
        self.send_packed_command(Commands([args]), check_health=kwargs.get("check_health", True))

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self.is_connected:  # type: ignore[attr-defined]
            self.connect()  # type: ignore[attr-defined]
        if check_health:
            self.check_health()  # type: ignore[attr-defined]
        self._turns.add(command)
        self._send_ready()

    def _send_ready(self) -> None:
        if commands := self._turns.ready(self.encoder):
            packed = super(_Door, self).pack_commands(commands)  # type: ignore[misc]  # redis-py's own
            super().send_packed_command(packed, check_health=False)  # type: ignore[misc]

    def can_read(self, timeout: float = 0) -> bool:
        due = self._turns.due
        local = bool(due) and due[0].route in (Route.OURS, Route.ANSWER)
        return local or super().can_read(timeout)  # type: ignore[misc]

    def read_response(self, disable_decoding: bool = False, **kwargs: Any) -> Any:
        turns = self._turns
        if not turns.due:
            return super().read_response(disable_decoding=disable_decoding, **kwargs)  # type: ignore[misc]
        step = turns.due.popleft()
        try:
            return self._answer(step, disable_decoding, kwargs)
        finally:
            if turns is self._turns and not turns.due:
                self._send_ready()

    def _answer(self, step: Step, disable_decoding: bool, kwargs: dict[str, Any]) -> Any:
        if step.route is Route.OURS:
            return self._own(self._run(step.args), disable_decoding)
        if step.route is Route.ANSWER:
            return self._own(step.reply, disable_decoding)
        try:
            reply = super().read_response(disable_decoding=disable_decoding, **kwargs)  # type: ignore[misc]
        except ResponseError as error:
            if step.route is Route.EXEC:
                self._turns.conversation.executed(None, self._observed)
            self._refused(step, error)
            raise
        return self._spliced(reply, disable_decoding) if step.route is Route.EXEC else self._forwarded(step, reply)

    def _spliced(self, reply: Any, disable_decoding: bool) -> Any:
        executed = self._turns.conversation.executed(reply, self._observed)
        if executed is None:
            return reply
        return executed.splice([_kept(self, self._run(args), disable_decoding) for args in executed.own])


class AsyncDoor(_Door):
    """As SyncDoor for redis.asyncio; commands of ours run in a thread, the event loop goes on."""

    def __init__(self, *args: Any, redisvss: SharedEngine, **kwargs: Any) -> None:
        self._open(redisvss)
        super().__init__(*args, **kwargs)
        self.register_connect_callback(self._ask_for_modules)  # type: ignore[attr-defined]

    async def _ask_for_modules(self, connection: Any) -> None:
        if self._shared.native is None:
            packed = super(_Door, self).pack_command(*_PROBE)  # type: ignore[misc]
            await super().send_packed_command(packed, check_health=False)  # type: ignore[misc]
            self._shared.learn(await super().read_response())  # type: ignore[misc]  # not through our own probe answers

    async def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self._turns = Turns(self._shared)
        await super().disconnect(*args, **kwargs)  # type: ignore[misc]

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        await self.send_packed_command(Commands([args]), check_health=kwargs.get("check_health", True))

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self.is_connected:  # type: ignore[attr-defined]
            await self.connect()  # type: ignore[attr-defined]
        if check_health:
            await self.check_health()  # type: ignore[attr-defined]
        self._turns.add(command)
        await self._send_ready()

    async def _send_ready(self) -> None:
        if commands := self._turns.ready(self.encoder):
            pack = super(_Door, self).pack_command  # type: ignore[misc]  # redis-py's own; its plural calls ours
            packed = [chunk for command in commands for chunk in pack(*command)]
            await super().send_packed_command(packed, check_health=False)  # type: ignore[misc]

    async def can_read(self, *args: Any, **kwargs: Any) -> bool:
        due = self._turns.due
        local = bool(due) and due[0].route in (Route.OURS, Route.ANSWER)
        return local or await super().can_read(*args, **kwargs)  # type: ignore[misc]

    async def read_response(self, disable_decoding: bool = False, **kwargs: Any) -> Any:
        turns = self._turns
        if not turns.due:
            return await super().read_response(disable_decoding=disable_decoding, **kwargs)  # type: ignore[misc]
        step = turns.due.popleft()
        try:
            return await self._answer(step, disable_decoding, kwargs)
        finally:
            if turns is self._turns and not turns.due:
                await self._send_ready()

    async def _answer(self, step: Step, disable_decoding: bool, kwargs: dict[str, Any]) -> Any:
        if step.route is Route.OURS:
            return self._own(await asyncio.to_thread(self._run, step.args), disable_decoding)
        if step.route is Route.ANSWER:
            return self._own(step.reply, disable_decoding)
        try:
            reply = await super().read_response(disable_decoding=disable_decoding, **kwargs)  # type: ignore[misc]
        except ResponseError as error:
            if step.route is Route.EXEC:
                self._turns.conversation.executed(None, self._observed)
            self._refused(step, error)
            raise
        if step.route is Route.EXEC:
            return await self._spliced(reply, disable_decoding)
        return self._forwarded(step, reply)

    async def _spliced(self, reply: Any, disable_decoding: bool) -> Any:
        executed = self._turns.conversation.executed(reply, self._observed)
        if executed is None:
            return reply
        own = [await asyncio.to_thread(self._run, args) for args in executed.own]
        return executed.splice([_kept(self, result, disable_decoding) for result in own])


def _kept(door: _Door, reply: Reply, disable_decoding: bool) -> Any:
    """A reply inside EXEC's array, where an error is an element."""
    try:
        return door._own(reply, disable_decoding)
    except ResponseError as error:
        return error


class EmbeddedConnection(SyncDoor, FakeRedisConnection):  # type: ignore[misc]
    """No server: documents live in a fakeredis FakeServer."""


class ServerConnection(SyncDoor, redis.Connection):
    """TCP."""


class SSLServerConnection(SyncDoor, redis.SSLConnection):
    """TLS."""


class UnixServerConnection(SyncDoor, redis.UnixDomainSocketConnection):
    """Unix socket."""


class AsyncEmbeddedConnection(AsyncDoor, FakeAsyncRedisConnection):  # type: ignore[misc]
    """As EmbeddedConnection, for asyncio."""


class AsyncServerConnection(AsyncDoor, redis_async.Connection):  # type: ignore[misc]
    """TCP, for asyncio."""


class AsyncSSLServerConnection(AsyncDoor, redis_async.SSLConnection):  # type: ignore[misc]
    """TLS, for asyncio."""


class AsyncUnixServerConnection(AsyncDoor, redis_async.UnixDomainSocketConnection):  # type: ignore[misc]
    """Unix socket, for asyncio."""


# redis-py's own class → ours, and the class the engine's store dials with
DOORS: dict[type[Any], tuple[type[Any], type[Any]]] = {
    redis.Connection: (ServerConnection, redis.Connection),
    redis.SSLConnection: (SSLServerConnection, redis.SSLConnection),
    redis.UnixDomainSocketConnection: (UnixServerConnection, redis.UnixDomainSocketConnection),
    redis_async.Connection: (AsyncServerConnection, redis.Connection),
    redis_async.SSLConnection: (AsyncSSLServerConnection, redis.SSLConnection),
    redis_async.UnixDomainSocketConnection: (AsyncUnixServerConnection, redis.UnixDomainSocketConnection),
}
