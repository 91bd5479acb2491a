"""The variants of the catalogue's commands that answer OK where there is nothing to do.

RediSearch replicates to them, and migrations use them; they take what their namesakes take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.commands.catalogue import ft_aliasadd, ft_aliasdel
from redisvss.commands.create import ft_alter, ft_create, ft_drop, ft_dropindex
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.reply import OK, Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine


@command("FT._CREATEIFNX", arity=-5, flags=("write", "denyoom"), summary="Creates an index unless there is one")
def ft_createifnx(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    return OK if engine.catalog.exists(args.items[0]) else ft_create(engine, session, args)


@command("FT._ALTERIFNX", arity=-5, flags=("write", "denyoom"), summary="Adds a field unless the index has it")
def ft_alterifnx(engine: Engine, session: Session, args: Args) -> Reply:
    try:
        return ft_alter(engine, session, args)
    except CommandError as error:
        if str(error).startswith("Duplicate field in schema"):
            return OK
        raise


@command("FT._DROPINDEXIFX", arity=-2, flags=("write",), summary="Deletes the index if there is one")
def ft_dropindexifx(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    return ft_dropindex(engine, session, args) if engine.catalog.find(args.items[0]) is not None else OK


@command("FT._DROPIFX", arity=-2, flags=("write",), summary="Deletes the index and its documents if there is one")
def ft_dropifx(engine: Engine, session: Session, args: Args) -> Reply:
    engine.fresh()
    return ft_drop(engine, session, args) if engine.catalog.find(args.items[0]) is not None else OK


@command("FT._ALIASADDIFNX", arity=3, flags=("write",), summary="Adds an alias unless there is one")
def ft_aliasaddifnx(engine: Engine, session: Session, args: Args) -> Reply:
    try:
        return ft_aliasadd(engine, session, args)
    except CommandError as error:
        if str(error) == "Alias already exists":
            return OK
        raise


@command("FT._ALIASDELIFX", arity=2, flags=("write",), summary="Deletes an alias if there is one")
def ft_aliasdelifx(engine: Engine, session: Session, args: Args) -> Reply:
    try:
        return ft_aliasdel(engine, session, args)
    except CommandError:
        return OK
