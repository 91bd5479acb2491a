"""FT._LIST and the alias commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.reply import OK, Reply, Session, Set

if TYPE_CHECKING:
    from redisvss.engine import Engine

_NO_SUCH_TARGET = "Unknown index name (or name is an alias itself)"


@command("FT._LIST", arity=-1, summary="Returns a list of all existing indexes", since="2.0.0")
def ft_list(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    return Set(name.decode("utf-8", "surrogateescape") for name in engine.catalog.names())


@command("FT.ALIASADD", arity=3, flags=("write",), since="1.0.0", summary="Adds an alias to the index")
def ft_aliasadd(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    alias, name = args.next(), args.next()
    if not engine.catalog.exists(name):
        raise CommandError(_NO_SUCH_TARGET)
    if not engine.catalog.add_alias(alias, name):
        raise CommandError("Alias already exists")
    return OK


@command("FT.ALIASUPDATE", arity=3, flags=("write",), since="1.0.0", summary="Adds or updates an alias to the index")
def ft_aliasupdate(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    alias, name = args.next(), args.next()
    if not engine.catalog.exists(name):
        raise CommandError(_NO_SUCH_TARGET)
    engine.catalog.set_alias(alias, name)
    return OK


@command("FT.ALIASDEL", arity=2, flags=("write",), since="1.0.0", summary="Deletes an alias from the index")
def ft_aliasdel(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    if not engine.catalog.remove_alias(args.next()):
        raise CommandError("Alias does not exist")
    return OK
