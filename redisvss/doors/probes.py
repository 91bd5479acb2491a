"""The answers by which clients look for the search module, merged into Redis's own. Pure functions on Reply values.

COMMAND (INFO, DOCS, COUNT, LIST, GETKEYS), MODULE LIST, INFO's module lines and HELLO's modules get what RediSearch
2.10 and RedisJSON 2.8 say of themselves, for the commands we answer; shapes as seen on Redis Stack 7.4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol, cast

from redisvss.errors import CommandError
from redisvss.reply import Reply, Session, Set

Observer = Callable[[Reply], Reply]
Args = Sequence[bytes]

INVALID_COMMAND = "ERR Invalid command specified"  # Redis 7.0, COMMAND GETKEYS
NO_KEYS = "ERR The command has no key arguments"
INVALID_ARGUMENTS = "ERR Invalid number of arguments specified for command"


class Command(Protocol):
    """What the probes read of a command's registry row."""

    @property
    def name(self) -> str: ...
    @property
    def flags(self) -> tuple[str, ...]: ...
    @property
    def first_key(self) -> int: ...
    @property
    def last_key(self) -> int: ...
    @property
    def step(self) -> int: ...


@dataclass(frozen=True)
class Module:
    name: str
    version: int
    prefix: str  # of its commands' names
    uses: str

    def entry(self) -> dict[bytes, Reply]:
        """As MODULE LIST and HELLO list it; nothing was loaded, so `path` is empty."""
        return {b"name": self.name.encode(), b"ver": self.version, b"path": b"", b"args": []}

    def info_line(self, used_by: Sequence[str]) -> bytes:
        text = (
            f"module:name={self.name},ver={self.version},api=1,filters=0,usedby=[{'|'.join(used_by)}],"
            f"using=[{self.uses}],options=[handle-io-errors]\r\n"
        )
        return text.encode()


REJSON: Final = Module("ReJSON", 20803, "JSON.", "")  # the RedisJSON whose answers JSON.* follows
SEARCH: Final = Module("search", 21033, "FT.", "ReJSON")  # RediSearch 2.10.33

PROBED: Final = frozenset({b"COMMAND", b"INFO", b"MODULE"})  # commands whose reply an observer may change

# RediSearch declares an index's name as a key, first among the arguments except here.
_FT_KEYS: Final[dict[str, tuple[int, int, int]]] = {
    **dict.fromkeys(("FT._LIST", "FT.CONFIG", "FT.DICTADD", "FT.DICTDEL", "FT.DICTDUMP"), (0, 0, 0)),
    **dict.fromkeys(("FT.ALIASADD", "FT.ALIASUPDATE"), (1, 2, 1)),
    "FT.CURSOR": (2, 2, 1),
}


def key_positions(command: Command) -> tuple[int, int, int]:
    """(first, last, step) as COMMAND INFO shows them; the registry's own for what is not about an index."""
    if command.first_key or not command.name.startswith("FT."):
        return command.first_key, command.last_key, command.step
    return _FT_KEYS.get(command.name, (1, 1, 1))


def find_keys(command: Command, args: Args) -> list[bytes]:
    """The keys among the arguments (the command's name included in `args`)."""
    first, last, step = key_positions(command)
    if not first:
        return []
    return list(args[first : (last if last >= 0 else len(args) + last) + 1 : step])


# INFO sections which hold the module lines; no section asked for means "default".
_MODULE_SECTIONS: Final = frozenset({b"modules", b"default", b"all", b"everything"})


@dataclass(frozen=True)
class Probes:
    """`commands`: those we answer, by upper-case name; `info` makes our own INFO section."""

    commands: Mapping[bytes, Command]
    info: Callable[[], bytes] = lambda: b""

    @property
    def modules(self) -> list[Module]:
        return [m for m in (REJSON, SEARCH) if any(name.startswith(m.prefix.encode()) for name in self.commands)]

    def observer(self, name: bytes, args: Args, session: Session) -> Observer | None:
        """What rewrites the reply to this command, None for nearly all of them."""
        match name:
            case b"COMMAND":
                return self._command(args)
            case b"INFO":
                return lambda reply: self._info(args[1:], reply)
            case b"MODULE" if len(args) == 2 and args[1].upper() == b"LIST":
                return self._module_list
            case _:
                return None

    def hello(self, reply: Reply) -> Reply:
        """HELLO's map (an array of pairs in RESP2) with our modules behind Redis's."""
        pairs = _pairs(reply)
        for key, value in pairs:
            if key in (b"modules", "modules") and isinstance(value, list):
                value.extend(module.entry() for module in self.modules)
        return dict(pairs) if isinstance(reply, dict) else [part for pair in pairs for part in pair]

    def _module_list(self, reply: Reply) -> Reply:
        return [*reply, *(m.entry() for m in self.modules)] if isinstance(reply, list) else reply

    def _info(self, sections: Args, reply: Reply) -> Reply:
        """Redis's text with our module lines under `# Modules` and our own section at the end."""
        text = _text(reply)
        if text is None:
            return reply
        wanted = {section.lower() for section in sections} or {b"default"}
        if wanted & _MODULE_SECTIONS:
            text = self._with_modules(text)
        if wanted & {b"redisvss", b"everything"}:
            text += (b"\r\n" if text else b"") + self.info()
        return text

    def _with_modules(self, text: bytes) -> bytes:
        lines = b"".join(m.info_line([o.name for o in self.modules if o.uses == m.name]) for m in self.modules)
        head, title, tail = text.partition(b"# Modules\r\n")
        if not title:
            return text + (b"\r\n" if text else b"") + b"# Modules\r\n" + lines
        return head + title + lines + tail

    def _command(self, args: Args) -> Observer | None:
        names = [name.upper() for name in args[2:]]
        match args[1].upper() if len(args) > 1 else b"":
            case b"":
                return self._all_entries
            case b"COUNT" if not names:
                return lambda reply: reply + len(self.commands) if isinstance(reply, int) else reply
            case b"INFO":
                return lambda reply: self._infos(names, reply)
            case b"DOCS":
                return lambda reply: self._docs(names, reply)
            case b"LIST":
                return lambda reply: self._list(args[2:], reply)
            case b"GETKEYS" if names and names[0] in self.commands:
                return lambda _: self._keys(args[2:])
            case _:
                return None

    def _all_entries(self, reply: Reply) -> Reply:
        return [*reply, *map(entry, self.commands.values())] if isinstance(reply, list) else reply

    def _infos(self, names: Sequence[bytes], reply: Reply) -> Reply:
        if not isinstance(reply, list):
            return reply
        if not names:
            return self._all_entries(reply)
        return [
            entry(self.commands[name]) if name in self.commands else row for name, row in zip(names, reply, strict=True)
        ]

    def _docs(self, names: Sequence[bytes], reply: Reply) -> Reply:
        """A map of name → documentation: Redis leaves out the names it does not know."""
        if not isinstance(reply, (dict, list)):
            return reply
        ours = {name: self.commands[name] for name in names if name in self.commands} if names else self.commands
        pairs = _pairs(reply) + [(_own_name(command), self._doc(name)) for name, command in ours.items()]
        return dict(pairs) if isinstance(reply, dict) else [part for pair in pairs for part in pair]

    def _doc(self, name: bytes) -> dict[bytes, Reply]:
        return {b"group": b"module", b"module": self._module_of(name)}

    def _module_of(self, name: bytes) -> bytes:
        return next((m.name for m in (REJSON, SEARCH) if name.startswith(m.prefix.encode())), "").encode()

    def _list(self, options: Args, reply: Reply) -> Reply:
        """COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]; the modules set no ACL category."""
        if not isinstance(reply, list):
            return reply
        match [option.upper() for option in options[:2]]:
            case []:
                names: Collection[bytes] = self.commands
            case [b"FILTERBY", b"MODULE"]:
                names = [name for name in self.commands if self._module_of(name) == options[2]]
            case [b"FILTERBY", b"PATTERN"]:
                pattern = options[2].decode("latin-1").lower()
                names = [name for name in self.commands if fnmatchcase(name.decode("latin-1").lower(), pattern)]
            case _:
                names = []
        return [*reply, *(_own_name(self.commands[name]) for name in names)]

    def _keys(self, args: Args) -> Reply:
        command = self.commands[args[0].upper()]
        if not key_positions(command)[0]:
            return CommandError(NO_KEYS)
        return find_keys(command, args) or CommandError(INVALID_ARGUMENTS)


def entry(command: Command) -> list[Reply]:
    """A row of COMMAND in Redis 7's ten columns; the modules declare every arity as -1 and check it themselves."""
    first, last, step = key_positions(command)
    flags = Set([*command.flags, "module"])
    specs = Set([_key_spec(first, last, step)] if first else [])
    return [_own_name(command), -1, flags, first, last, step, Set(), Set(), specs, Set()]


def _key_spec(first: int, last: int, step: int) -> dict[bytes, Reply]:
    reach = last - first if last >= 0 else last
    return {
        b"flags": Set(["RW", "access", "update"]),
        b"begin_search": {b"type": b"index", b"spec": {b"index": first}},
        b"find_keys": {b"type": b"range", b"spec": {b"lastkey": reach, b"keystep": step, b"limit": 0}},
    }


def _own_name(command: Command) -> bytes:
    """RediSearch registers upper-case names, RedisJSON lower-case ones."""
    name = command.name.encode()
    return name.lower() if name.upper().startswith(REJSON.prefix.encode()) else name


def _pairs(reply: Reply) -> list[tuple[Any, Any]]:
    if isinstance(reply, dict):
        return list(reply.items())
    flat = cast("list[Any]", reply)
    return list(zip(flat[::2], flat[1::2], strict=False))


def _text(reply: Reply) -> bytes | None:
    match reply:
        case bytes():
            return reply
        case str():
            return reply.encode()
        case _:
            return None
