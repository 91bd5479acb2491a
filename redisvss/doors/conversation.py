"""One client's conversation: what to do with each command, and what its reply changes. No I/O, no protocol.

The server and the in-process connection classes both drive this state machine. It owns the client's transaction,
the protocol, database and user it speaks with, its subscriptions and CLIENT REPLY mode; it must not know sockets,
encodings or what a command of ours answers.

How a door uses it, for each command in order:

    if conversation.waits(args):  first let every earlier reply arrive
    step = conversation.route(args)
    FORWARD   send `step.send or args`; hand the reply through `replied` if `observes(step)`, else on as it is
    OURS      run the engine on `args`
    ANSWER    the reply is `step.reply`, nothing is sent
    EXEC      send `step.send or args`; give the reply to `executed`, which says what to run and how to splice it
    OPAQUE    send it; from here on nothing in either direction is a command or a reply

While `step.holds`, later commands are not sent before the step is answered. With `waits` this is the one ordering
rule: a command of ours runs after every earlier reply has arrived and before any later command is sent.

A transaction's meaning: Redis runs its plain commands atomically at EXEC; ours then run, in their order, each
seeing the state after the whole transaction, and their answers stand at their places in EXEC's array. If Redis
does not execute (WATCH, an error while queueing), none of ours run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, TypeVar

from redisvss.doors.probes import PROBED, Observer, Probes
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

T = TypeVar("T")
Args = Sequence[bytes]

EXECABORT = CommandError("EXECABORT Transaction discarded because of previous errors.")  # Redis 7.0
SUBSCRIBED_ONLY = (  # Redis 7.0, RESP2
    "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
)


DOCUMENT_SCAN: Final = b"REDISVSS.SCAN"  # answers SCAN … TYPE ReJSON-RL
JSON_TYPE: Final = b"REJSON-RL"


class Route(Enum):
    FORWARD = "forward"
    OURS = "ours"
    ANSWER = "answer"
    EXEC = "exec"
    OPAQUE = "opaque"


@dataclass(frozen=True)
class Step:
    """What to do with one command; see the module's text.

    `confirmations`: how many confirmations answer a command of the SUBSCRIBE family, in place of one reply.
    """

    route: Route
    args: Args = ()
    send: Args | None = None
    reply: Reply = None
    observe: Observer | None = None
    holds: bool = False
    confirmations: int = 0


PLAIN: Final = Step(Route.FORWARD)  # nearly every command: sent and answered as it is


class Mute(Enum):
    """CLIENT REPLY's modes; SKIP covers the reply to come as well as its own."""

    NONE = "on"
    OFF = "off"
    SKIP_TWO = "skip"
    SKIP_ONE = "skipped its own"


@dataclass
class Transaction:
    """What MULTI has queued so far, in order; `slots` of ours hold OURS steps."""

    slots: list[Step] = field(default_factory=list)
    dirty: bool = False  # refused by us while Redis knows of no error

    @property
    def own(self) -> list[Args]:
        return [slot.args for slot in self.slots if slot.route is Route.OURS]

    @property
    def verbatim(self) -> bool:
        """Whether EXEC's reply can be handed on as it is."""
        return all(slot is PLAIN for slot in self.slots)


@dataclass
class Executed(Generic[T]):
    """EXEC was carried out by Redis: `own` is left to run, then `splice` makes the array of the client's answer."""

    slots: list[Step]
    elements: list[T]

    @property
    def own(self) -> list[Args]:
        return [slot.args for slot in self.slots if slot.route is Route.OURS]

    def splice(self, own: Sequence[T]) -> list[T]:
        results, elements = iter(own), iter(self.elements)
        return [next(results) if slot.route is Route.OURS else next(elements) for slot in self.slots]


class Subscriptions:
    """The channels a client listens to, by the kind of subscription, from Redis's confirmations."""

    KINDS: Final = {b"subscribe": b"", b"psubscribe": b"p", b"ssubscribe": b"s"}

    def __init__(self) -> None:
        self._names: dict[bytes, set[bytes]] = {kind: set() for kind in self.KINDS.values()}

    def __len__(self) -> int:
        return sum(map(len, self._names.values()))

    def count(self, command: bytes) -> int:
        """How many `command` (lower-case, of either direction) is about."""
        return len(self._names[_kind(command)])

    def confirm(self, command: bytes, channel: bytes | None) -> None:
        names = self._names[_kind(command)]
        if command in self.KINDS:
            names.add(channel or b"")
        elif channel is not None:
            names.discard(channel)

    def clear(self) -> None:
        for names in self._names.values():
            names.clear()


def _kind(command: bytes) -> bytes:
    return b"" if command[:1] in b"u" or command == b"subscribe" else command[:1]


def _seeks_documents(args: Args) -> bool:
    """Whether a SCAN names RedisJSON's type, which no key of a Redis without that module has."""
    words = [word.upper() for word in args[2:]]
    return any(option == b"TYPE" and kind == JSON_TYPE for option, kind in zip(words[::2], words[1::2], strict=False))


def status(reply: Reply) -> str | None:
    """The text of a simple string; redis-py's parsers hand one over as bytes or text."""
    match reply:
        case str():
            return reply
        case bytes():
            return reply.decode("latin-1")
        case _:
            return None


class Conversation:
    """`owns(NAME)`: whether the engine answers the command. Without `probes` nothing of Redis's replies is changed.

    `on_acl` is called once Redis has answered an ACL command: users' rights may have changed.
    """

    def __init__(
        self,
        owns: Callable[[bytes], bool],
        probes: Probes | None = None,
        session: Session | None = None,
        on_acl: Callable[[], None] = lambda: None,
    ) -> None:
        self.session = session or Session()
        self.transaction: Transaction | None = None
        self.subscriptions = Subscriptions()
        self.monitoring = False
        self._owns = owns
        self._probes = probes
        self._on_acl = on_acl
        self._mute = Mute.NONE

    def own(self, args: Args) -> Args | None:
        """The command of ours by which `args` is answered; None where Redis answers it."""
        name = args[0].upper()
        if name == b"SCAN" and self._owns(DOCUMENT_SCAN) and self._owns(b"JSON.GET") and _seeks_documents(args):
            return (DOCUMENT_SCAN, *args[1:])
        return args if self._owns(name) else None

    def plain(self, word: bytes) -> bool:
        """Whether every command of this name, as a client wrote it, is routed to PLAIN at any time."""
        name = word.upper()
        return name not in _HANDLERS and name not in PROBED and name != b"SCAN" and not self._owns(name)

    def waits(self, args: Args) -> bool:
        """Whether every earlier reply must have arrived before `args` is routed."""
        return args[0].upper() in _WAITING or self.own(args) is not None

    def route(self, args: Args) -> Step:
        name = args[0].upper()
        handler = _HANDLERS.get(name)
        if handler is not None:
            return handler(self, args)
        if (own := self.own(args)) is not None:
            return self._route_own(own)
        if self._probes is not None and (observe := self._probes.observer(name, args, self.session)) is not None:
            return Step(Route.FORWARD, args, observe=observe)
        return PLAIN

    def refuse(self, error: CommandError) -> Step:
        """The step for a command of ours that may not even be queued."""
        if self.transaction is not None:
            self.transaction.dirty = True
        return Step(Route.ANSWER, reply=error)

    def observes(self, step: Step) -> bool:
        """Whether the reply to `step`, which has just arrived in its order, must go through `replied`."""
        return step.observe is not None or self.transaction is not None

    def replied(self, step: Step, reply: Reply) -> Reply:
        """Take note of the reply to a forwarded command; returns what the client is to get."""
        if self.transaction is not None and status(reply) == "QUEUED":
            self.transaction.slots.append(step)
            return reply
        return reply if step.observe is None else step.observe(reply)

    def executed(self, elements: list[T] | None, observe: Callable[[Observer, T], T]) -> Executed[T] | None:
        """EXEC is answered; `elements` is its array, None for a nil or an error. None: nothing of ours to do.

        `observe` applies an observer to one element in the door's own form of a reply.
        """
        transaction, self.transaction = self.transaction, None
        if transaction is None or elements is None or transaction.verbatim:
            return None
        forwarded = [slot for slot in transaction.slots if slot.route is not Route.OURS]
        if len(forwarded) != len(elements):
            return None
        pairs = zip(forwarded, elements, strict=True)
        return Executed(transaction.slots, [observe(s.observe, e) if s.observe else e for s, e in pairs])

    @property
    def muted(self) -> bool:
        return self._mute is not Mute.NONE

    def admits(self) -> bool:
        """Whether the client gets the reply now due; called once for each command answered, in order."""
        match self._mute:
            case Mute.NONE:
                return True
            case Mute.SKIP_TWO:
                self._mute = Mute.SKIP_ONE
            case Mute.SKIP_ONE:
                self._mute = Mute.NONE
        return False

    @property
    def listens_only(self) -> bool:
        """Whether Redis accepts nothing but commands about subscriptions on this connection."""
        return self.session.protocol == 2 and len(self.subscriptions) > 0

    def _route_own(self, args: Args) -> Step:
        if self.listens_only:
            name = args[0].decode("utf-8", "replace").lower()
            return self.refuse(CommandError(SUBSCRIBED_ONLY.format(name)))
        step = Step(Route.OURS, args, holds=True)
        if self.transaction is None:
            return step
        self.transaction.slots.append(step)
        return Step(Route.ANSWER, reply="QUEUED")

    def _multi(self, args: Args) -> Step:
        return Step(Route.FORWARD, args, observe=self._entered)

    def _entered(self, reply: Reply) -> Reply:
        if status(reply) == "OK":
            self.transaction = Transaction()
        return reply

    def _exec(self, args: Args) -> Step:
        transaction = self.transaction  # exact where it matters: a command of ours waited for MULTI's reply
        if transaction is not None and transaction.dirty:
            return Step(Route.FORWARD, args, send=(b"DISCARD",), observe=self._aborted)
        return Step(Route.EXEC, args, holds=transaction is not None and bool(transaction.own))

    def _aborted(self, _: Reply) -> Reply:
        self.transaction = None
        return EXECABORT

    def _discard(self, args: Args) -> Step:
        return Step(Route.FORWARD, args, observe=self._discarded)

    def _discarded(self, reply: Reply) -> Reply:
        if status(reply) == "OK":
            self.transaction = None
        return reply

    def _select(self, args: Args) -> Step:
        def selected(reply: Reply) -> Reply:
            if status(reply) == "OK":
                self.session.db = int(args[1])
            return reply

        return Step(Route.FORWARD, args, observe=selected)

    def _auth(self, args: Args) -> Step:
        def authenticated(reply: Reply) -> Reply:
            if status(reply) == "OK":
                self._become(args[1] if len(args) == 3 else b"default")
            return reply

        return Step(Route.FORWARD, args, observe=authenticated)

    def _become(self, user: bytes) -> None:
        self.session.user = user.decode("utf-8", "surrogateescape")
        self.session.attributes.clear()

    def _hello(self, args: Args) -> Step:
        def greeted(reply: Reply) -> Reply:
            if isinstance(reply, (dict, list)):
                self._greet(args)
                return reply if self._probes is None else self._probes.hello(reply)
            return reply

        return Step(Route.FORWARD, args, observe=greeted)

    def _greet(self, args: Args) -> None:
        """HELLO [protocol [AUTH user password] [SETNAME name]] was accepted."""
        if len(args) > 1:
            self.session.protocol = int(args[1])
        words = [word.upper() for word in args[2:]]
        if words[:1] == [b"AUTH"]:
            self._become(args[3])
        elif words[2:3] == [b"AUTH"]:  # behind SETNAME name
            self._become(args[5])

    def _reset(self, args: Args) -> Step:
        def was_reset(reply: Reply) -> Reply:
            if status(reply) == "RESET":
                self.transaction = None
                self.monitoring = False
                self._mute = Mute.NONE
                self.subscriptions.clear()
                self.session.protocol, self.session.db = 2, 0
                self._become(b"default")
            return reply

        return Step(Route.FORWARD, args, observe=was_reset)

    def _client(self, args: Args) -> Step:
        """CLIENT REPLY is kept by us: were Redis silent too, nothing would tell when a command of ours may run."""
        if len(args) != 3 or args[1].upper() != b"REPLY" or args[2].upper() not in _MUTES:
            return PLAIN
        mode = _MUTES[args[2].upper()]

        def muted(reply: Reply) -> Reply:
            if status(reply) == "OK" and not (mode is Mute.SKIP_TWO and self._mute is Mute.OFF):
                self._mute = mode
            return reply

        return Step(Route.FORWARD, args, send=(b"CLIENT", b"REPLY", b"ON"), observe=muted)

    def _acl(self, args: Args) -> Step:
        def changed(reply: Reply) -> Reply:
            self._on_acl()
            return reply

        return Step(Route.FORWARD, args, observe=changed)

    def _monitor(self, args: Args) -> Step:
        def watching(reply: Reply) -> Reply:
            self.monitoring = self.monitoring or status(reply) == "OK"
            return reply

        return Step(Route.FORWARD, args, observe=watching)

    def _subscribe(self, args: Args) -> Step:
        """Inside MULTI Redis breaks EXEC's array with the confirmations, so there we refuse."""
        name = args[0].lower()
        if self.transaction is not None:
            return self.refuse(CommandError(f"ERR {name.decode().upper()} is not allowed in transactions"))
        count = len(args) - 1
        if not count and name not in Subscriptions.KINDS:
            count = max(1, self.subscriptions.count(name))
        return Step(Route.FORWARD, (name,), confirmations=max(count, 1))

    def _opaque(self, args: Args) -> Step:
        return Step(Route.OPAQUE, args)


_MUTES: Final = {b"ON": Mute.NONE, b"OFF": Mute.OFF, b"SKIP": Mute.SKIP_TWO}

_HANDLERS: Final[dict[bytes, Callable[[Conversation, Args], Step]]] = {
    b"MULTI": Conversation._multi,
    b"EXEC": Conversation._exec,
    b"DISCARD": Conversation._discard,
    b"SELECT": Conversation._select,
    b"AUTH": Conversation._auth,
    b"HELLO": Conversation._hello,
    b"RESET": Conversation._reset,
    b"CLIENT": Conversation._client,
    b"ACL": Conversation._acl,
    b"MONITOR": Conversation._monitor,
    b"SUBSCRIBE": Conversation._subscribe,
    b"PSUBSCRIBE": Conversation._subscribe,
    b"SSUBSCRIBE": Conversation._subscribe,
    b"UNSUBSCRIBE": Conversation._subscribe,
    b"PUNSUBSCRIBE": Conversation._subscribe,
    b"SUNSUBSCRIBE": Conversation._subscribe,
    b"SYNC": Conversation._opaque,
    b"PSYNC": Conversation._opaque,
}

# Their meaning depends on what earlier replies said. Our own commands wait as well.
_WAITING: Final = frozenset(name for name in _HANDLERS if name.endswith((b"SUBSCRIBE", b"SYNC", b"MONITOR")))
