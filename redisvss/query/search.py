"""FT.SEARCH from request to hits: parse, bind, execute, order, cut; then load the page's documents.

The page is decided under the index's read lock; documents are loaded after it is released, so that a slow Redis does
not hold up writers.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss import ast
from redisvss.config import Config
from redisvss.errors import CommandError
from redisvss.fields.base import BindContext, Ids, Leaf, QueryError
from redisvss.fields.geo import GeoField, GeoLeaf, check_circle
from redisvss.fields.numeric import NumericField, NumericLeaf
from redisvss.index.tokenizer import DEFAULT_STOPWORDS
from redisvss.query.bind import BoundQuery, bind
from redisvss.query.bound import AllDocs, And, BoundNode, Nothing
from redisvss.query.collect import by_number, by_text
from redisvss.query.excerpts import Excerpt, check_excerpts, excerpt_row, excerpts_of
from redisvss.query.execute import Floats, Matches, execute
from redisvss.query.explain import explain_query
from redisvss.query.formulas import ScoreContext
from redisvss.query.highlight import matched_terms
from redisvss.query.hits import Hit, SearchResult
from redisvss.query.parser import parse_query
from redisvss.query.profile import Profiler
from redisvss.query.projection import Loader, project
from redisvss.query.request import SearchRequest
from redisvss.query.score import SCORERS, explain
from redisvss.query.text_leaves import Exact
from redisvss.searchindex import SearchIndex

_STOPWORDS = frozenset(DEFAULT_STOPWORDS)
TIMED_OUT = "Timeout limit was reached"


class Stopwatch:
    """Seconds each stage took, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now


class KeysLeaf(Leaf):
    """INKEYS: the documents of the keys named."""

    kind = "metric"  # adds nothing to a score in RediSearch

    def __init__(self, ids: list[int], shown: list[int]) -> None:
        """shown: the documents' places in the order of indexing, RediSearch's ids."""
        self.ids = ids
        self.shown = shown

    def estimate(self) -> int:
        return len(self.ids)

    def _docs(self) -> BitMap:
        return BitMap(self.ids)

    def explain(self) -> str:
        return "IDS {" + "".join(f"{number}," for number in self.shown) + "}"

    def profile(self) -> dict[str, Any]:
        return {"Type": "ID-LIST"}


class Search:
    """One execution of a request against one index."""

    def __init__(
        self,
        index: SearchIndex,
        request: SearchRequest,
        config: Config,
        loader: Loader,
        profiler: Profiler | None = None,
    ) -> None:
        """profiler: times each clause, for FT.PROFILE. Raises CommandError if the index has no such documents."""
        if request.expand and index.definition.key_type != "JSON":
            raise CommandError("EXPAND format is only supported with JSON")
        self.index = index
        self.request = request
        self.config = config
        self.loader = loader
        self.profiler = profiler
        self.clock = Stopwatch()
        self.deadline = time.monotonic() + request.timeout_ms / 1000 if request.timeout_ms else None

    def run(self) -> SearchResult:
        clock = self.clock
        check_excerpts(self.index.definition, self.request)
        tree = self.parse(self.request.query)
        clock.lap("parse")
        with self.index.lock.read():
            query = self._restricted(bind(tree, self.index, self._context()))
            self._check_sortby(query)
            shortens = self._shows_fields() and self.request.limit > 0
            excerpts = excerpts_of(self.index.definition, self.request, query.yields) if shortens else {}
            clock.lap("bind")
            matches = self._execute(query)
            result = self._collect(query, matches)
            terms = self._matched_terms(query, result.hits) if excerpts else []
        clock.lap("collect")
        if self._shows_fields():
            project(self.index, self.request, result, self.loader)
        clock.lap("load")
        if excerpts:
            self._shorten(result.hits, excerpts, terms)
            clock.lap("highlight")
        self._check_time(result, matches)
        result.seconds = clock.laps
        return result

    def parse(self, query: bytes) -> ast.Node:
        """The query's tree. Stop words belong to the grammar: an index without TEXT fields has them too."""
        words = self.index.definition.stopwords
        known = _STOPWORDS if words is None else frozenset(words)
        return parse_query(query, self.request.dialect, frozenset() if self.request.nostopwords else known)

    def _execute(self, query: BoundQuery) -> Matches:
        if self.profiler is not None:
            self.profiler.evaluate(query.root)
        matches = execute(query, self.deadline)
        self.clock.lap("execute")
        return matches

    def _shows_fields(self) -> bool:
        return not self.request.nocontent and self.request.returned != ()

    def _matched_terms(self, query: BoundQuery, hits: list[Hit]) -> list[dict[bytes, float]]:
        context = self._score_context(query)
        return [matched_terms(query.root, hit.doc_id, context) for hit in hits]

    def _shorten(self, hits: list[Hit], excerpts: dict[bytes, Excerpt], terms: list[dict[bytes, float]]) -> None:
        with self.index.lock.read():
            for hit, matched in zip(hits, terms, strict=True):
                if hit.fields is not None:
                    hit.fields = excerpt_row(self.index, excerpts, hit.doc_id, matched, hit.fields)

    def explain(self) -> str:
        """FT.EXPLAIN's text; raises what `run` would raise for the query."""
        tree = self.parse(self.request.query)
        with self.index.lock.read():
            context = self._context()
            bind(tree, self.index, context)
            return explain_query(tree, self.index, context, [x for x in self._extra() if isinstance(x, Leaf)])

    def _context(self) -> BindContext:
        request = self.request
        return BindContext(
            params=request.params,
            dialect=request.dialect,
            limits=self.config.limits,
            language=request.language,
            verbatim=request.verbatim,
            nostopwords=request.nostopwords,
            slop=request.slop,
            inorder=request.inorder,
            infields=request.infields,
            narrowed=request.narrowed,
            timeout_at=self.deadline,
        )

    def _check_time(self, result: SearchResult, matches: Matches) -> None:
        late = self.deadline is not None and time.monotonic() > self.deadline
        if matches.timed_out or (late and self.config.fail_on_timeout):
            if self.config.fail_on_timeout:
                raise CommandError(TIMED_OUT)
            result.warnings.append(TIMED_OUT)

    # ---- what the options add to the query ---------------------------------------------------------------------------

    def _restricted(self, query: BoundQuery) -> BoundQuery:
        """INKEYS, FILTER and GEOFILTER narrow the query, or the filter of its KNN; a `*` still scores beside them."""
        extra = self._extra()[::-1]  # each is put before all there is: the order equally rare clauses score in
        if not extra:
            return query
        match query.root:
            case AllDocs() if query.knn is not None:
                root = extra[0] if len(extra) == 1 else And(extra)
            case And(children) if not isinstance(query.root, Exact):
                root = dataclasses.replace(query.root, children=[*extra, *children])
            case _:
                root = And([*extra, query.root])
        return dataclasses.replace(query, root=root)

    def _extra(self) -> list[BoundNode]:
        return [*self._filters(), *self._geofilters(), *self._keys()]

    def _filters(self) -> list[BoundNode]:
        found: list[BoundNode] = []
        for wanted in self.request.filters:
            match self.index.by_name.get(wanted.field):
                case NumericField() as numeric if not numeric.spec.noindex:
                    bounds = (wanted.low, wanted.high, wanted.open_low, wanted.open_high)
                    found.append(NumericLeaf(wanted.field, numeric.column, *bounds))
                case _:
                    found.append(Nothing())
        return found

    def _geofilters(self) -> list[BoundNode]:
        found: list[BoundNode] = []
        for wanted in self.request.geofilters:
            check_circle(wanted.lon, wanted.lat, wanted.radius, wanted.unit)
            match self.index.by_name.get(wanted.field):
                case GeoField() as geo if not geo.spec.noindex:
                    circle = (wanted.lon, wanted.lat, wanted.radius, wanted.unit)
                    found.append(GeoLeaf(wanted.field, geo.points, *circle))
                case _:
                    found.append(Nothing())
        return found

    def _keys(self) -> list[BoundNode]:
        if self.request.inkeys is None:
            return []
        known = (self.index.table.id_of(key) for key in self.request.inkeys)
        ids = sorted({doc_id for doc_id in known if doc_id is not None})
        return [KeysLeaf(ids, sorted(self.index.table.revision[ids].tolist()))]

    def _check_sortby(self, query: BoundQuery) -> None:
        name = self.request.sortby if self.request.limit else None  # a page of nothing is not sorted
        if name is not None and name not in self.index.by_name and name not in query.yields:
            raise QueryError(f"Property `{name}` not loaded nor in schema")

    # ---- the page ----------------------------------------------------------------------------------------------------

    def _collect(self, query: BoundQuery, matches: Matches) -> SearchResult:
        request = self.request
        page = request.offset + request.limit
        result = SearchResult(len(matches.ids), [], query=query, matches=matches)
        if not request.limit or request.offset >= len(matches.ids):
            return result
        order, shown, scores = self._order(query, matches, page)
        positions = order[request.offset :]
        ids = matches.ids[positions]
        result.hits = self._hits(ids)
        for name, distances in matches.distances.items():
            result.distances[name] = _known(distances[positions], query.always_yields(name))
        result.numbers = self._numbers(ids)
        if scores is not None:
            for hit, score in zip(result.hits, scores[request.offset :].tolist(), strict=True):
                hit.score = score
        if shown is not None:
            for hit, value in zip(result.hits, shown(positions), strict=True):
                hit.sort_value = value
        if request.explainscore:
            self._explain(query, result.hits)
        return result

    def _hits(self, ids: Ids) -> list[Hit]:
        table, payloads = self.index.table, self.index.payloads
        doc_ids = ids.tolist()
        hits = list(map(Hit, map(table.key_of, doc_ids), doc_ids, table.revision[ids].tolist()))
        if self.request.withpayloads:
            for hit in hits:
                hit.payload = payloads.get(hit.doc_id)
        return hits

    def _scores(self, query: BoundQuery, matches: Matches) -> Floats:
        scores: Floats = SCORERS[self.request.scorer](query.root, matches.ids, self._score_context(query))
        return scores

    def _score_context(self, query: BoundQuery) -> ScoreContext:
        index, request = self.index, self.request
        factor = request.tanh_factor or self.config.tanh_factor
        return ScoreContext(index.text, index.table, index.payloads, request.payload, factor, query.knn is not None)

    def _order(
        self, query: BoundQuery, matches: Matches, need: int
    ) -> tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], list[Any]] | None, Floats | None]:
        """Positions into the matches in reply order; what SORTBY compared at such positions, None without one; and
        the scores of the first, in that order, where they are wanted."""
        request = self.request
        if request.sortby is None:
            ties, context = self.index.table.revision[matches.ids], self._score_context(query)
            order, scores = SCORERS[request.scorer].best(query.root, matches.ids, context, ties, need)
            self.clock.lap("score")
            return order, None, scores
        order, shown = self._sorted(request.sortby, query, matches, need)
        self.clock.lap("sort")
        if not request.withscores:
            return order, shown, None
        scores = self._scores(query, matches)[order]
        self.clock.lap("score")
        return order, shown, scores

    def _sorted(
        self, name: str, query: BoundQuery, matches: Matches, need: int
    ) -> tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], list[Any]]]:
        """SORTBY: positions in order, and what it compared at such positions."""
        ids, ties, ascending = matches.ids, self.index.table.revision[matches.ids], self.request.ascending
        if (numbers := self._sort_numbers(name, matches)) is not None:
            certain = query.always_yields(name)
            return by_number(numbers, ties, ascending, need), lambda at: _known(numbers[at], certain)
        if (column := self.index.sort_columns.get(name)) is not None:
            return by_number(column.ranks(ids), ties, ascending, need), lambda at: column.values(ids[at])
        keys = [self.index.table.key_of(doc_id) for doc_id in ids.tolist()]
        loaded = self.loader.column(self.index, keys, self.index.by_name[name].spec, self.request.shown_dialect)
        return by_text(loaded, ties, ascending, need), lambda at: [loaded[position] for position in at.tolist()]

    def _sort_numbers(self, name: str, matches: Matches) -> Floats | None:
        """Distances and NUMERIC fields sort by number, NaN for a missing one; None: `name` is neither."""
        if name in matches.distances:
            return matches.distances[name]
        indexed = self.index.by_name[name]
        return indexed.column.values(matches.ids) if isinstance(indexed, NumericField) else None

    def _numbers(self, ids: Ids) -> dict[str, list[float | None]]:
        """Numbers RETURN takes from the index instead of the documents: of hashes, where none is a list."""
        found: dict[str, list[float | None]] = {}
        if self.index.definition.key_type != "HASH":
            return found
        for returned in self.request.returned or ():
            name = returned.name.decode("utf-8", "surrogateescape")
            indexed = self.index.by_name.get(name)
            if isinstance(indexed, NumericField):
                found[name] = _known(indexed.column.values(ids), False)
        return found

    def _explain(self, query: BoundQuery, hits: list[Hit]) -> None:
        for hit in hits:
            hit.explanation = explain(self.request.scorer, query.root, hit.doc_id, self._score_context(query))


def _known(values: Floats, always: bool) -> list[float | None]:
    """NaN says that there is no value, unless there always is one: a KNN's distance to a zero vector is NaN too."""
    return values.tolist() if always else [None if value != value else value for value in values.tolist()]
