"""JSON.NUMINCRBY, JSON.NUMMULTBY, JSON.STRAPPEND, JSON.STRLEN, JSON.TOGGLE."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.json.access import (
    ABSENT,
    Operation,
    asked,
    edit,
    edited,
    existing,
    is_string,
    last,
    need_path,
    operand,
    optional_path,
    read,
    slots,
    wrong_value,
)
from redisvss.commands.json.read import first, number
from redisvss.commands.registry import command
from redisvss.documents.json import compile_path, serialize
from redisvss.documents.jsonvalue import is_integer, is_number
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

BAD_NUMBER = "bad input number"
NOT_A_NUMBER = "ERR result is not a number"
OVERFLOW = "ERR numeric overflow"  # RedisJSON 8.4's; 2.8.3 wraps around in silence

Arithmetic = Callable[[Any, Any], Any]


@command(
    "JSON.NUMINCRBY",
    arity=-4,
    flags=("write",),
    keys=(1, 1, 1),
    group="json",
    summary="Increments the numeric value at a path by a value",
)
def json_numincrby(engine: Engine, session: Session, args: Args) -> Reply:
    return _arithmetic(engine, session, args, operator.add)


@command(
    "JSON.NUMMULTBY",
    arity=-4,
    flags=("write",),
    keys=(1, 1, 1),
    group="json",
    summary="Multiplies the numeric value at a path by a value",
)
def json_nummultby(engine: Engine, session: Session, args: Args) -> Reply:
    return _arithmetic(engine, session, args, operator.mul)


def _arithmetic(engine: Engine, session: Session, args: Args, combine: Arithmetic) -> Reply:
    """RESP3 answers with a slot per match whatever the path; RESP2 with JSON text."""
    key, path, text = args.next(), need_path(args), args.next()

    def apply(value: Any) -> tuple[Any, Reply]:
        result = combined(value, _number(text), combine)
        return result, result

    operation = Operation(is_number, apply, "does not contains a number")  # sic
    outcomes = edit(engine, key, path, operation)
    if session.protocol >= 3:
        return [number(result) if taken else None for taken, result in outcomes]  # type: ignore[arg-type]  # `apply`'s
    return serialize(last(path.text, outcomes, operation) if path.legacy else slots(outcomes))


def _number(text: bytes) -> Any:
    value = operand(text)
    if not is_number(value):
        raise CommandError(BAD_NUMBER)
    return value


def combined(value: Any, by: Any, combine: Arithmetic) -> int | float:
    """Two integers make an integer, anything else a double."""
    if is_integer(value) and is_integer(by):
        result = combine(value, by)
        if not is_integer(result):
            raise CommandError(OVERFLOW)
    else:
        result = combine(float(value), float(by))
        if not math.isfinite(result):
            raise CommandError(NOT_A_NUMBER)
    return result  # type: ignore[no-any-return]  # of two numbers


@command(
    "JSON.STRAPPEND",
    arity=-3,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    summary="Appends a string to the JSON strings at a path",
)
def json_strappend(engine: Engine, session: Session, args: Args) -> Reply:
    key = args.next()
    path = need_path(args) if len(args) > 1 else compile_path(".")
    text = args.next()

    def apply(value: Any) -> tuple[Any, Reply]:
        longer = value + _suffix(text)
        return longer, len(longer.encode())

    return edited(engine, key, path, Operation(is_string, apply, "not a string"))


def _suffix(text: bytes) -> str:
    value = operand(text)
    if not isinstance(value, str):
        shown = text.decode("utf-8", "replace")
        raise CommandError(f"WRONGTYPE wrong type of path value - expected string but found {shown}")
    return value


@command("JSON.STRLEN", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the length of the JSON strings")
def json_strlen(engine: Engine, session: Session, args: Args) -> Reply:
    """The length in bytes of UTF-8."""
    key, path = args.next(), optional_path(args)
    document = read(engine, key)
    if not path.legacy:
        return asked(existing(document), path, is_string, lambda value: len(value.encode()))
    if document is ABSENT:
        return None
    value = first(path.values(document), path.text)
    if not is_string(value):
        raise wrong_value("string", value)
    return len(value.encode())


@command(
    "JSON.TOGGLE",
    arity=-3,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    since="2.0.0",
    summary="Toggles a boolean value",
)
def json_toggle(engine: Engine, session: Session, args: Args) -> Reply:
    """1 or 0 for a JSONPath, `true` or `false` for a legacy one."""
    key, path = args.next(), need_path(args)

    def apply(value: bool) -> tuple[Any, Reply]:
        return not value, serialize(not value) if path.legacy else int(not value)

    return edited(engine, key, path, Operation(lambda value: isinstance(value, bool), apply, "not a bool"))
