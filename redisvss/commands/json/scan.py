"""REDISVSS.SCAN: what the doors make of SCAN … TYPE ReJSON-RL, where JSON documents are string keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.documents.json import parse
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session
from redisvss.sync.feed import OWN_PREFIX

if TYPE_CHECKING:
    from redisvss.engine import Engine

_TYPE = b"TYPE"


@command("REDISVSS.SCAN", arity=-2, group="json", summary="SCAN for JSON documents: MATCH, COUNT and TYPE as there")
def redisvss_scan(engine: Engine, session: Session, args: Args) -> Reply:
    """Objects and arrays: a counter is JSON text too, but nobody who looks for documents looks for it."""
    cursor, keys = engine.store.call("SCAN", args.next(), *_strings(args))
    texts = engine.store.read_strings(keys)
    return [
        cursor,
        [
            key
            for key, text in zip(keys, texts, strict=True)
            if text is not None and not key.startswith(OWN_PREFIX) and _is_document(text)
        ],
    ]


def _strings(args: Args) -> list[bytes]:
    """SCAN's options with the type replaced by the one documents have; Redis checks them."""
    options: list[bytes] = []
    while len(args):
        name = args.next()
        value = [args.next()] if len(args) else []
        options += [name, *([b"string"] if name.upper() == _TYPE and value else value)]
    return options


def _is_document(text: bytes) -> bool:
    if text.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        parse(text)
    except CommandError:
        return False
    return True
