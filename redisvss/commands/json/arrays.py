"""JSON.ARRAPPEND, JSON.ARRINDEX, JSON.ARRINSERT, JSON.ARRLEN, JSON.ARRPOP, JSON.ARRTRIM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.json.access import (
    ABSENT,
    Operation,
    asked,
    edit,
    edited,
    existing,
    integer_or,
    is_array,
    last,
    need_integer,
    need_path,
    not_there,
    operand,
    optional_path,
    read,
    slots,
    wrong_value,
)
from redisvss.commands.json.read import NO_FORMAT_ON_RESP2, WRONG_REPLY_FORMAT, expanded, first
from redisvss.commands.registry import command
from redisvss.documents.json import parse_input, serialize
from redisvss.documents.jsonvalue import equal
from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

NOT_AN_ARRAY = "not an array"
OUT_OF_BOUNDS = "ERR index out of bounds"
LEGACY_WITH_FORMAT = "Legacy paths are supported only with FORMAT STRINGS"

_POP_FORMATS = (b"STRINGS", b"EXPAND", b"EXPAND1")


@command(
    "JSON.ARRAPPEND",
    arity=-4,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    summary="Appends one or more JSON values to the arrays at a path",
)
def json_arrappend(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), need_path(args)
    values = [parse_input(text) for text in args.rest()]

    def apply(array: list[Any]) -> tuple[Any, Reply]:
        array.extend(values)
        return array, len(array)

    operation = Operation(is_array, apply, NOT_AN_ARRAY)
    outcomes = edit(engine, key, path, operation)
    return last(path.original, outcomes, operation) if path.legacy else slots(outcomes)


@command(
    "JSON.ARRINSERT",
    arity=-5,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    summary="Inserts JSON values into the arrays at a path before an index",
)
def json_arrinsert(engine: Engine, session: Session, args: Args) -> Reply:
    key, path, index = args.next(), need_path(args), need_integer(args)
    values = [parse_input(text) for text in args.rest()]

    def apply(array: list[Any]) -> tuple[Any, Reply]:
        start = index + len(array) if index < 0 else index
        if not 0 <= start <= len(array):
            raise CommandError(OUT_OF_BOUNDS)
        array[start:start] = values
        return array, len(array)

    return edited(engine, key, path, Operation(is_array, apply, NOT_AN_ARRAY))


@command("JSON.ARRINDEX", arity=-4, keys=(1, 1, 1), group="json", summary="Returns the index of the first occurrence")
def json_arrindex(engine: Engine, session: Session, args: Args) -> Reply:
    key, path, text = args.next(), need_path(args), args.next()
    start = need_integer(args) if len(args) else 0
    stop = need_integer(args) if len(args) else 0
    if len(args):
        raise wrong_arity("json.arrindex")
    document, wanted = read(engine, key), operand(text)
    if document is ABSENT:
        raise not_there(path.original)
    if not path.legacy:
        return asked(document, path, is_array, lambda array: _index(array, wanted, start, stop))
    array = first(path.values(document), path.text)
    if not is_array(array):
        raise wrong_value("array", array)
    return _index(array, wanted, start, stop)


def _index(array: list[Any], wanted: Any, start: int, stop: int) -> int:
    """-1 where there is none. `stop` is exclusive; 0 is the end. A start beyond the end means the last element."""
    begin = max(len(array) + start, 0) if start < 0 else min(start, max(len(array) - 1, 0))
    end = len(array) if stop == 0 else max(len(array) + stop, 0) if stop < 0 else min(stop, len(array))
    return next((at for at in range(begin, end) if equal(array[at], wanted, exact=True)), -1)


@command("JSON.ARRLEN", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the length of the arrays at a path")
def json_arrlen(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    document = read(engine, key)
    if not path.legacy:
        return asked(existing(document), path, is_array, len)
    if document is ABSENT:
        return None
    value = first(path.values(document), path.original)
    if not is_array(value):
        raise CommandError(f"ERR Path '{path.original}' does not exist or {NOT_AN_ARRAY}")
    return len(value)


@command(
    "JSON.ARRPOP",
    arity=-2,
    flags=("write",),
    keys=(1, 1, 1),
    group="json",
    summary="Removes and returns an element of the arrays at a path",
)
def json_arrpop(engine: Engine, session: Session, args: Args) -> Reply:
    key = args.next()
    form = _pop_format(session, args)
    path = optional_path(args)
    index = integer_or(args.next(), -1) if len(args) else -1
    if path.legacy and form != b"STRINGS":
        raise CommandError(LEGACY_WITH_FORMAT)

    def apply(array: list[Any]) -> tuple[Any, Reply]:
        return array, _popped(array, index, form)

    return edited(engine, key, path, Operation(is_array, apply, NOT_AN_ARRAY))


def _pop_format(session: Session, args: Args) -> bytes:
    """`FORMAT name`; a lone FORMAT is the path."""
    if args.keyword() != b"FORMAT" or len(args) < 2:
        return b"STRINGS"
    args.next()
    name = args.next()
    if name not in _POP_FORMATS:
        raise CommandError(WRONG_REPLY_FORMAT)
    if session.protocol < 3:
        raise CommandError(NO_FORMAT_ON_RESP2)
    return name


def _popped(array: list[Any], index: int, form: bytes) -> Reply:
    """The element removed, null from an empty array; an index outside the array means its first or last element."""
    if not array:
        return None
    position = max(len(array) + index, 0) if index < 0 else min(index, len(array) - 1)
    value = array.pop(position)
    return serialize(value) if form == b"STRINGS" else expanded(value, form)


@command(
    "JSON.ARRTRIM",
    arity=-5,
    flags=("write",),
    keys=(1, 1, 1),
    group="json",
    summary="Trims the arrays at a path to the specified inclusive range of indices",
)
def json_arrtrim(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), need_path(args)
    start, stop = need_integer(args), need_integer(args)

    def apply(array: list[Any]) -> tuple[Any, Reply]:
        kept = _trimmed(array, start, stop)
        return kept, len(kept)

    return edited(engine, key, path, Operation(is_array, apply, NOT_AN_ARRAY))


def _trimmed(array: list[Any], start: int, stop: int) -> list[Any]:
    """Both ends inclusive, negative ones from the end and never before the beginning."""
    begin = max(len(array) + start, 0) if start < 0 else start
    end = max(len(array) + stop, 0) if stop < 0 else stop
    return array[begin : end + 1]
