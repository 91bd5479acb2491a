"""JSON.GET, JSON.MGET, JSON.TYPE, JSON.RESP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.json.access import ABSENT, need, need_text, not_there, optional_path, read
from redisvss.commands.registry import command
from redisvss.documents.json import COMPACT, CompiledPath, Style, compile_path, parse, serialize
from redisvss.documents.jsonpath_parser import is_legacy
from redisvss.documents.jsonvalue import is_integer, type_name
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

WRONG_REPLY_FORMAT = "ERR wrong reply format"
NO_FORMAT_ON_RESP2 = "ERR FORMAT argument is not supported on RESP2"
I64_MAX = 2**63 - 1

_STYLE = {b"INDENT": "indent", b"NEWLINE": "newline", b"SPACE": "space"}


@dataclass
class _GetRequest:
    paths: list[str] = field(default_factory=list)
    style: dict[str, bytes] = field(default_factory=dict)
    format: bytes = b"STRING"


@command("JSON.GET", arity=-2, keys=(1, 1, 1), group="json", summary="Gets the value at one or more paths")
def json_get(engine: Engine, session: Session, args: Args) -> Reply:
    key = args.next()
    request = _get_request(session, args)
    document = read(engine, key)
    if document is ABSENT:
        return None
    style = Style(**request.style) if request.style else COMPACT
    if request.format != b"STRING":
        return [_expanded_matches(document, text, request.format, style) for text in request.paths]
    if len(request.paths) == 1:
        return _get_one(document, compile_path(request.paths[0]), style)
    return serialize(_get_many(document, request.paths), style)


def _get_request(session: Session, args: Args) -> _GetRequest:
    request = _GetRequest()
    while len(args):
        option = args.keyword()
        if option in _STYLE:
            args.next()
            request.style[_STYLE[option]] = need(args)
        elif option == b"FORMAT":
            args.next()
            request.format = _get_format(session, args, bool(request.paths))
        elif args.accept(b"NOESCAPE"):
            continue
        else:
            request.paths.append(need_text(args))
    request.paths = request.paths or ["."]
    return request


def _get_format(session: Session, args: Args, behind_path: bool) -> bytes:
    """RedisJSON only refuses FORMAT on RESP2 where it comes before a path; behind one it then has no effect."""
    if session.protocol < 3 and not behind_path:
        raise CommandError(NO_FORMAT_ON_RESP2)
    name = need(args)
    if name not in (b"STRING", b"EXPAND", b"EXPAND1"):
        raise CommandError(WRONG_REPLY_FORMAT)
    return name if session.protocol >= 3 else b"STRING"


def _get_one(document: Any, path: CompiledPath, style: Style) -> bytes:
    values = path.values(document)
    return serialize(first(values, path.text) if path.legacy else values, style)


def _get_many(document: Any, texts: Sequence[str]) -> dict[str, Any]:
    """Values by path; a malformed path is left out, as in RedisJSON. One JSONPath makes arrays of them all."""
    paths = [path for text in texts if (path := compiled_or_none(text)) is not None]
    found = {path.original: path.values(document) for path in paths}
    if not all(map(is_legacy, texts)):
        return found
    return {text: first(values, text) for text, values in found.items()}


def first(values: list[Any], shown: str) -> Any:
    if not values:
        raise not_there(shown)
    return values[0]


def compiled_or_none(text: str) -> CompiledPath | None:
    try:
        return compile_path(text)
    except CommandError:
        return None


def _expanded_matches(document: Any, text: str, form: bytes, style: Style) -> list[Reply]:
    path = compiled_or_none(text)
    return [] if path is None else [expanded(value, form, style) for value in path.values(document)]


def expanded(value: Any, form: bytes, style: Style = COMPACT) -> Reply:
    """A value in RESP3's own types: EXPAND all the way down, EXPAND1 with anything but a scalar number as JSON text."""
    match value:
        case None | bool():
            return value
        case int() | float():
            return number(value)
        case _ if form != b"EXPAND":
            return serialize(value, style)
        case str():
            return value.encode()
        case list():
            return [expanded(element, form, style) for element in value]
        case _:
            return {key.encode(): expanded(member, form, style) for key, member in value.items()}


def number(value: int | float) -> int | float:
    """A number as RESP can say it: an integer of 64 bits with a sign, else a double."""
    return value if is_integer(value) and value <= I64_MAX else float(value)


@command("JSON.MGET", arity=-3, keys=(1, -2, 1), group="json", summary="Returns the values at a path from keys")
def json_mget(engine: Engine, session: Session, args: Args) -> Reply:
    *keys, text = args.rest()
    path = compiled_or_none(need_text(Args([text])))
    if path is None:
        return [None] * len(keys)
    return [_get_or_none(stored, path) for stored in engine.store.read_strings(keys)]


def _get_or_none(stored: bytes | None, path: CompiledPath) -> bytes | None:
    """JSON.MGET's slot for one key: null for whatever JSON.GET would refuse."""
    if stored is None:
        return None
    try:
        return _get_one(parse(stored), path, COMPACT)
    except CommandError:
        return None


@command("JSON.TYPE", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the type of the values at a path")
def json_type(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    types = _types(read(engine, key), path)
    return [types] if session.protocol >= 3 else types


def _types(document: Any, path: CompiledPath) -> Reply:
    if document is ABSENT:
        return None
    names: list[Reply] = [type_name(value).encode() for value in path.values(document)]
    if path.legacy:
        return names[0] if names else None
    return names


@command("JSON.RESP", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the value at a path in RESP form")
def json_resp(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    document = read(engine, key)
    if document is ABSENT:
        return None
    values = path.values(document)
    if path.legacy:
        return _resp(first(values, path.text))
    return [_resp(value) for value in values]


def _resp(value: Any) -> Reply:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number(value)
        case str():
            return value.encode()
        case list():
            return ["[", *(_resp(element) for element in value)]
        case _:
            return ["{", *(part for key, member in value.items() for part in (key.encode(), _resp(member)))]
