"""FT.ADD, FT.GET, FT.MGET and FT.DEL: documents by name, which RediSearch keeps for clients older than 2.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.errors import MISSING, CommandError, wrong_arity
from redisvss.expression import compile_filter
from redisvss.index.stemming import LANGUAGES
from redisvss.numbers import parse_float
from redisvss.reply import OK, Reply, Session
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.engine import Engine

_UNKNOWN = "Unknown Index name"


@command("FT.GET", arity=3, keys=(1, 2, 1), summary="Returns the fields of an indexed hash")
def ft_get(engine: Engine, session: Session, args: Args) -> Reply:
    return _indexed(engine, args.next(), args.rest())[0]


@command("FT.MGET", arity=-3, keys=(1, -1, 1), summary="Returns the fields of indexed hashes")
def ft_mget(engine: Engine, session: Session, args: Args) -> Reply:
    return _indexed(engine, args.next(), args.rest())


@command("FT.DEL", arity=-3, flags=("write",), keys=(1, 2, 1), summary="Deletes a document")
def ft_del(engine: Engine, session: Session, args: Args) -> Reply:
    """The key goes, whatever it holds and whether the index has it or not (2.10.5); a fourth argument says nothing."""
    if len(args) > 3:
        raise wrong_arity("FT.DEL")
    engine.definition(args.next(), _UNKNOWN)
    deleted: int = engine.store.call("DEL", args.next())
    return deleted


# ---- FT.ADD ----------------------------------------------------------------------------------------------------------


@dataclass
class Addition:
    """What FT.ADD is to write, and on what condition."""

    score: bytes
    fields: list[bytes] = field(default_factory=list)
    replace: bool = False
    partial: bool = False
    nocreate: bool = False
    language: bytes | None = None
    payload: bytes | None = None
    condition: str | None = None

    def pairs(self) -> list[bytes]:
        """The hash's fields and values. A score of 1 is left out, but where other fields stay."""
        scored = parse_float(self.score) != 1 or self.partial
        extra = ((b"__score", self.score if scored else None), (b"__language", self.language))
        named = (*extra, (b"__payload", self.payload))
        return [*self.fields, *(part for name, value in named if value is not None for part in (name, value))]


@command("FT.ADD", arity=-4, flags=("write",), keys=(1, 2, 1), summary="Writes a hash and indexes it")
@command("FT.SAFEADD", arity=-4, flags=("write",), keys=(1, 2, 1), summary="Writes a hash and indexes it")
def ft_add(engine: Engine, session: Session, args: Args) -> Reply:
    """The hash is written whether or not the index takes it; it is indexed as any other write is."""
    name, key = args.next(), args.next()
    asked = _parse_addition(args)
    index = engine.find(name, lambda _: "Unknown index name")
    kind = engine.store.call("TYPE", key)
    if kind not in (b"none", b"hash"):
        raise CommandError("Invalid Redis key")
    exists = kind == b"hash"
    if asked.nocreate and not exists:
        raise CommandError("Document does not exist")
    if exists and not asked.replace:
        raise CommandError("Document already exists")
    if exists and asked.condition is not None and not _holds(engine, index, key, asked.condition):
        return "NOADD"
    if asked.fields:
        write = ("HSET", key, *asked.pairs())
        for reply in engine.store.pipeline([write] if asked.partial else [("DEL", key), write]):
            if isinstance(reply, Exception):
                raise reply
    return OK


def _parse_addition(args: Args) -> Addition:
    asked = Addition(args.next())
    score = parse_float(asked.score)
    if score is None:
        raise CommandError("Could not parse document score")
    if not 0 <= score <= 1:
        raise CommandError("Score must be between 0 and 1")
    while len(args):
        match args.next().upper():
            case b"FIELDS":
                asked.fields = args.rest()
                if len(asked.fields) % 2:
                    raise CommandError("Fields must be specified in FIELD VALUE pairs")
                return asked
            case b"REPLACE":
                asked.replace = True
            case b"PARTIAL":
                asked.partial = asked.replace = True
            case b"NOCREATE":
                asked.nocreate = asked.replace = True
            case b"LANGUAGE":
                asked.language = _needed(args, "LANGUAGE")
                if as_text(asked.language).lower() not in LANGUAGES:
                    raise CommandError("Unsupported language")
            case b"PAYLOAD":
                asked.payload = _needed(args, "PAYLOAD")
            case b"IF":
                asked.condition = as_text(_needed(args, "IF"))
            case _:
                raise CommandError(f"Unknown keyword `{as_text(args.items[args.position - 1])}` provided")
    raise CommandError("No field list found")


def _needed(args: Args, option: str) -> bytes:
    if not len(args):
        raise CommandError(f"{option}: {MISSING}")
    return args.next()


def _holds(engine: Engine, index: SearchIndex, key: bytes, condition: str) -> bool:
    """IF: an expression over the document as it is; it may name fields of the schema only."""
    compiled = compile_filter(condition)
    for name in compiled.properties:
        if name not in index.by_name:
            raise CommandError(f"Property `{name}` not loaded nor in pipeline")
    stored = engine.store.read_hashes([key], None)[0] or {}
    specs = index.definition.fields
    return compiled.passes({spec.name: stored[spec.identifier] for spec in specs if spec.identifier in stored})


def _indexed(engine: Engine, name: bytes, keys: Sequence[bytes]) -> list[Reply]:
    """Field, value, … of each hash that is in the index, None for the others; a JSON document has no fields to show."""
    index = engine.search_index(name, lambda _: _UNKNOWN)
    with index.lock.read():
        known = [key in index for key in keys]
    if index.definition.key_type == "JSON":
        return [[] if indexed else None for indexed in known]
    hashes = engine.store.read_hashes(keys, None)
    return [
        [part for pair in fields.items() for part in pair] if indexed and fields else None
        for indexed, fields in zip(known, hashes, strict=True)
    ]
