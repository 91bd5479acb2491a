"""JSON.* commands run on our side without a door, and replies compared or kept by their protocol's types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from redisvss.commands import COMMANDS
from redisvss.commands.args import Args
from redisvss.documents.jsonvalue import equal
from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import Session, lower
from redisvss.stores.base import Store
from redisvss.stores.embedded import EmbeddedStore


class ReplyError(str):
    """An error reply's text, prefix and all."""


class Ours:
    """The handlers on a store; a command of another family goes to the store itself."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or EmbeddedStore()
        self.engine: Any = SimpleNamespace(store=self.store)  # all that the handlers ask of an engine

    def fresh(self, documents: Mapping[str, str], hashes: Iterable[str]) -> None:
        """Nothing but these keys."""
        self.store.call("FLUSHALL")
        for key, text in documents.items():
            self.store.call("SET", key, text)
        for key in hashes:
            self.store.call("HSET", key, "f", "v")

    def run(self, command: list[str], protocol: int = 2) -> Any:
        """The reply as a client's parser has it, bytes for strings of any kind; a ReplyError for an error."""
        args = [part.encode() for part in command]
        info = COMMANDS[args[0].upper()]
        if not info.accepts(len(args)):
            return ReplyError(wrong_arity(command[0].lower()))
        try:
            reply = info.handler(self.engine, Session(protocol), Args(args[1:], info.name))
        except CommandError as error:
            return ReplyError(error)
        return _as_parsed(lower(reply) if protocol == 2 else reply)


def _as_parsed(reply: Any) -> Any:
    match reply:
        case str():
            return reply.encode()
        case list():
            return [_as_parsed(item) for item in reply]
        case dict():
            return {_as_parsed(key): _as_parsed(value) for key, value in reply.items()}
        case _:
            return reply


def shown(reply: Any) -> Any:
    """A reply as JSON can keep it: strings behind `b`, errors behind `e`, maps as pairs."""
    match reply:
        case ReplyError():
            return {"e": str(reply)}
        case bytes():
            return {"b": reply.decode()}
        case dict():
            return {"m": [[shown(key), shown(value)] for key, value in reply.items()]}
        case list() | tuple():
            return [shown(item) for item in reply]
        case _:
            return reply


def unshown(kept: Any) -> Any:
    match kept:
        case {"e": text}:
            return ReplyError(text)
        case {"b": text}:
            return text.encode()
        case {"m": pairs}:
            return {unshown(key): unshown(value) for key, value in pairs}
        case list():
            return [unshown(item) for item in kept]
        case _:
            return kept


def same_json(wanted: Any, got: Any) -> bool:
    """Equal replies; JSON texts by value, for RedisJSON reorders members when one is removed."""
    match wanted:
        case list() | tuple():
            return isinstance(got, list | tuple) and len(wanted) == len(got) and all(map(same_json, wanted, got))
        case dict():
            return (
                isinstance(got, dict)
                and wanted.keys() == got.keys()
                and all(same_json(wanted[key], got[key]) for key in wanted)
            )
        case ReplyError():  # hiredis makes U+FFFD of what is not ASCII
            return isinstance(got, ReplyError) and wanted == re.sub(r"[^\x00-\x7f]", "\ufffd", got)
        case bytes():
            return isinstance(got, bytes) and (wanted == got or _same_text(wanted, got))
        case _:
            return type(wanted) is type(got) and bool(wanted == got)


def _same_text(wanted: bytes, got: bytes) -> bool:
    """JSON of one value, or one double by `%.17g` and in its shortest form (JSON.RESP under RESP2)."""
    try:
        if wanted[:1] in b'[{"':
            return len(wanted) == len(got) and equal(json.loads(wanted), json.loads(got), exact=True)
        return float(wanted) == float(got)
    except ValueError:
        return False
