"""FT.DEBUG: what clients and test suites look at of an index's inside, as far as RediSearch's structures are ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import Reply, Session
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.engine import Engine


@command("FT.DEBUG", arity=-2, flags=("readonly", "admin"), summary="Shows internals of an index")
def ft_debug(engine: Engine, session: Session, args: Args) -> Reply:
    given = as_text(args.next())
    name = given.upper()
    if name == "HELP":
        return [part.encode() for part in SUBCOMMANDS]
    if name not in SUBCOMMANDS:
        raise CommandError(f"ERR unknown subcommand '{given}'. Try FT.DEBUG HELP.")
    subcommand, arguments, unknown = SUBCOMMANDS[name]
    if len(args) != arguments:
        raise wrong_arity(f"FT.DEBUG|{name}")
    engine.fresh()
    index = engine.catalog.find(args.next())  # looking is no use that keeps a TEMPORARY index alive
    if index is None:
        raise CommandError(unknown)
    engine.synchronizer.complete(index)
    with index.lock.read():
        return subcommand(engine, index, args)


def _ttl(engine: Engine, index: SearchIndex, args: Args) -> Reply:
    """Seconds until a TEMPORARY index that nobody uses is dropped."""
    if index.definition.temporary is None:
        raise CommandError("Index is not temporary")
    return engine.temporaries.seconds_left(index)


def _doc_id(engine: Engine, index: SearchIndex, args: Args) -> Reply:
    """The number of the document's last indexing, which is RediSearch's id; 0 for none."""
    doc_id = index.table.id_of(args.next())
    return 0 if doc_id is None else int(index.table.revision[doc_id])


def _key(engine: Engine, index: SearchIndex, args: Args) -> Reply:
    number, table = args.integer("IDTODOCID"), index.table
    for doc_id in np.flatnonzero(table.revision == number).tolist():
        if doc_id in table.live:
            return table.key_of(doc_id)
    raise CommandError("document was removed")


def _terms(engine: Engine, index: SearchIndex, args: Args) -> Reply:
    """The dictionary of the TEXT fields, with stems, sounds and synonym groups, in byte order."""
    index.text.flush()
    terms = (term.encode("utf-8", "surrogateescape") for term in index.text.sorted_terms.starting(""))
    return [term for term in terms if len(index.text.postings(term).docs)]


def _collect(engine: Engine, index: SearchIndex, args: Args) -> Reply:
    return "DONE"  # there is no garbage


Subcommand = Callable[["Engine", SearchIndex, Args], Reply]
_NO_CONTEXT = "Can not create a search ctx"

# name → what runs, how many arguments it takes, the error for an unknown index
SUBCOMMANDS: dict[str, tuple[Subcommand, int, str]] = {
    "IDTODOCID": (_key, 2, _NO_CONTEXT),
    "DOCIDTOID": (_doc_id, 2, _NO_CONTEXT),
    "DUMP_TERMS": (_terms, 1, _NO_CONTEXT),
    "GC_FORCEINVOKE": (_collect, 1, "Unknown index name"),
    "TTL": (_ttl, 1, "Unknown index name"),
}
