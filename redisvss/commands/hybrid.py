"""FT.HYBRID (Redis 8.4): its arguments and its reply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redisvss.aggregate import Execution, Page
from redisvss.aggregate.reply import attributes
from redisvss.aggregate.request import Arrange, GroupBy, Load
from redisvss.commands.aggregate_args import AggregateParser
from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.commands.search_args import OPTIONS
from redisvss.errors import CommandError
from redisvss.numbers import parse_float, parse_integer
from redisvss.query.fusion import Linear, Rrf
from redisvss.query.hybrid import FusedRows, HybridRequest, VectorPart
from redisvss.query.request import SearchRequest
from redisvss.query.rows import KEY, SCORE
from redisvss.query.score import SCORERS
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

DEFAULT_SCORER = "BM25STD"  # of 8.4, which FT.HYBRID comes from
DEFAULT_LIMIT = 10
_LEAST_DIALECT = 2
_NO_PREFIX = "Missing prefix: name requires '@' prefix, JSON path require '$' prefix, got: "
_NO_NAMES = (b"AS", b"ASC", b"DESC")
_YIELD = b"YIELD_SCORE_AS"
_NO_DIALECT = (
    "DIALECT is not supported in FT.HYBRID or any of its subqueries. "
    "Please check the documentation on search-default-dialect configuration."
)


@command(
    "FT.HYBRID", arity=-4, since="2.10.0", summary="Joins a text and a vector search of one index into one ranking"
)
def ft_hybrid(engine: Engine, session: Session, args: Args) -> Reply:
    started = time.perf_counter()
    index = engine.search_index(args.next())
    _skip_count(args)
    parser = HybridParser(args, engine.config, session.protocol)
    request = parser.parse_hybrid()
    index.dialects_used.add(request.search.dialect)
    rows = FusedRows(index, request, engine.config, engine, parser.shows_score)
    execution = Execution(parser.pipeline, rows, seconds=request.search.timeout_ms / 1000 or None)
    page = execution.read(None)
    return hybrid_reply(page, len(rows.doc_ids), request.search, time.perf_counter() - started)


def _skip_count(args: Args) -> None:
    """The number of subqueries may be told, and is two."""
    if not len(args):
        raise CommandError("Missing subqueries count for FT.HYBRID")
    if args.keyword() != b"SEARCH":
        count = parse_integer(args.next())
        if count is None or count < 0:
            raise CommandError("Invalid subqueries count: expected an unsigned integer")
        if count != 2:
            raise CommandError("FT.HYBRID currently supports only two subqueries")
    if not args.accept(b"SEARCH"):
        raise CommandError("SEARCH keyword is required")
    if not len(args):
        raise CommandError("No query string provided for SEARCH")


class HybridParser(AggregateParser):
    """From the text query on: SEARCH's options, VSIM, COMBINE, then steps as FT.AGGREGATE has them."""

    def parse_hybrid(self) -> HybridRequest:
        self.request.scorer = DEFAULT_SCORER
        self.request.dialect = max(self.request.dialect, _LEAST_DIALECT)
        self.nosort = False
        text_yield_as = self._search_options()
        if not self.args.accept(b"VSIM"):
            raise CommandError("VSIM argument is required")
        request = HybridRequest(self.request, self._vsim(), text_yield_as=text_yield_as)
        while len(self.args):
            if self.args.accept(b"COMBINE"):
                self._combine(request)
            elif (option := _OPTIONS.get(self.args.keyword())) is not None:
                self.args.next()
                option(self)
            else:
                self._unknown(self.args.keyword())
        self._check_names()
        self._finish(request)
        return request

    def _search_options(self) -> str | None:
        yield_as = None
        while len(self.args) and self.args.keyword() != b"VSIM":
            if self.args.accept(b"SCORER"):
                self.request.scorer = as_text(self.args.need("SCORER"))
                if self.request.scorer not in SCORERS:
                    raise CommandError(f"No such scorer {self.request.scorer}")
            elif self.args.accept(b"YIELD_SCORE_AS"):
                yield_as = as_text(self.args.need("YIELD_SCORE_AS"))
            elif self.args.keyword() == b"DIALECT":
                raise CommandError(_NO_DIALECT)
            else:
                raise CommandError(f"Unknown argument `{as_text(self.args.next())}` in SEARCH")
        return yield_as

    # ---- VSIM --------------------------------------------------------------------------------------------------------

    def _vsim(self) -> VectorPart:
        part = VectorPart(self._vector_field(), self._vector_param())
        while self.args.keyword() in _VSIM:
            _VSIM[self.args.next().upper()](self, part)
        return part

    def _vector_field(self) -> str:
        if not len(self.args):
            raise CommandError("Missing vector field name")
        name = as_text(self.args.next())
        if not name.startswith("@"):
            raise CommandError("Missing @ prefix for vector field name")
        return name[1:]

    def _vector_param(self) -> str:
        if not len(self.args):
            raise CommandError("Missing vector argument")
        name = as_text(self.args.next())
        if not name.startswith("$"):
            raise CommandError("Invalid vector argument, expected a parameter name starting with $")
        return name[1:]

    def knn(self, part: VectorPart) -> None:
        given = self._pairs("KNN", (b"K", b"EF_RUNTIME", b"SHARD_K_RATIO"))
        if b"K" not in given:
            raise CommandError("Missing required argument K")
        part.k = _positive(given[b"K"], "K")
        if b"EF_RUNTIME" in given:
            part.options.append(("ef_runtime", str(_positive(given[b"EF_RUNTIME"], "EF_RUNTIME"))))

    def range(self, part: VectorPart) -> None:
        given = self._pairs("RANGE", (b"RADIUS", b"EPSILON"))
        if b"RADIUS" not in given:
            raise CommandError("Missing required argument RADIUS")
        radius = parse_float(given[b"RADIUS"])
        if radius is None or radius < 0:
            raise CommandError("Invalid RADIUS value")
        part.radius = radius
        if b"EPSILON" in given:
            epsilon = parse_float(given[b"EPSILON"])
            if epsilon is None or epsilon <= 0:
                raise CommandError("Invalid EPSILON value")
            part.options.append(("epsilon", as_text(given[b"EPSILON"])))

    def filter_vectors(self, part: VectorPart) -> None:
        """`FILTER expr`, or `FILTER count expr [POLICY p] [BATCH_SIZE n]`."""
        if not len(self.args):
            raise CommandError("Missing argument count for FILTER")
        first = self.args.next()
        count = parse_integer(first)
        if count is None or not len(self.args):
            part.filter = first
            return
        inner = self.args.take(count, "FILTER") if count <= len(self.args) else None
        if inner is None or not len(inner):
            given = len(self.args)
            raise CommandError(f"Not enough arguments in FILTER, specified {count} but provided only {given}")
        part.filter = inner.next()
        while len(inner):
            self._filter_option(inner, part)

    def _filter_option(self, inner: Args, part: VectorPart) -> None:
        match inner.next().upper():
            case b"POLICY":
                policy = inner.need("POLICY").upper()
                if policy not in (b"ADHOC", b"BATCHES"):
                    raise CommandError("POLICY: Invalid value for argument")
                part.options.append(("hybrid_policy", "ADHOC_BF" if policy == b"ADHOC" else "BATCHES"))
            case b"BATCH_SIZE":
                part.options.append(("batch_size", as_text(inner.need("BATCH_SIZE"))))
            case word:
                raise CommandError(f"Unknown argument `{as_text(word)}` in FILTER")

    def yield_vector_score(self, part: VectorPart) -> None:
        part.yield_as = as_text(self.args.need("YIELD_SCORE_AS"))

    def _pairs(self, clause: str, known: tuple[bytes, ...]) -> dict[bytes, bytes]:
        """`count name value …`"""
        if not len(self.args):
            raise CommandError("Missing argument count")
        count = parse_integer(self.args.next())
        if count is None or count < 0:
            raise CommandError("Invalid argument count: expected an unsigned integer")
        if not count or count % 2:
            raise CommandError(f"Invalid argument count: {count} (must be a positive even number for key/value pairs)")
        if count > len(self.args):
            raise CommandError(f"Expected arguments {count}, but {len(self.args)} were provided")
        words = list(self.args.take(count, clause))
        given: dict[bytes, bytes] = {}
        for name, value in zip(words[::2], words[1::2], strict=True):
            if name.upper() not in known:
                raise CommandError(f"Unknown argument `{as_text(name)}` in {clause}")
            if name.upper() in given:
                raise CommandError(f"Duplicate {as_text(name.upper())} argument")
            given[name.upper()] = value
        return given

    # ---- COMBINE and the steps ---------------------------------------------------------------------------------------

    def _combine(self, request: HybridRequest) -> None:
        method = self.args.need("COMBINE").upper()
        if method == b"RRF":
            given = self._method("RRF", (b"CONSTANT", b"WINDOW", _YIELD))
            request.combination = Rrf(_number(given, b"CONSTANT", 60.0), _window(given))
        elif method == b"LINEAR":
            given = self._method("LINEAR", (b"ALPHA", b"BETA", b"WINDOW", _YIELD))
            if (b"ALPHA" in given) != (b"BETA" in given):
                raise CommandError(f"Missing value for {'ALPHA' if b'BETA' in given else 'BETA'}")
            request.combination = Linear(_number(given, b"ALPHA", 0.3), _number(given, b"BETA", 0.7), _window(given))
        else:
            raise CommandError(f"Unknown COMBINE method `{as_text(method)}`")
        if _YIELD in given:  # redis-py counts it among the method's arguments; it may stand behind them too
            request.yield_as = as_text(given[_YIELD])
        if self.args.accept(_YIELD):
            request.yield_as = as_text(self.args.need("YIELD_SCORE_AS"))

    def _method(self, name: str, known: tuple[bytes, ...]) -> dict[bytes, bytes]:
        """`count name value …`; the count may be left out where nothing is named."""
        following = self.args.peek()
        if following is None:
            raise CommandError(f"Missing {name} argument count")
        count = parse_integer(following)
        if count is None:
            return {}
        if count % 2:
            raise CommandError(f"{name} expects pairs of key value arguments, argument count must be an even number")
        return self._pairs(name, known)

    def load(self) -> None:
        words = self._following()
        aliases = {place + 1 for place, word in enumerate(words) if word.upper() == b"AS"}
        _require_prefixes((word for place, word in enumerate(words) if place not in aliases), "LOAD")
        super().load()

    def sortby(self) -> None:
        _require_prefixes(self._following(), "SORTBY")
        super().sortby()

    def groupby(self) -> None:
        super().groupby()
        step = self.steps[-1]
        for reducer in step.reducers if isinstance(step, GroupBy) else ():
            _require_prefixes((*reducer.args[:1], *reducer.args[2:3]), reducer.name)

    def _following(self) -> Sequence[bytes]:
        """The words a count announces; they are not taken."""
        words = list(self.args)
        count = parse_integer(words[0]) if words else None
        return words[1 : 1 + count] if count else []

    def no_sort(self) -> None:
        self.nosort = True

    def _finish(self, request: HybridRequest) -> None:
        """Default steps: key and score are shown, the ten best."""
        arranged = [step for step in self.steps if isinstance(step, Arrange)]
        if self.nosort and any(step.keys for step in arranged):
            raise CommandError("NOSORT is not allowed with SORTBY")
        loads = [step for step in self.steps if isinstance(step, Load)]
        named = {as_text(name).lstrip("@") for step in loads for name in step.args}
        self.shows_score = not loads or request.yield_as in named or request.yield_as != SCORE
        if not loads:
            self.steps.insert(0, Load((f"@{KEY}".encode(),)))
        if not arranged:
            self.steps.append(Arrange(limit=DEFAULT_LIMIT))
        self.pipeline = replace(self.pipeline, steps=tuple(self.steps))


def _require_prefixes(names: Iterable[bytes], clause: str) -> None:
    """Names of properties carry an `@`, or are JSON paths; words and numbers between them are let through."""
    for name in names:
        if not name.startswith((b"@", b"$")) and name.upper() not in _NO_NAMES:
            raise CommandError(f"{_NO_PREFIX}{as_text(name)} in {clause}")


def _positive(value: bytes, name: str) -> int:
    number = parse_integer(value)
    if number is None or number < 1:
        raise CommandError(f"Invalid {name} value")
    return number


def _number(given: dict[bytes, bytes], name: bytes, default: float) -> float:
    if name not in given:
        return default
    number = parse_float(given[name])
    if number is None:
        raise CommandError(f"Invalid {as_text(name)} value")
    return number


def _window(given: dict[bytes, bytes]) -> int:
    return _positive(given[b"WINDOW"], "WINDOW") if b"WINDOW" in given else Rrf().window


def _refuse(text: str) -> Callable[[HybridParser], None]:
    def refuse(parser: HybridParser) -> None:
        raise CommandError(text)

    return refuse


_VSIM: dict[bytes, Callable[[HybridParser, VectorPart], None]] = {
    b"KNN": HybridParser.knn,
    b"RANGE": HybridParser.range,
    b"FILTER": HybridParser.filter_vectors,
    b"YIELD_SCORE_AS": HybridParser.yield_vector_score,
}
_OPTIONS: dict[bytes, Callable[[HybridParser], None]] = {
    b"LIMIT": HybridParser.limit,
    b"SORTBY": HybridParser.sortby,
    b"NOSORT": HybridParser.no_sort,
    b"LOAD": HybridParser.load,
    b"GROUPBY": HybridParser.groupby,
    b"APPLY": HybridParser.apply,
    b"FILTER": HybridParser.filter_rows,
    b"PARAMS": OPTIONS[b"PARAMS"],
    b"TIMEOUT": OPTIONS[b"TIMEOUT"],
    b"FORMAT": OPTIONS[b"FORMAT"],
    b"DIALECT": _refuse(_NO_DIALECT),
    b"EXPLAINSCORE": _refuse("EXPLAINSCORE is not yet supported by FT.HYBRID"),
}


def hybrid_reply(page: Page, total: int, search: SearchRequest, seconds: float) -> dict[str, Any]:
    """A map in RESP3, its items flat in RESP2; scores are strings unless FORMAT EXPAND keeps numbers."""
    return {
        "total_results": total,
        "results": [attributes(row, search.dialect, search.expand) for row in page.rows],
        "warnings": [page.warning] if page.warning else [],
        "execution_time": seconds * 1000,
    }
