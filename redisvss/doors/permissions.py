"""May this client's user run this command of ours? Redis is asked, on the client's own connection.

Redis knows no FT.* to grant, so a plain command that needs the same rights stands for it: HGETALL for what reads, HDEL
for what writes, on the keys concerned. A user may search an index when it may read every key its prefixes cover, so an
answer never holds a document which HGETALL would refuse. Asking as the client needs no administrator's rights,
and honours whatever Redis's ACLs can say: categories, selectors, read and write key patterns.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from redisvss.doors.conversation import Conversation
from redisvss.doors.probes import Command, find_keys, key_positions
from redisvss.errors import CommandError
from redisvss.reply import Reply

CACHE_SECONDS: Final = 1.0  # an ACL changed through us is noticed at once, one changed elsewhere within this time
CACHE_ENTRIES: Final = 10_000

# Keys which a pattern matches all of only if it matches whatever begins with the prefix.
SUFFIXES: Final = (b"", b"\0", b"\xff" * 40)
NO_FIELD: Final = b"redisvss:no-such-field"

_OF_KEYS: Final = ("JSON.", "FT.SUG")  # commands about keys; the others are about an index
_INDEX_AT: Final = {"FT.ALIASADD": 2, "FT.ALIASUPDATE": 2, "REDISVSS.FAILURES": 1, "REDISVSS.TRACE": 1}
_DOCUMENT_AT: Final = {"FT.DEL": 2}  # a key that need not be under the index's prefixes

Args = Sequence[bytes]


class Asker(Protocol):
    @property
    def conversation(self) -> Conversation: ...

    async def ask(self, *args: bytes) -> Reply: ...


class Permissions:
    """`prefixes(index)`: the key prefixes of an index or alias, as far as known here; () if there is none.

    `refresh` learns of the indexes other processes have made. It is awaited before a command that writes; one that
    reads is checked again when it has run (`reads`), for it has learnt of them by then, at no cost.
    """

    def __init__(
        self,
        commands: Mapping[bytes, Command],
        prefixes: Callable[[bytes], Iterable[bytes]],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._commands = commands
        self._prefixes = prefixes
        self._refresh = refresh
        self._cache: dict[tuple[str, bytes, bytes], tuple[float, str | None]] = {}

    def forget(self) -> None:
        """ACLs may have changed."""
        self._cache.clear()

    async def check(self, client: Asker, args: Args) -> CommandError | None:
        """Why the command is refused, in Redis's words. Inside MULTI an unknown answer waits for EXEC, which asks."""
        error = await self.identify(client)
        if error is not None:
            return error
        command = self._commands[args[0].upper()]
        reads, surrogate = self._surrogate(args)
        if command.name.startswith(_OF_KEYS):
            if await self._grants_every_key(client, surrogate):
                return None
        elif not reads and key_positions(command)[0]:
            await self._refresh()
        keys = self._keys(command, args)
        for key in keys or [b""]:
            refusal = await self._ask(client, surrogate, key)
            if refusal is not None and (keys or "command" in refusal):
                return CommandError(refusal.replace(f"'{surrogate.decode().lower()}'", f"'{command.name}'"))
        return None

    def granted(self, client: Asker, args: Args) -> bool:
        """Whether `check` would find nothing against the command without asking anybody."""
        session = client.conversation.session
        if "identified" not in session.attributes or client.conversation.transaction is not None:
            return False
        command = self._commands[args[0].upper()]
        of_keys, (reads, surrogate), now = command.name.startswith(_OF_KEYS), self._surrogate(args), time.monotonic()
        if not of_keys and not reads:
            return False
        entries = [(session.user, surrogate, key) for key in (SUFFIXES if of_keys else self._keys(command, args))]
        known = [self._cache.get(entry) for entry in entries]
        return bool(known) and all(found is not None and found[0] > now and found[1] is None for found in known)

    def _surrogate(self, args: Args) -> tuple[bool, bytes]:
        """(whether the command only reads, the plain command that stands for it)."""
        reads = self.reads(args)
        return reads, b"HGETALL" if reads else b"HDEL"

    def reads(self, args: Args) -> bool:
        """Whether the command changes nothing."""
        return "readonly" in self._commands[args[0].upper()].flags

    async def identify(self, client: Asker) -> CommandError | None:
        """Learn the user's name once; an unauthenticated client gets Redis's NOAUTH. MULTI's OK proves that it is."""
        session = client.conversation.session
        if "identified" in session.attributes or client.conversation.transaction is not None:
            return None
        answer = await client.ask(b"ACL", b"WHOAMI")
        match answer:
            case bytes():
                session.user = answer.decode("utf-8", "surrogateescape")
            case CommandError() if not str(answer).startswith("NOPERM"):
                return answer
        session.attributes["identified"] = True
        return None

    async def _grants_every_key(self, client: Asker, surrogate: bytes) -> bool:
        """Most users may use every key: asking that now and then spares a round trip for each key they touch."""
        if client.conversation.transaction is not None:
            return False
        for key in SUFFIXES:
            if await self._ask(client, surrogate, key) is not None:
                return False
        return True

    async def _ask(self, client: Asker, surrogate: bytes, key: bytes) -> str | None:
        """Redis's refusal of `surrogate key`, None if it grants it."""
        entry = (client.conversation.session.user, surrogate, key)
        until, refusal = self._cache.get(entry, (0.0, None))
        if until > time.monotonic():
            return refusal
        if client.conversation.transaction is not None:
            return None
        answer = await client.ask(surrogate, key, *((NO_FIELD,) if surrogate == b"HDEL" else ()))
        refusal = str(answer) if isinstance(answer, CommandError) and str(answer).startswith("NOPERM") else None
        if len(self._cache) >= CACHE_ENTRIES:
            self._cache.clear()
        self._cache[entry] = (time.monotonic() + CACHE_SECONDS, refusal)
        return refusal

    def _keys(self, command: Command, args: Args) -> list[bytes]:
        """The keys that stand for all the command touches."""
        if command.name.startswith(_OF_KEYS):
            return find_keys(command, args)
        at = _INDEX_AT.get(command.name, key_positions(command)[0])
        if not at or len(args) <= at:
            return []
        prefixes = _created_prefixes(args) if command.name == "FT.CREATE" else self._prefixes(args[at])
        covered = [prefix + suffix for prefix in prefixes for suffix in SUFFIXES]
        document = _DOCUMENT_AT.get(command.name)
        return covered + list(args[document : document + 1]) if document else covered


def _created_prefixes(args: Args) -> Sequence[bytes]:
    """FT.CREATE's `PREFIX n p…`; none given means every key."""
    words = [word.upper() for word in args[2:]]
    schema = words.index(b"SCHEMA") if b"SCHEMA" in words else len(words)
    for at in range(len(words[:schema]) - 1):
        if words[at] == b"PREFIX" and words[at + 1].isdigit():
            return args[at + 4 : at + 4 + int(words[at + 1])] or (b"",)
    return (b"",)
