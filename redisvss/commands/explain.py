"""FT.EXPLAIN and FT.EXPLAINCLI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.commands.search_args import parse_search
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine


@command("FT.EXPLAIN", arity=-3, summary="Returns the execution plan for a complex query")
def ft_explain(engine: Engine, session: Session, args: Args) -> Reply:
    return _explained(engine, session, args).encode("utf-8", "surrogateescape")


@command("FT.EXPLAINCLI", arity=-3, summary="Returns the execution plan for a complex query, line by line")
def ft_explaincli(engine: Engine, session: Session, args: Args) -> Reply:
    return list(_explained(engine, session, args).split("\n"))


def _explained(engine: Engine, session: Session, args: Args) -> str:
    """Takes the options of FT.SEARCH: what a word stands for depends on some of them, and INKEYS shows as ids."""
    index = engine.search_index(args.next())
    return engine.explain(index, parse_search(args, engine.config, session.protocol))
