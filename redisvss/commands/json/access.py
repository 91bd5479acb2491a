"""What the JSON.* families share: arguments, and reading or changing the document under a key.

A document is an ordinary string key. A key of another type, or a string that is no JSON, is refused as RedisJSON
refuses a key that is not its own. A change is one optimistic transaction of the store, so it is atomic and keeps the
key's expiry; it is written only if the text changed. Replies differ by path: a JSONPath answers with one slot per
match, a legacy path with one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from redis.exceptions import ResponseError

from redisvss.commands.args import Args
from redisvss.documents.json import NOT_UTF8, TOO_DEEP, CompiledPath, compile_path, parse, parse_input, serialize
from redisvss.documents.jsonpath import Location
from redisvss.documents.jsonvalue import type_name
from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import Reply
from redisvss.stores.base import DELETE, KEEP, Keep

if TYPE_CHECKING:
    from redisvss.engine import Engine

WRONG_TYPE = "Existing key has wrong Redis type"
NO_SUCH_KEY = "ERR could not perform this operation on a key that doesn't exist"
NEW_AT_ROOT = "ERR new objects must be created at the root"
NOT_AN_INTEGER = "Couldn't parse as integer"
SYNTAX_ERROR = "ERR syntax error"

_INTEGER = re.compile(rb"-?[0-9]{1,19}")


class Absent(Enum):
    """Stands for no document, where None is JSON's null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


# ---- arguments -----------------------------------------------------------------------------------------------------


def need(args: Args) -> bytes:
    if not len(args):
        raise wrong_arity(args.name.lower())
    return args.next()


def need_text(args: Args) -> str:
    try:
        return need(args).decode()
    except UnicodeDecodeError:
        raise CommandError(NOT_UTF8) from None


def need_integer(args: Args) -> int:
    """A 64-bit integer."""
    value = _integer(need(args))
    if value is None:
        raise CommandError(NOT_AN_INTEGER)
    return value


def integer_or(text: bytes, default: int) -> int:
    value = _integer(text)
    return default if value is None else value


def _integer(text: bytes) -> int | None:
    if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        return None
    return int(text)


def need_path(args: Args) -> CompiledPath:
    return compile_path(need_text(args))


def optional_path(args: Args) -> CompiledPath:
    """The path, the root as a legacy path where none is given."""
    return need_path(args) if len(args) else compile_path(".")


def operand(text: bytes) -> Any:
    """A JSON value a command computes with, not stores: RedisJSON puts `ERR` before what is wrong with that."""
    try:
        return parse_input(text)
    except CommandError as error:
        raise CommandError(f"ERR {error}") from None


# ---- documents -----------------------------------------------------------------------------------------------------


def decode(text: bytes | None) -> Any:
    """A stored value as a document or ABSENT."""
    if text is None:
        return ABSENT
    try:
        return parse(text)
    except CommandError:
        raise CommandError(WRONG_TYPE) from None


def read(engine: Engine, key: bytes) -> Any:
    """The document under a key or ABSENT."""
    try:
        text = engine.store.call(b"GET", key)
    except ResponseError as error:
        raise refusal(error) from None
    return decode(text)


_Result = TypeVar("_Result")
Change = Callable[[Any], tuple[Any, _Result]]  # (document | ABSENT) → (document | KEEP | DELETE, what `update` returns)


def update(engine: Engine, key: bytes, change: Change[_Result]) -> _Result:
    """Replace the document by what `change` makes of it; `change` may alter its argument and may run again."""
    try:
        result: _Result = engine.store.update(key, lambda old: changed(old, change))
    except ResponseError as error:
        raise refusal(error) from None
    return result


def changed(old: bytes | None, change: Change[_Result]) -> tuple[bytes | Keep, _Result]:
    """`change` of a document as a change of its text."""
    try:
        document, result = change(decode(old))
        if document is KEEP or document is DELETE:
            return document, result
        text = serialize(document)
    except RecursionError:  # another program may have stored a document nested deeper than Python's stack
        raise CommandError(TOO_DEEP) from None
    return KEEP if text == old else text, result


def refusal(error: ResponseError) -> Exception:
    return CommandError(WRONG_TYPE) if str(error).startswith("WRONGTYPE") else error


def existing(document: Any) -> Any:
    """The document itself; raises where there is none."""
    if document is ABSENT:
        raise CommandError(NO_SUCH_KEY)
    return document


def value_at(document: Any, location: Location) -> Any:
    for key in location:
        document = document[key]
    return document


def replaced(document: Any, location: Location, value: Any) -> Any:
    """The document with another value at a location; a new document only where that is the root."""
    if not location:
        return value
    value_at(document, location[:-1])[location[-1]] = value
    return document


def topmost(locations: list[Location]) -> list[Location]:
    """Each location once, without those inside another: what is left of them once the outer one is gone."""
    known = set(locations)
    unique = dict.fromkeys(locations)
    return [at for at in unique if not any(at[:depth] in known for depth in range(len(at)))]


# ---- one operation on every match ----------------------------------------------------------------------------------


class Operation(NamedTuple):
    """What a command does to a value of the one type it takes; `otherwise` ends a legacy path's error."""

    accepts: Callable[[Any], bool]
    apply: Callable[[Any], tuple[Any, Reply]]  # value → (new value, reply); may alter the value
    otherwise: str


Outcome = tuple[bool, Reply]  # whether the match was of the right type, and what to answer for it


def edit(engine: Engine, key: bytes, path: CompiledPath, operation: Operation) -> list[Outcome]:
    """Apply an operation to every match, to all of them or, when one fails, to none; an outcome per match."""

    def change(document: Any) -> tuple[Any, list[Outcome]]:
        document, outcomes = _apply(existing(document), path, operation)
        return (document if any(accepted for accepted, _ in outcomes) else KEEP), outcomes

    return update(engine, key, change)


def edited(engine: Engine, key: bytes, path: CompiledPath, operation: Operation) -> Reply:
    """`edit`, answered as most commands do."""
    outcomes = edit(engine, key, path, operation)
    return slots(outcomes) if not path.legacy else last(path.text, outcomes, operation)


def _apply(document: Any, path: CompiledPath, operation: Operation) -> tuple[Any, list[Outcome]]:
    """The changed document and an outcome per match, in document order.

    Deepest matches go first: popping from an array must not move the matches inside it.
    """
    locations = [location for location, _ in path.locate(document)]
    outcomes: list[Outcome] = [(False, None)] * len(locations)
    for number in sorted(range(len(locations)), key=lambda index: -len(locations[index])):
        value = value_at(document, locations[number])
        if operation.accepts(value):
            value, reply = operation.apply(value)
            document = replaced(document, locations[number], value)
            outcomes[number] = True, reply
    return document, outcomes


def slots(outcomes: list[Outcome]) -> list[Reply]:
    """The reply to a JSONPath: null for a match of another type."""
    return [reply for _, reply in outcomes]


def last(shown: str, outcomes: list[Outcome], operation: Operation) -> Reply:
    """The reply to a legacy path: the last match of the right type, which there must be."""
    accepted = [reply for taken, reply in outcomes if taken]
    if not accepted:
        raise CommandError(f"ERR Path '{shown}' does not exist or {operation.otherwise}")
    return accepted[-1]


# ---- one question about every match --------------------------------------------------------------------------------


def asked(document: Any, path: CompiledPath, accepts: Callable[[Any], bool], answer: Callable[[Any], Reply]) -> Reply:
    """A JSONPath's reply to a read: an answer per match, null for a match of another type."""
    return [answer(value) if accepts(value) else None for value in path.values(document)]


def not_there(shown: str) -> CommandError:
    return CommandError(f"ERR Path '{shown}' does not exist")


def wrong_value(expected: str, value: Any) -> CommandError:
    return CommandError(f"WRONGTYPE wrong type of path value - expected {expected} but found {type_name(value)}")


def is_array(value: Any) -> bool:
    return isinstance(value, list)


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_string(value: Any) -> bool:
    return isinstance(value, str)
