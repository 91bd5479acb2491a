"""JSON.DEBUG MEMORY and HELP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.json.access import ABSENT, need, optional_path, read
from redisvss.commands.json.read import first
from redisvss.commands.registry import command
from redisvss.documents.jsonvalue import is_integer
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

UNKNOWN_SUBCOMMAND = "ERR unknown subcommand - try `JSON.DEBUG HELP`"
HELP: tuple[bytes, ...] = (
    b"MEMORY <key> [path] - reports memory usage",
    b"HELP                - this message",
)

_WORD = 8  # bytes of a pointer and of a value's own slot
_SMALLEST = 4  # room a container starts with; it doubles
_NUMBER_SIZES = (((-128, 383), 0), ((-8_388_607, 8_388_607), 4))  # bounds inclusive; other numbers take 16


@command("JSON.DEBUG", arity=-2, keys=(2, 2, 1), group="json", summary="Debugging container command")
def json_debug(engine: Engine, session: Session, args: Args) -> Reply:
    match args.next().upper():
        case b"HELP":
            return list(HELP)
        case b"MEMORY":
            return _memory(engine, args)
        case _:
            raise CommandError(UNKNOWN_SUBCOMMAND)


def _memory(engine: Engine, args: Args) -> Reply:
    """Bytes RedisJSON 2.8 would take for the values, so that sizes can be planned; ours are the text's."""
    key, path = need(args), optional_path(args)
    document = read(engine, key)
    if document is ABSENT:
        return 0 if path.legacy else []
    values = path.values(document)
    return memory(first(values, path.text)) if path.legacy else [memory(value) for value in values]


def memory(value: Any) -> int:
    match value:
        case None | bool():
            return _WORD
        case int() | float():
            return _WORD + _number_size(value)
        case str():
            return _WORD + len(value.encode())
        case list():
            return _WORD + _room(len(value), 1) + sum(map(memory, value))
        case _:
            return _WORD + _room(len(value), 3) + sum(len(key.encode()) + memory(value[key]) for key in value)


def _number_size(value: int | float) -> int:
    if not is_integer(value):
        return 16
    return next((size for (low, high), size in _NUMBER_SIZES if low <= value <= high), 16)


def _room(count: int, words: int) -> int:
    """A container's table: room for a power of two of elements of so many words each, and a header."""
    if not count:
        return 0
    return _WORD * (max(_SMALLEST, 1 << (count - 1).bit_length()) * words + 2)
