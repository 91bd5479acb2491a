"""FT.AGGREGATE's arguments: the query's options, then the steps of the pipeline, with RediSearch's own errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from redisvss.aggregate.request import (
    Apply,
    Arrange,
    CursorOptions,
    Filter,
    GroupBy,
    Load,
    Pipeline,
    Reduce,
    SortKey,
    Step,
)
from redisvss.commands.args import Args, BadArgument, as_text
from redisvss.commands.search_args import FLAGS, OPTIONS, SearchParser
from redisvss.config import Config
from redisvss.errors import NOT_CONVERTIBLE, CommandError
from redisvss.numbers import parse_integer
from redisvss.query.request import SearchRequest

MAX_SORT_KEYS = 8
MAX_PROPERTIES = 2**16 - 1
_UNSTABLE = "FT.AGGREGATE + WITHCOUNT is not available when `ENABLE_UNSTABLE_FEATURES` is off"
_COUNT_AND_CURSOR = "FT.AGGREGATE does not support using WITHCOUNT and WITHCURSOR together"


@dataclass(frozen=True)
class AggregateRequest:
    """search: which documents, with which scores; pipeline: what becomes of them."""

    search: SearchRequest
    pipeline: Pipeline


def parse_aggregate(args: Args, config: Config, protocol: int) -> AggregateRequest:
    """args: from the query on. Raises CommandError."""
    if not len(args):
        raise CommandError("No query string provided")
    return AggregateParser(args, config, protocol).parse_aggregate()


class AggregateParser(SearchParser):
    def __init__(self, args: Args, config: Config, protocol: int) -> None:
        super().__init__(args, config, protocol)
        self.steps: list[Step] = []
        self.pipeline = Pipeline()
        self.returns = False

    def parse_aggregate(self) -> AggregateRequest:
        self._run(_QUERY_OPTIONS)
        self._check_query()
        self._run(_PIPELINE_OPTIONS)
        if len(self.args):
            self._unknown(b"")
        self._check_names()
        request = self.request
        pipeline = replace(
            self.pipeline,
            steps=tuple(self.steps),
            fields=not request.nocontent and self.pipeline.rows,
            withscores=request.withscores,
            withrawids=request.withrawids,
            withpayloads=request.withpayloads,
            withsortkeys=request.withsortkeys,
            explainscore=request.explainscore,
        )
        return AggregateRequest(request, pipeline)

    def _run(self, options: dict[bytes, Callable[[AggregateParser], None]]) -> None:
        """Take options until one is not of this phase."""
        while len(self.args) and (option := options.get(self.args.keyword())) is not None:
            self.args.next()
            option(self)

    def _check_query(self) -> None:
        self._check()
        if self.returns:
            raise CommandError("RETURN is not supported on FT.AGGREGATE")

    # ---- the query's options that differ from FT.SEARCH's ------------------------------------------------------------

    def return_fields(self) -> None:
        """Refused, but only after the other options of the query."""
        self.args.counted("RETURN")
        self.returns = True

    def addscores(self) -> None:
        self.pipeline = replace(self.pipeline, addscores=True)

    def withcount(self) -> None:
        if self.config.get("ENABLE_UNSTABLE_FEATURES") != "true":
            raise CommandError(_UNSTABLE)
        if self.pipeline.cursor is not None:
            raise CommandError(_COUNT_AND_CURSOR)
        self.pipeline = replace(self.pipeline, exact_total=True)

    def withcursor(self) -> None:
        if self.pipeline.exact_total:
            raise CommandError(_COUNT_AND_CURSOR)
        count, max_idle = None, self.config.cursor_max_idle_ms
        while self.args.keyword() in (b"COUNT", b"MAXIDLE"):
            name = self.args.next().upper().decode()
            value = self.args.integer(name, 1, 2**32 - 1)
            if name == "COUNT":
                count = value
            else:
                max_idle = min(value, self.config.cursor_max_idle_ms)
        self.pipeline = replace(self.pipeline, cursor=CursorOptions(count, max_idle))

    # ---- LIMIT and SORTBY: one step between two GROUPBYs -------------------------------------------------------------

    def limit(self) -> None:
        offset, count = self._limit_numbers()
        if not count:
            self.pipeline = replace(self.pipeline, rows=False)
        most = self.config.get("MAXAGGREGATERESULTS")
        if most is not None and most.isdigit() and count > int(most):
            raise CommandError(f"LIMIT exceeds maximum of {most}")
        if offset > self.config.max_search_results:
            raise CommandError(f"OFFSET exceeds maximum of {self.config.max_search_results}")
        position = self._arrange_step()
        self._put_arrange(position, replace(self._arranged(position), offset=offset, limit=count))

    def _limit_numbers(self) -> tuple[int, int]:
        if len(self.args) < 2:
            raise CommandError("LIMIT requires two arguments")
        offset, count = parse_integer(self.args.next()), parse_integer(self.args.next())
        if offset is None or count is None or offset < 0 or count < 0:
            raise CommandError("LIMIT needs two numeric arguments")
        return offset, count

    def sortby(self) -> None:
        position = self._arrange_step()
        known = self._arranged(position)
        if known.keys is not None:
            raise CommandError("Multiple SORTBY steps are not allowed. Sort multiple fields in a single step")
        keys = _sort_keys(self.args.counted("SORTBY"))
        limit = self._max() if self.args.accept(b"MAX") else known.limit
        if position is not None or keys or limit:  # `SORTBY 0` alone is no step
            self._put_arrange(position, replace(known, keys=keys, limit=limit))

    def _max(self) -> int:
        try:
            return self.args.integer("MAX", 0, 2**32 - 1)
        except BadArgument:
            raise BadArgument("MAX", NOT_CONVERTIBLE) from None  # whatever is wrong

    def _arrange_step(self) -> int | None:
        """Where the arranging step since the last GROUPBY is."""
        for position in range(len(self.steps) - 1, -1, -1):
            match self.steps[position]:
                case GroupBy():
                    return None
                case Arrange():
                    return position
        return None

    def _arranged(self, position: int | None) -> Arrange:
        step = Arrange() if position is None else self.steps[position]
        assert isinstance(step, Arrange)
        return step

    def _put_arrange(self, position: int | None, step: Arrange) -> None:
        if position is None:
            self.steps.append(step)
        else:
            self.steps[position] = step

    # ---- the other steps ---------------------------------------------------------------------------------------------

    def load(self) -> None:
        if self.args.peek() is not None and parse_integer(self.args.items[self.args.position]) is None:
            if self.args.next() != b"*":
                raise CommandError("Bad arguments for LOAD: Expected number of fields or `*`")
            self.steps.append(Load(everything=True))
        else:
            self.steps.append(Load(tuple(self.args.counted("LOAD"))))

    def apply(self) -> None:
        expression = self.args.need("APPLY/FILTER")
        alias = expression
        if self.args.accept(b"AS"):
            if not len(self.args):
                raise CommandError("AS needs argument")
            alias = self.args.next()
        self.steps.append(Apply(expression, as_text(alias)))

    def filter_rows(self) -> None:
        self.steps.append(Filter(self.args.need("APPLY/FILTER")))

    def groupby(self) -> None:
        names = list(self.args.counted("GROUPBY"))
        if len(names) > MAX_PROPERTIES:
            raise CommandError("Bad arguments for GROUPBY: Value is outside acceptable bounds")
        for name in map(as_text, names):
            if not name.startswith("@"):
                raise CommandError(f"Bad arguments for GROUPBY: Unknown property `{name}`. Did you mean `@{name}`?")
        reducers: list[Reduce] = []
        while self.args.accept(b"REDUCE"):
            reducers.append(self._reduce())
        self.steps.append(GroupBy(tuple(as_text(name[1:]) for name in names), tuple(reducers)))

    def _reduce(self) -> Reduce:
        if not len(self.args):
            raise CommandError("Bad arguments for REDUCE: SUCCESS")  # sic
        name = as_text(self.args.next())
        args = tuple(self.args.counted(name))
        alias = as_text(self.args.need("AS")) if self.args.accept(b"AS") else _generated_alias(name, args)
        return Reduce(name, args, alias)


def _generated_alias(name: str, args: tuple[bytes, ...]) -> str:
    shown = ",".join(as_text(arg).lstrip("@") for arg in args)
    return f"__generated_alias{name}{shown}".lower()


def _sort_keys(args: Args) -> tuple[SortKey, ...]:
    keys: list[SortKey] = []
    for word in args:
        text = as_text(word)
        if text.startswith("@"):
            if len(keys) == MAX_SORT_KEYS:
                raise CommandError(f"Cannot sort by more than {MAX_SORT_KEYS} fields")
            keys.append(SortKey(text[1:]))
        elif word.upper() not in (b"ASC", b"DESC"):
            raise CommandError(f"MISSING ASC or DESC after sort field ({text})")
        elif keys:
            keys[-1] = replace(keys[-1], ascending=word.upper() == b"ASC")
    return tuple(keys)


def _refuse(option: str) -> Callable[[AggregateParser], None]:
    def refuse(parser: AggregateParser) -> None:
        raise CommandError(f"{option} is not supported on FT.AGGREGATE")

    return refuse


def _flag(name: str, value: bool) -> Callable[[AggregateParser], None]:
    return lambda parser: setattr(parser.request, name, value)


_Options = dict[bytes, Callable[[AggregateParser], None]]
_COMMON: _Options = {
    **{name: OPTIONS[name] for name in (b"TIMEOUT", b"PARAMS", b"DIALECT", b"FORMAT", b"BM25STD_TANH_FACTOR")},
    b"WITHRAWIDS": _flag("withrawids", True),
    b"LIMIT": AggregateParser.limit,
    b"SORTBY": AggregateParser.sortby,
    b"WITHCURSOR": AggregateParser.withcursor,
}
_QUERY_OPTIONS: _Options = {
    **{name: _flag(*flag) for name, flag in FLAGS.items()},
    **{
        name: OPTIONS[name]
        for name in (b"INFIELDS", b"SLOP", b"LANGUAGE", b"EXPANDER", b"INKEYS", b"SCORER", b"PAYLOAD")
    },
    **_COMMON,
    b"RETURN": AggregateParser.return_fields,
    b"SUMMARIZE": _refuse("SUMMARIZE"),
    b"HIGHLIGHT": _refuse("HIGHLIGHT"),
    b"ADDSCORES": AggregateParser.addscores,
    b"WITHCOUNT": AggregateParser.withcount,
}
_PIPELINE_OPTIONS: _Options = {
    **_COMMON,
    b"GROUPBY": AggregateParser.groupby,
    b"APPLY": AggregateParser.apply,
    b"LOAD": AggregateParser.load,
    b"FILTER": AggregateParser.filter_rows,
}
