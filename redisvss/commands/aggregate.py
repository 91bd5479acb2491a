"""FT.AGGREGATE and FT.CURSOR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redisvss.aggregate import Cursor, Execution, Page, build_reply
from redisvss.aggregate.request import DEFAULT_CURSOR_COUNT, CursorOptions
from redisvss.aggregate.streams import Observer
from redisvss.commands.aggregate_args import AggregateRequest, parse_aggregate
from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.numbers import parse_integer
from redisvss.query.profile import Profiler
from redisvss.query.rows import MatchedRows
from redisvss.reply import OK, Reply, Session
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.engine import Engine

INDEX_DROPPED = "The index was dropped while the cursor was idle"


@dataclass
class OpenAggregation:
    """What a cursor reads on: the pipeline, and how many rows a read gives unless it says otherwise."""

    request: AggregateRequest
    index: SearchIndex
    execution: Execution
    count: int

    def read(self, protocol: int) -> tuple[Reply, bool]:
        """The next rows, and whether they were the last. Raises CommandError."""
        page = self.execution.read(self.count)
        return shown_page(self.request, page, protocol), page.done


@command(
    "FT.AGGREGATE",
    arity=-2,
    summary="Run a search query on an index and perform aggregate transformations on the results",
    since="1.1.0",
)
def ft_aggregate(engine: Engine, session: Session, args: Args) -> Reply:
    name = args.next()
    request = parse_aggregate(args, engine.config, session.protocol)
    index = engine.search_index(name)
    _, execution = start(engine, index, request)
    if request.pipeline.cursor is not None:
        return _open_cursor(engine, session, OpenAggregation(request, index, execution, 0), request.pipeline.cursor)
    most = engine.config.get("MAXAGGREGATERESULTS")
    page = execution.read(int(most) if most is not None and most.isdigit() else None)
    return shown_page(request, page, session.protocol)


def start(
    engine: Engine,
    index: SearchIndex,
    request: AggregateRequest,
    profiler: Profiler | None = None,
    observe: Observer | None = None,
) -> tuple[MatchedRows, Execution]:
    """The query run, the pipeline planned, nothing of it read yet. Raises CommandError.

    profiler, observe: FT.PROFILE's, see MatchedRows and Execution.
    """
    search, config = request.search, engine.config
    index.dialects_used.add(search.dialect)
    rows = MatchedRows(index, search, config, engine, request.pipeline.addscores, profiler)
    return rows, Execution(
        request.pipeline,
        rows,
        seconds=search.timeout_ms / 1000 if search.timeout_ms else None,
        fail_on_timeout=config.fail_on_timeout,
        unstable_features=config.get("ENABLE_UNSTABLE_FEATURES") == "true",
        observe=observe,
    )


def shown_page(request: AggregateRequest, page: Page, protocol: int) -> Reply:
    search, fields = request.search, request.pipeline.fields
    reply: Reply = build_reply(page, protocol=protocol, dialect=search.dialect, expand=search.expand, fields=fields)
    return reply


def _open_cursor(engine: Engine, session: Session, state: OpenAggregation, options: CursorOptions) -> Reply:
    state.count = options.count or DEFAULT_CURSOR_COUNT
    cursor = engine.cursors.open(state.index, state, options.max_idle_ms / 1000)
    return _read(engine, session, cursor)


def _read(engine: Engine, session: Session, cursor: Cursor[OpenAggregation]) -> Reply:
    """`[rows, id]`; id 0 where nothing follows. An error closes the cursor."""
    done = True
    try:
        reply, done = cursor.state.read(session.protocol)
    finally:
        engine.cursors.release(cursor, done)
    return [reply, 0 if done else cursor.id]


@command("FT.CURSOR", arity=-4, summary="Reads from or deletes a cursor", since="1.1.0")
def ft_cursor(engine: Engine, session: Session, args: Args) -> Reply:
    """READ, DEL or GC: RediSearch looks at the first letter only. The index named is not looked at."""
    action, _, number = args.next(), args.next(), args.next()
    cursor_id = parse_integer(number)
    if cursor_id is None:
        raise CommandError("Bad cursor ID")
    match action[:1].upper():
        case b"R":
            return _read_on(engine, session, cursor_id, args)
        case b"D":
            engine.cursors.delete(cursor_id)
            return OK
        case b"G":
            return engine.cursors.collect()
        case _:
            raise CommandError("Unknown subcommand")


def _read_on(engine: Engine, session: Session, cursor_id: int, args: Args) -> Reply:
    count = 0
    if len(args) >= 2:  # `COUNT n`, whatever the first word is
        args.next()
        given = parse_integer(args.next())
        if given is None:
            raise CommandError("Bad value for COUNT")
        count = given
    engine.fresh()
    cursor = engine.cursors.take(cursor_id)
    state = cursor.state
    if engine.catalog.find(state.index.name) is not state.index:
        engine.cursors.release(cursor, done=True)
        raise CommandError(INDEX_DROPPED)
    state.count = count if count > 0 else state.count
    return _read(engine, session, cursor)
