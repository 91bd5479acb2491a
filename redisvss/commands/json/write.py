"""JSON.SET, JSON.MSET, JSON.MERGE, JSON.DEL and JSON.FORGET, JSON.CLEAR."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from redisvss.commands.args import Args
from redisvss.commands.json.access import (
    ABSENT,
    NEW_AT_ROOT,
    SYNTAX_ERROR,
    changed,
    existing,
    need,
    need_path,
    need_text,
    optional_path,
    refusal,
    replaced,
    topmost,
    update,
    value_at,
)
from redisvss.commands.registry import command
from redisvss.documents.json import CompiledPath, compile_path, parse_input, serialize
from redisvss.documents.jsonpath import Location
from redisvss.documents.jsonvalue import is_number
from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import OK, Reply, Session
from redisvss.stores.base import DELETE, KEEP

if TYPE_CHECKING:
    from redisvss.engine import Engine

# Texts of RedisJSON 2.8.3.
WRONG_FORMAT = "ERR wrong format"
NOT_STATIC = "Err wrong static path"  # sic
OUT_OF_RANGE = "ERR array index out of range"

_INPUT_FORMATS = (b"JSON", b"STRING")


@command(
    "JSON.SET",
    arity=-4,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    summary="Sets or updates the JSON value at a path",
)
def json_set(engine: Engine, session: Session, args: Args) -> Reply:
    key, path_text, text = args.next(), need_text(args), args.next()
    condition = _set_condition(args)
    value, path = parse_input(text), compile_path(path_text)
    if path.is_root and condition != b"XX" and _created(engine, key, value):
        return OK
    return update(engine, key, lambda document: _set(document, path, value, condition))


def _created(engine: Engine, key: bytes, value: Any) -> bool:
    """Whether there was no such key: then one round trip has done it, the common case of a load."""
    return engine.store.call(b"SET", key, serialize(value), b"NX") is not None


def _set_condition(args: Args) -> bytes:
    condition = b""
    while len(args):
        option = args.next().upper()
        if option in (b"NX", b"XX") and not condition:
            condition = option
        elif option == b"FORMAT":
            _check_format(args)
        else:
            raise CommandError(SYNTAX_ERROR)
    return condition


def _check_format(args: Args) -> None:
    if need(args) not in _INPUT_FORMATS:
        raise CommandError(WRONG_FORMAT)


def _set(document: Any, path: CompiledPath, value: Any, condition: bytes) -> tuple[Any, Reply]:
    if document is ABSENT:
        if condition == b"XX":
            return KEEP, None
        return _new_root(path, value), OK
    if path.is_root:
        return (KEEP, None) if condition == b"NX" else (value, OK)
    document, done = placed(document, path, value, condition)
    return (document, OK) if done else (KEEP, None)


def _new_root(path: CompiledPath, value: Any) -> Any:
    if not path.is_root:
        raise CommandError(NEW_AT_ROOT)
    return value


def placed(document: Any, path: CompiledPath, value: Any, condition: bytes = b"") -> tuple[Any, bool]:
    """The document with `value` at every match or, where there is none, as a new member; and whether that was done."""
    found = [] if condition == b"NX" else topmost([location for location, _ in path.locate(document)])
    for location in found:
        document = replaced(document, location, deepcopy(value) if len(found) > 1 else value)
    if found or condition == b"XX":
        return document, bool(found)
    return document, _added(document, path, value)


def _added(document: Any, path: CompiledPath, value: Any) -> bool:
    """Whether the path names a new member of an object that exists, which then has the value."""
    steps = path.steps
    if not steps:
        raise CommandError(NOT_STATIC)
    if isinstance(steps[-1], int):
        if not path.values(document):
            raise CommandError(OUT_OF_RANGE)
        return False
    for parent in path.holders(document):
        if isinstance(parent, dict) and steps[-1] not in parent:
            parent[steps[-1]] = value
            return True
    return False


@command(
    "JSON.MSET",
    arity=-4,
    flags=("write", "denyoom"),
    keys=(1, -1, 3),
    group="json",
    since="2.6.0",
    summary="Sets or updates the JSON value of one or more keys",
)
def json_mset(engine: Engine, session: Session, args: Args) -> Reply:
    if len(args) % 3:
        raise wrong_arity("json.mset")
    settings = [(args.next(), need_path(args), parse_input(args.next())) for _ in range(len(args) // 3)]
    keys = list(dict.fromkeys(key for key, _, _ in settings))
    try:
        engine.store.update_many(keys, lambda stored: (_set_all(dict(zip(keys, stored, strict=True)), settings), None))
    except ResponseError as error:
        raise refusal(error) from None
    return OK


def _set_all(stored: dict[bytes, bytes | None], settings: list[tuple[bytes, CompiledPath, Any]]) -> list[Any]:
    """The new text of each key, in the order of `stored`; settings of one key build on one another."""

    def all_of(key: bytes) -> Callable[[Any], tuple[Any, Reply]]:
        def change(document: Any) -> tuple[Any, Reply]:
            for _, path, value in (setting for setting in settings if setting[0] == key):
                document = _set_one(document, path, deepcopy(value))
            return document, None

        return change

    return [changed(text, all_of(key))[0] for key, text in stored.items()]


def _set_one(document: Any, path: CompiledPath, value: Any) -> Any:
    if document is ABSENT or path.is_root:
        return _new_root(path, value)
    return placed(document, path, value)[0]


@command(
    "JSON.MERGE",
    arity=-4,
    flags=("write", "denyoom"),
    keys=(1, 1, 1),
    group="json",
    since="2.6.0",
    summary="Merges a given JSON value into matching paths",
)
def json_merge(engine: Engine, session: Session, args: Args) -> Reply:
    key, path, text = args.next(), need_path(args), args.next()
    while len(args):
        if not args.accept(b"FORMAT"):
            raise CommandError(SYNTAX_ERROR)
        _check_format(args)
    patch = parse_input(text)
    return update(engine, key, lambda document: _merge(document, path, patch))


def _merge(document: Any, path: CompiledPath, patch: Any) -> tuple[Any, Reply]:
    if document is ABSENT:
        return _new_root(path, patch), OK
    found = [location for location, _ in path.locate(document)]
    for location in found:
        if _exists(document, location):  # an outer match may have replaced it
            document = replaced(document, location, merged(value_at(document, location), patch))
    if found:
        return document, OK
    return (document, OK) if _added(document, path, patch) else (KEEP, None)


def _exists(document: Any, location: Location) -> bool:
    for key in location:
        if isinstance(key, str):
            if not isinstance(document, dict) or key not in document:
                return False
        elif not isinstance(document, list) or key >= len(document):
            return False
        document = document[key]
    return True


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: members merge, null removes one, anything else replaces. The target is altered, the patch is not."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    result = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _json_del(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    return update(engine, key, lambda document: _deleted(document, path))


for _name in ("JSON.DEL", "JSON.FORGET"):
    command(_name, arity=-2, flags=("write",), keys=(1, 1, 1), group="json", summary="Deletes a value")(_json_del)


def _deleted(document: Any, path: CompiledPath) -> tuple[Any, Reply]:
    if document is ABSENT:
        return KEEP, 0
    if path.is_root:
        return DELETE, 1
    found = topmost([location for location, _ in path.locate(document)])
    # Backwards, or removing an element would move the matches behind it. Locations compare: they first differ at one
    # container's keys, which are of one type.
    for location in sorted(found, reverse=True):
        del value_at(document, location[:-1])[location[-1]]
    return (document if found else KEEP), len(found)


@command(
    "JSON.CLEAR",
    arity=-2,
    flags=("write",),
    keys=(1, 1, 1),
    group="json",
    since="2.0.0",
    summary="Clears all values from an array or an object and sets numeric values at 0",
)
def json_clear(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    return update(engine, key, lambda document: _cleared(existing(document), path))


def _cleared(document: Any, path: CompiledPath) -> tuple[Any, Reply]:
    found = topmost([location for location, value in path.locate(document) if _clearable(value)])
    for location in found:
        document = replaced(document, location, _empty(value_at(document, location)))
    return (document if found else KEEP), len(found)


def _clearable(value: Any) -> bool:
    """A container or a number, and neither empty nor zero."""
    return bool(value) and (is_number(value) or isinstance(value, dict | list))


def _empty(value: Any) -> Any:
    return 0 if is_number(value) else type(value)()
