"""FT.SYNUPDATE and FT.SYNDUMP: synonym groups are part of the index's definition."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.reply import OK, Reply, Session
from redisvss.schema import IndexDefinition

if TYPE_CHECKING:
    from redisvss.engine import Engine

_UNKNOWN = "Unknown index name"


@command("FT.SYNUPDATE", arity=-4, flags=("write",), since="1.2.0", summary="Creates or updates a synonym group")
def ft_synupdate(engine: Engine, session: Session, args: Args) -> Reply:
    definition = engine.definition(args.next(), _UNKNOWN)
    group = as_text(args.next())
    rescan = not args.accept(b"SKIPINITIALSCAN")
    terms = [as_text(term).lower() for term in args]

    def add(current: IndexDefinition) -> IndexDefinition:
        known = {term: current.synonyms.get(term, ()) for term in terms}
        added = {term: groups if group in groups else (*groups, group) for term, groups in known.items()}
        return dataclasses.replace(current, synonyms={**current.synonyms, **added})

    engine.catalog.alter(definition.name, add, rescan)
    return OK


@command("FT.SYNDUMP", arity=2, since="1.2.0", summary="Dumps the synonym groups of an index")
def ft_syndump(engine: Engine, session: Session, args: Args) -> Reply:
    synonyms = engine.definition(args.next(), _UNKNOWN).synonyms
    return {
        term.encode("utf-8", "surrogateescape"): [group.encode("utf-8", "surrogateescape") for group in groups]
        for term, groups in synonyms.items()
    }


@command("FT.SYNADD", arity=-3, flags=("write",), summary="No longer supported")
def ft_synadd(engine: Engine, session: Session, args: Args) -> Reply:
    raise CommandError("No longer suppoted, use FT.SYNUPDATE")  # sic
