"""FT.PROFILE: a search or an aggregation with an account of where its time went.

Shapes are 2.10.33's: an array of named values behind the reply in RESP2, a map inside the reply in RESP3. Times are
milliseconds. `Total GIL time` is how long the index was held: nothing here holds Redis.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redisvss.aggregate.profile import StageTimes
from redisvss.commands.aggregate import shown_page, start
from redisvss.commands.aggregate_args import parse_aggregate
from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.commands.search import search_reply
from redisvss.commands.search_args import parse_search
from redisvss.errors import CommandError
from redisvss.query.profile import Profile, Profiler, iterators, processors
from redisvss.query.search import Search
from redisvss.reply import Reply, Session, lower
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.engine import Engine

_STEPS_UNDER_LOCK = ("bind", "execute", "score", "sort", "collect")


@command(
    "FT.PROFILE", arity=-5, summary="Performs a FT.SEARCH or FT.AGGREGATE command and collects performance details"
)
def ft_profile(engine: Engine, session: Session, args: Args) -> Reply:
    name, kind = args.next(), args.next().upper()
    if kind not in (b"SEARCH", b"AGGREGATE"):
        raise CommandError("No `SEARCH` or `AGGREGATE` provided")
    limited = args.accept(b"LIMITED")
    if not args.accept(b"QUERY"):
        raise CommandError("The QUERY keyword is expected")
    index = engine.search_index(name)
    run = _search if kind == b"SEARCH" else _aggregate
    started = time.perf_counter()
    reply, profile = run(engine, session, index, args, limited)
    profile = {"Total profile time": _milliseconds(time.perf_counter() - started), **profile}
    if session.protocol >= 3:
        assert isinstance(reply, dict)
        return {**reply, "profile": profile}
    return [reply, [_named(*item) for item in profile.items()]]


def _search(engine: Engine, session: Session, index: SearchIndex, args: Args, limited: bool) -> tuple[Reply, Profile]:
    request = parse_search(args, engine.config, session.protocol)
    index.dialects_used.add(request.dialect)
    profiler = Profiler()
    result = Search(index, request, engine.config, engine, profiler).run()
    assert result.query is not None and result.matches is not None
    took = result.seconds
    tree = iterators(result.query, result.matches, took["execute"], profiler, limited)
    steps = processors(request, result)
    return search_reply(request, result, session.protocol), _profile(took, result.warnings, tree, steps)


def _aggregate(
    engine: Engine, session: Session, index: SearchIndex, args: Args, limited: bool
) -> tuple[Reply, Profile]:
    request = parse_aggregate(args, engine.config, session.protocol)
    if request.pipeline.cursor is not None:
        raise CommandError("FT.PROFILE does not support cursor")
    profiler, stages = Profiler(), StageTimes()
    rows, execution = start(engine, index, request, profiler, stages.observe)
    page = execution.read()
    took = rows.clock.laps
    tree = iterators(rows.query, rows.matches, took["execute"], profiler, limited)
    warnings = [page.warning] if page.warning else []
    steps = stages.processors(took["execute"])
    return shown_page(request, page, session.protocol), _profile(took, warnings, tree, steps)


def _profile(took: dict[str, float], warnings: Sequence[str], tree: Profile, steps: list[Profile]) -> Profile:
    return {
        "Parsing time": _milliseconds(took["parse"]),
        "Pipeline creation time": _milliseconds(took["bind"]),
        "Total GIL time": _milliseconds(sum(took.get(step, 0.0) for step in _STEPS_UNDER_LOCK)),
        "Warning": warnings[0] if warnings else "None",
        "Iterators profile": [tree],
        "Result processors profile": steps,
    }


def _milliseconds(seconds: float) -> float:
    return seconds * 1000


def _named(name: str, value: Any) -> list[Any]:
    """An entry of RESP2's profile: its name, then its value or values."""
    if name == "Warning":
        return [name] if value == "None" else [name, value]
    return [name, *map(_flat, value)] if isinstance(value, list) else [name, value]


def _flat(profile: Profile) -> list[Any]:
    """A clause or step as RESP2 has it: names and values in turn, child clauses one after the other."""
    flat: list[Any] = []
    for name, value in profile.items():
        match value:
            case list():
                flat += [name, *map(_flat, value)]
            case dict():
                flat += [name, _flat(value)]
            case _:
                flat += [name, lower(value)]
    return flat
