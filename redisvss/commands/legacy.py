"""FT.GET, FT.MGET and FT.DEL: documents by name, which RediSearch keeps for clients older than 2.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.errors import wrong_arity
from redisvss.reply import Reply, Session

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


def _indexed(engine: Engine, name: bytes, keys: Sequence[bytes]) -> list[Reply]:
    """Field, value, … of each hash that is in the index, None for the others; a JSON document has no fields to show."""
    index = engine.find(name, lambda _: _UNKNOWN)
    engine.synchronizer.complete(index)
    with index.lock.read():
        known = [key in index for key in keys]
    if index.definition.key_type == "JSON":
        return [[] if indexed else None for indexed in known]
    hashes = engine.store.read_hashes(keys, None)
    return [
        [part for pair in fields.items() for part in pair] if indexed and fields else None
        for indexed, fields in zip(known, hashes, strict=True)
    ]
