"""A client's connection to the in-process store, shaped like a link to a Redis: commands in, RESP bytes out.

fakeredis's own TCP server closes a connection after every error and knows no RESP3 pushes, so its socket class is
driven directly here. It owns what a Redis would know of one connection and fakeredis does not: HELLO, QUIT,
`requirepass`. It must not know the search engine.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import fakeredis
from fakeredis._helpers import SimpleError, SimpleString
from fakeredis.aioredis import AsyncFakeSocket

from redisvss.doors.link import LinkOwner
from redisvss.doors.resp import Command
from redisvss.doors.resp_encode import encode
from redisvss.errors import CommandError
from redisvss.reply import Reply

log = logging.getLogger("redisvss.server")

NOAUTH: Final = CommandError("NOAUTH Authentication required.")
HELLO_NOAUTH: Final = CommandError(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
    "option can be used to authenticate the client and select the RESP protocol version at the same time"
)
NOPROTO: Final = CommandError("NOPROTO unsupported protocol version")
NOT_A_VERSION: Final = CommandError("ERR Protocol version is not an integer or out of range")
WRONGPASS: Final = CommandError("WRONGPASS invalid username-password pair or user is disabled.")

MAX_KEPT: Final = 32 << 20  # bytes; Redis's hard limit for a subscriber that does not read (client-output-buffer-limit)

_WITHOUT_AUTH: Final = frozenset({b"AUTH", b"HELLO", b"QUIT", b"RESET"})
_PUSHES: Final = frozenset(
    {b"message", b"pmessage", b"smessage", b"subscribe", b"psubscribe", b"ssubscribe"}
    | {b"unsubscribe", b"punsubscribe", b"sunsubscribe"}
)

Args = Sequence[bytes]


class _Socket(AsyncFakeSocket):
    """fakeredis's connection with its replies handed over as our Reply values."""

    def __init__(self, server: fakeredis.FakeServer, deliver: Callable[[Reply], None]) -> None:
        super().__init__(server, 0, client_class=type(self))
        self.deliver = deliver
        self.resumed: Callable[[], None] = lambda: None

    @property
    def paused(self) -> bool:
        """Whether a blocking command has yet to be answered."""
        return bool(self._paused)

    def put_response(self, msg: Any) -> None:
        if threading.get_ident() == self._loop_thread_ident:
            self.deliver(msg)
        else:  # a message published by another thread's client
            self._event_loop.call_soon_threadsafe(self.deliver, msg)

    def resume(self) -> None:
        self._paused = False
        self.resumed()

    def _unsubscribe(self, channels: Any, subscribers: Any, mtype: bytes) -> Any:
        """Redis answers once even when there is nothing to unsubscribe from."""
        if not channels and not any(self in sockets for sockets in subscribers.values()):
            self.put_response([mtype, None, self._pubsub])
        return super()._unsubscribe(channels, subscribers, mtype)

    def _decode_result(self, result: Any) -> Reply:
        match result:
            case SimpleString():
                return result.value.decode()
            case SimpleError():
                return CommandError(result.value)
            case list() | tuple():
                return [self._decode_result(item) for item in result]
            case dict():
                return {self._decode_result(key): self._decode_result(value) for key, value in result.items()}
            case str():
                return result.encode()
            case _:
                return result  # type: ignore[no-any-return]


class EmbeddedLink:
    def __init__(self, server: fakeredis.FakeServer, owner: LinkOwner, password: bytes | None = None) -> None:
        self._server = server
        self._owner: LinkOwner | None = owner
        self._password = password
        self._authenticated = password is None
        self._socket = _Socket(server, self._deliver)
        self._socket.resumed = self.flush
        self._queue: deque[Args] = deque()
        self._out: list[bytes] = []
        self._kept = 0  # bytes in `_out`
        self._reading = True
        self._flushing = False

    def send(self, args: Args, raw: bytes | None) -> None:
        self._queue.append(args)

    def flush(self) -> None:
        """Run what was sent, up to a command that blocks; the answers are handed over in a turn of their own."""
        if self._flushing:
            return
        self._flushing = True
        while self._queue and not self._socket.paused and self._reading:
            self._execute(self._queue.popleft())
        self._flushing = False

    def send_all(self, commands: Sequence[Command], data: bytes) -> None:
        self._queue.extend(command.args for command in commands)
        self.flush()

    def forward(self, data: bytes) -> None:
        """Only replication gets here, behind a SYNC that was refused."""
        self._lose()

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._hand_over()
        self.flush()

    def close(self) -> None:
        if self._owner is not None:
            self._owner = None
            self._queue.clear()
            self._out.clear()
            self._socket.close()

    def _execute(self, args: Args) -> None:
        name = args[0].upper()
        if not self._authenticated and name not in _WITHOUT_AUTH:
            self._deliver(NOAUTH)
            return
        handler = _HANDLERS.get(name)
        if handler is not None and not (self._socket._queueing and name not in (b"QUIT", b"RESET")):
            handler(self, args)
            return
        self._pass_on(args)

    def _pass_on(self, args: Args) -> None:
        try:
            self._socket._process_command(list(args))
        except Exception:  # fakeredis does not raise for what a client sends, except where it is wrong
            log.exception("embedded store failed", extra={"command": args[0].decode("latin-1")})
            self._deliver(CommandError("ERR redisvss: the embedded store failed on this command, see the server's log"))

    def _deliver(self, reply: Reply) -> None:
        """Hand a reply or message over in a turn of its own; what a client does not take is kept, up to a limit."""
        if self._owner is None:
            return
        frame = self._encode(reply)
        if not self._out:
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._out.append(frame)
        self._kept += len(frame)
        if self._kept > MAX_KEPT and not self._reading:
            log.warning("client does not read its messages", extra={"bytes": self._kept})
            self._lose()

    def _hand_over(self) -> None:
        if self._owner is None or not self._reading or not self._out:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._kept = 0
        self._owner.upstream_data(data)

    def _encode(self, reply: Reply) -> bytes:
        """Pub/sub's lists are pushes in RESP3; nothing else fakeredis sends begins with these words."""
        protocol = self._socket._client_info.protocol_version
        frame = encode(reply, protocol)
        if protocol == 3 and isinstance(reply, list) and len(reply) > 2 and reply[0] in _PUSHES:
            return b">" + frame[1:]
        return frame

    def _quit(self, args: Args) -> None:
        self._deliver("OK")
        self._queue.clear()
        asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        owner = self._owner
        if owner is not None:
            self.close()
            owner.upstream_lost(None)

    def _reset(self, args: Args) -> None:
        self._authenticated = self._password is None
        self._pass_on(args)

    def _flush_all(self, args: Args) -> None:
        """fakeredis knows ASYNC only; everything is synchronous here."""
        self._pass_on(args[:1] if len(args) == 2 and args[1].upper() == b"SYNC" else args)

    def _auth(self, args: Args) -> None:
        if len(args) not in (2, 3):
            self._deliver(CommandError("ERR wrong number of arguments for 'auth' command"))
            return
        user = args[1] if len(args) == 3 else b"default"
        self._deliver("OK" if self._login(user, args[-1]) else WRONGPASS)

    def _login(self, user: bytes, password: bytes) -> bool:
        acl = self._server.acl
        if user == b"default":
            known = self._password is None or password == self._password
        else:
            known = user in acl.get_users() and acl.get_user_acl(user).enabled and _matches(acl, user, password)
        if known:
            self._authenticated = True
            self._socket._client_info["user"] = user.decode("utf-8", "surrogateescape")
        return known

    def _hello(self, args: Args) -> None:
        """HELLO [protocol [AUTH user password] [SETNAME name]]: fakeredis checks neither version nor password."""
        if len(args) > 1 and not args[1].isdigit():
            self._deliver(NOT_A_VERSION)
        elif len(args) > 1 and args[1] not in (b"2", b"3"):
            self._deliver(NOPROTO)
        elif (error := self._hello_options(args[2:])) is not None:
            self._deliver(error)
        elif not self._authenticated:
            self._deliver(HELLO_NOAUTH)
        else:
            if len(args) > 1:
                self._socket._client_info["resp"] = int(args[1])
            self._deliver(self._greeting())

    def _hello_options(self, options: Args) -> CommandError | None:
        name: bytes | None = None
        while options:
            match [options[0].upper(), *options[1:3]]:
                case [b"AUTH", user, password]:
                    if not self._login(user, password):
                        return WRONGPASS
                    options = options[3:]
                case [b"SETNAME", name, *_]:
                    options = options[2:]
                case _:
                    word = options[0].decode("utf-8", "replace")
                    return CommandError(f"ERR Syntax error in HELLO option '{word}'")
        if name is not None:
            self._socket._client_info["name"] = name.decode("utf-8", "replace")
        return None

    def _greeting(self) -> Reply:
        info = self._socket._client_info
        version = ".".join(map(str, [*self._server.version, 0, 0][:3]))
        return {
            b"server": b"redis",
            b"version": version.encode(),
            b"proto": info.protocol_version,
            b"id": int(info["id"]),
            b"mode": b"standalone",
            b"role": b"master",
            b"modules": [],
        }


def _matches(acl: Any, user: bytes, password: bytes) -> bool:
    """A `nopass` user may give any password; fakeredis would refuse it."""
    rights = acl.get_user_acl(user)
    return bool(rights._nopass or rights.check_password(password))


_HANDLERS: Final[dict[bytes, Callable[[EmbeddedLink, Args], None]]] = {
    b"HELLO": EmbeddedLink._hello,
    b"AUTH": EmbeddedLink._auth,
    b"QUIT": EmbeddedLink._quit,
    b"RESET": EmbeddedLink._reset,
    b"FLUSHALL": EmbeddedLink._flush_all,
    b"FLUSHDB": EmbeddedLink._flush_all,
}
