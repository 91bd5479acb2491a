"""One client of the server: its bytes to Redis and back untouched, commands of ours answered between them in order.

It joins the codec, the conversation and the client's own link to Redis, and keeps all buffers bounded: whoever does not
take what is meant for it stops the other side from being read. It must not know how connections are accepted, what the
engine does, or what Redis's replies say beyond what the conversation asks to see.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from redisvss.doors.conversation import PLAIN, Route, Step
from redisvss.doors.host import Host
from redisvss.doors.link import WRITE_LIMIT, Link, keep_alive
from redisvss.doors.probes import Observer
from redisvss.doors.resp import (
    Command,
    CommandParser,
    ProtocolError,
    ReplySplitter,
    array,
    decode,
    elements,
)
from redisvss.doors.resp_encode import encode, encode_error
from redisvss.errors import CommandError
from redisvss.reply import Reply

log = logging.getLogger("redisvss.server")

MAX_BACKLOG: Final = 1 << 20  # bytes of commands read but not yet sent on; then the client is not read further
MAX_PENDING: Final = 10_000  # commands sent whose replies are due
MAX_RUN: Final = 32  # JSON commands of a pipeline that run together; their replies wait for the last of them
MAX_PLAIN: Final = 4096  # names of plain commands remembered; clients may send any nonsense for a name
LINGER: Final = 5.0  # seconds a client is given to take replies still due when it, or we, have closed

UPSTREAM_LOST: Final = "ERR redisvss: the connection to the upstream Redis was lost"

_PUSH, _ARRAY, _STATUS, _ERROR = b">*+-"
_MESSAGES: Final = frozenset({b"message", b"pmessage", b"smessage"})
_CONFIRMATIONS: Final = frozenset(
    {b"subscribe", b"psubscribe", b"ssubscribe", b"unsubscribe", b"punsubscribe", b"sunsubscribe"}
)
_MONITOR_LINE: Final = re.compile(rb"\+\d+\.\d{6} \[")


@dataclass(frozen=True)
class Asked(Step):
    """A question of our own on the client's connection; the client does not see the answer."""

    answer: asyncio.Future[Reply] | None = None


class ClientConnection(asyncio.Protocol):
    def __init__(self, host: Host) -> None:
        self._host = host
        self._parser = CommandParser()
        self._splitter = ReplySplitter()
        self.conversation = host.conversation()
        self._plain = host.plain
        self._waiting: deque[Command] = deque()  # read, not yet sent on
        self._backlog = 0  # bytes read since `_waiting` was last empty
        self._pending: deque[Step] = deque()  # sent, in order of the replies due
        self._held = False  # a command of ours runs, or EXEC will start some: nothing later is sent
        self._confirmed = 0  # confirmations seen of the SUBSCRIBE at the head of `_pending`
        self._partial: list[bytes] = []  # the beginning of a reply that must be seen whole
        self._streaming = False  # the beginning of the current reply has been passed on already
        self._out: list[bytes] = []  # for the client, written once per turn
        self._link: Link | None = None
        self._opaque = False
        self._client_full = self._link_full = self._reading_paused = False
        self._ended = self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport

    # The client's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_LIMIT)
        keep_alive(transport)
        self._host.opened(self)
        self._start(self._open_link())

    def data_received(self, data: bytes) -> None:
        if self._opaque and self._link is not None:
            self._link.forward(data)
            return
        commands = self._parser.feed(data)
        self._host.metrics.commands += len(commands)
        if self._parser.whole and self._link is not None and self._may_send_all(commands):
            self._pending.extend([PLAIN] * len(commands))
            self._link.send_all(commands, data)
            return
        self._waiting.extend(commands)
        self._backlog += len(data)
        self._pump()

    def eof_received(self) -> bool:
        """Keep the connection open for the replies still due (`printf … | nc`), for a while."""
        self._ended = True
        asyncio.get_running_loop().call_later(LINGER, self.abort)
        self._pump()
        return not self._transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.closed(self)
        for task in self._tasks:
            task.cancel()
        self._fail_questions()
        if self._link is not None:
            self._link.close()

    def pause_writing(self) -> None:
        self._client_full = True
        if self._link is not None:
            self._link.pause_reading()

    def resume_writing(self) -> None:
        self._client_full = False
        if self._link is not None:
            self._link.resume_reading()
        self._pump()

    def abort(self) -> None:
        self._transport.abort()

    def drain(self) -> None:
        """The server stops: close as soon as nothing is due."""
        self._draining = True
        self._pump()

    @property
    def peer(self) -> str:
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) and len(name) > 1 else "unix"

    # From the client to Redis

    async def _open_link(self) -> None:
        try:
            link = await self._host.link(self)
        except OSError as error:
            log.warning("upstream unreachable", extra={"client": self.peer, "error": str(error)})
            self._end(f"ERR redisvss: the upstream Redis cannot be reached: {error}")
            return
        if self._transport.is_closing():
            link.close()
            return
        self._link = link
        self._pump()

    def _pump(self) -> None:
        """Send on what may be sent."""
        link = self._link
        if link is not None and not self._transport.is_closing():
            while self._waiting and self._may_send(self._waiting[0].args):
                self._send(link, self._waiting.popleft())
            link.flush()
            if not self._waiting and not self._pending and not self._held:
                self._nothing_due()
        self._throttle()

    def _may_send_all(self, commands: list[Command]) -> bool:
        """Whether these, just read, can all go as they are: the short way of nearly everything a client sends."""
        if self._waiting or self._held or self._client_full or self._link_full or self._ended:
            return False
        plain = self._plain
        return len(self._pending) + len(commands) <= MAX_PENDING and all(c.args[0] in plain for c in commands)

    def _may_send(self, args: list[bytes]) -> bool:
        if self._held or self._client_full or self._link_full or len(self._pending) >= MAX_PENDING:
            return False
        return not self._pending or args[0] in self._plain or not self.conversation.waits(args)

    def _send(self, link: Link, command: Command) -> None:
        args, raw = command
        if args[0] in self._plain:
            link.send(args, raw)
            self._pending.append(PLAIN)
            return
        if (own := self.conversation.own(args)) is not None:
            self._held = True
            self._run_own(self._joined(own))
            return
        step = self.conversation.route(args)
        match step.route:
            case Route.ANSWER:
                self._reply(step.reply)
                self._flush()
            case Route.OPAQUE:
                self._turn_opaque(link, command)
            case _:
                if step is PLAIN and len(self._plain) < MAX_PLAIN and self.conversation.plain(args[0]):
                    self._plain.add(args[0])
                link.send(args, raw) if step.send is None else link.send(step.send, None)
                self._pending.append(step)
                self._held = step.holds

    def _joined(self, own: Sequence[bytes]) -> list[Sequence[bytes]]:
        """A JSON command with those right behind it: the way to a thread and back takes longer than most of them.

        Who may run them depends on their keys alone, not on what an earlier one does.
        """
        run = [own]
        if self._is_joinable(own):
            while self._waiting and len(run) < MAX_RUN and self._is_joinable(self._waiting[0].args):
                run.append(self._waiting.popleft().args)
        return run

    def _is_joinable(self, args: Sequence[bytes]) -> bool:
        return args[0][:5].upper() == b"JSON." and self.conversation.own(args) is not None

    def _nothing_due(self) -> None:
        if self._parser.error is not None:
            self._end(f"ERR Protocol error: {self._parser.error}")
        elif self._ended or self._draining:
            self._end()

    def _throttle(self) -> None:
        """Stop or go on reading the client."""
        if not self._waiting:
            self._backlog = 0
        full = self._backlog > MAX_BACKLOG
        if full != self._reading_paused and not self._transport.is_closing():
            self._reading_paused = full
            self._transport.pause_reading() if full else self._transport.resume_reading()

    def _turn_opaque(self, link: Link, command: Command) -> None:
        """Replication: from here on the stream is neither commands nor replies."""
        self._opaque = True
        link.send(*command)
        for later in self._waiting:
            link.send(*later)
        self._waiting.clear()

    async def ask(self, *args: bytes) -> Reply:
        """Put a question of our own to Redis as this client's user; no other command may be under way."""
        if self._link is None:
            raise CommandError(UPSTREAM_LOST)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending.append(Asked(Route.FORWARD, args, answer=answer))
        self._link.send(args, None)
        self._link.flush()
        return await answer

    # Commands of ours

    def _run_own(self, run: Sequence[Sequence[bytes]]) -> None:
        """Without a task where nobody is to be asked first: its turns of the loop are a tenth of a small search."""
        if self._may_run(run):
            self._host.start_executing(run, self.conversation.session, partial(self._executed_own, run))
        else:
            self._start(self._answer(run))

    def _may_run(self, run: Sequence[Sequence[bytes]]) -> bool:
        talk = self.conversation
        return talk.transaction is None and not talk.listens_only and self._host.granted(self, run)

    def _executed_own(self, run: Sequence[Sequence[bytes]], replies: Sequence[Reply | Exception]) -> None:
        if self._transport.is_closing():
            return
        if any(isinstance(reply, Exception) for reply in replies) or not self._host.granted(self, run):
            self._start(self._tell(run, replies))
            return
        for reply in replies:
            self._reply(cast(Reply, reply))
        self._release()

    async def _tell(self, run: Sequence[Sequence[bytes]], replies: Sequence[Reply | Exception]) -> None:
        for args, reply in zip(run, replies, strict=True):
            self._reply(await self._told(args, reply))
        self._release()

    async def _answer(self, run: Sequence[Sequence[bytes]]) -> None:
        steps = [await self._routed(args) for args in run]
        replies = iter(await self._run([step.args for step in steps if step.route is Route.OURS]))
        for step in steps:
            self._reply(next(replies) if step.route is Route.OURS else step.reply)
        self._release()

    async def _routed(self, args: Sequence[bytes]) -> Step:
        error = None if self.conversation.listens_only else await self._host.permit(self, args)
        return self.conversation.route(args) if error is None else self.conversation.refuse(error)

    async def _run(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        replies = await self._host.execute(commands, self.conversation.session) if commands else ()
        return [await self._told(args, reply) for args, reply in zip(commands, replies, strict=True)]

    async def _told(self, args: Sequence[bytes], reply: Reply | Exception) -> Reply:
        match reply:
            case CommandError():
                return reply
            case Exception():  # a fault of ours must not take the client's connection, nor anybody else's
                shown = {"client": self.peer, "command": args[0].decode("latin-1")}
                log.error("command failed", exc_info=reply, extra=shown)
                return CommandError("ERR redisvss: internal error, see the server's log")
            case _:
                return await self._host.permit_answer(self, args) or reply

    async def _finish_exec(
        self, own: Sequence[Sequence[bytes]], splice: Callable[[Sequence[bytes]], list[bytes]]
    ) -> None:
        results: list[bytes] = []
        for args in own:
            error = await self._host.permit(self, args)
            reply = (await self._run([args]))[0] if error is None else error
            results.append(encode(reply, self.conversation.session.protocol))
        self._emit(array(splice(results)))
        self._release()

    def _release(self) -> None:
        self._held = False
        self._flush()
        self._pump()

    # From Redis to the client

    def upstream_data(self, data: bytes) -> None:
        if self._opaque:
            self._transport.write(data)
            return
        try:
            self._pass_on(data, self._splitter.feed(data))
        except ProtocolError as error:
            log.error("upstream speaks no RESP", extra={"error": str(error)})
            self._end(UPSTREAM_LOST)
            return
        self._flush()
        if self._waiting or self._ended or self._draining or self._parser.error is not None:
            self._pump()

    def _pass_on(self, data: bytes, ends: list[int]) -> None:
        """Hand each reply on; runs of those nobody needs to see go out as one piece."""
        pending, start, run = self._pending, 0, 0
        quiet = self._quiet()
        for end in ends:
            if quiet and pending and pending[0] is PLAIN and self._unseen(data, start):
                pending.popleft()
                self._streaming = False
            else:
                self._out.append(data[run:start])
                self._whole(data[start:end])
                run = end
                quiet = self._quiet()
            start = end
        self._out.append(data[run:start])
        if start < len(data):
            self._part(data[start:])

    def _quiet(self) -> bool:
        """Whether a reply to a plain command can be passed on unseen."""
        talk = self.conversation
        return talk.transaction is None and not talk.muted and not talk.monitoring and not len(talk.subscriptions)

    def _unseen(self, data: bytes, start: int) -> bool:
        """Whether the reply ending in `data` is no push and nothing of it was kept."""
        return self._streaming or (not self._partial and data[start] != _PUSH)

    def _part(self, rest: bytes) -> None:
        """The beginning, or more, of a reply that is not complete: streamed on if nobody needs to see it whole."""
        if not self._streaming and not self._partial:
            head = self._pending[0] if self._pending else None
            self._streaming = head is PLAIN and self._quiet() and rest[0] != _PUSH
        (self._out if self._streaming else self._partial).append(rest)

    def _whole(self, last: bytes) -> None:
        """A reply (its `last` part) that has to be looked at."""
        frame = b"".join((*self._partial, last)) if self._partial else last
        self._partial.clear()
        if self._is_message(frame) or not self._pending:  # nothing due: a last word before Redis closes
            self._out.append(frame)
            return
        step = self._pending[0]
        if step.confirmations and frame[0] != _ERROR:
            self._confirm(step, frame)
            return
        self._pending.popleft()
        if isinstance(step, Asked):
            if step.answer is not None and not step.answer.done():
                step.answer.set_result(decode(frame))
        elif step.route is Route.EXEC:
            self._executed(step, frame)
        else:
            self._emit(self._observed(step, frame))

    def _observed(self, step: Step, frame: bytes) -> bytes:
        if not self.conversation.observes(step):
            return frame
        reply = decode(frame)
        answer = self.conversation.replied(step, reply)
        return frame if answer is reply else encode(answer, self.conversation.session.protocol)

    def _executed(self, step: Step, frame: bytes) -> None:
        executed = self.conversation.executed(elements(frame), self._observe_element)
        if executed is not None and executed.own:
            self._start(self._finish_exec(executed.own, executed.splice))
            return
        self._held = False
        self._emit(frame if executed is None else array(executed.splice([])))

    def _observe_element(self, observe: Observer, frame: bytes) -> bytes:
        reply = decode(frame)
        answer = observe(reply)
        return frame if answer is reply else encode(answer, self.conversation.session.protocol)

    def _is_message(self, frame: bytes) -> bool:
        """Whether the frame answers no command: a push, a RESP2 subscriber's message, a MONITOR line."""
        talk = self.conversation
        if frame[0] == _STATUS:
            return talk.monitoring and _MONITOR_LINE.match(frame) is not None
        if frame[0] == _ARRAY:
            return len(talk.subscriptions) > 0 and _first(frame) in _MESSAGES
        if frame[0] != _PUSH:
            return False
        head = self._pending[0] if self._pending else None
        if (kind := _first(frame)) not in _CONFIRMATIONS:
            return True
        if head is not None and head.confirmations and head.args[0] == kind:
            return False
        self._subscribed(frame)  # Redis took a subscription away
        return True

    def _confirm(self, step: Step, frame: bytes) -> None:
        self._subscribed(frame)
        self._confirmed += 1
        self._out.append(frame)
        if self._confirmed == step.confirmations:
            self._confirmed = 0
            self._pending.popleft()

    def _subscribed(self, frame: bytes) -> None:
        match decode(frame):
            case [bytes() as kind, (bytes() | None) as channel, *_] if kind in _CONFIRMATIONS:
                self.conversation.subscriptions.confirm(kind, channel)

    def upstream_full(self, full: bool) -> None:
        self._link_full = full
        if not full:
            self._pump()

    def upstream_lost(self, error: Exception | None) -> None:
        due = (bool(self._pending) or self._held) and not self._streaming
        self._fail_questions()
        self._flush()
        self._end(UPSTREAM_LOST if due else None)

    # Out

    def _reply(self, reply: Reply) -> None:
        self._emit(encode(reply, self.conversation.session.protocol))

    def _emit(self, frame: bytes) -> None:
        """The answer to one command, in its order."""
        if self.conversation.admits():
            self._out.append(frame)

    def _flush(self) -> None:
        if self._out:
            if not self._transport.is_closing():
                self._transport.write(b"".join(self._out))
            self._out.clear()

    def _end(self, error: str | None = None) -> None:
        """Close once everything written has been taken; who takes nothing is not waited for."""
        if self._transport.is_closing():
            return
        if error is not None:
            self._transport.write(encode_error(error))
        self._transport.close()
        asyncio.get_running_loop().call_later(LINGER, self.abort)

    def _fail_questions(self) -> None:
        for step in self._pending:
            if isinstance(step, Asked) and step.answer is not None and not step.answer.done():
                step.answer.set_result(CommandError(UPSTREAM_LOST))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _first(frame: bytes) -> bytes | None:
    """The first element of an array or push if it is a bulk string."""
    lines = frame.split(b"\r\n", 3)
    return lines[2] if len(lines) > 2 and lines[1][:1] == b"$" else None
