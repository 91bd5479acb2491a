"""FT.HYBRID: a text query and a vector query of one index, their best joined into one ranking (Redis 8.4)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from redisvss import ast
from redisvss.config import Config
from redisvss.errors import CommandError
from redisvss.fields.base import QueryError
from redisvss.fields.vector import VectorField
from redisvss.query.bind import BoundQuery, bind
from redisvss.query.collect import best_first
from redisvss.query.execute import execute
from redisvss.query.fusion import SIMILARITY, Combination, Ranking, Rrf, fuse
from redisvss.query.projection import Loader
from redisvss.query.request import SearchRequest
from redisvss.query.rows import SCORE, MatchedRows, hidden_fields
from redisvss.query.search import TIMED_OUT, Search
from redisvss.searchindex import SearchIndex

DEFAULT_K = 10
_DISTANCE = "__vsim_distance"
_NO_VECTORS_IN = "Vector expressions are not allowed in FT.HYBRID {}"
_NO_WEIGHTS = "Weight attributes are not allowed in FT.HYBRID VSIM FILTER"


@dataclass
class VectorPart:
    """VSIM: what is looked for in which field. radius: a range query in place of the k nearest."""

    field: str
    param: str
    k: int = DEFAULT_K
    radius: float | None = None
    options: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    filter: bytes = b"*"
    yield_as: str | None = None


@dataclass
class HybridRequest:
    """`search` holds the text query and everything both parts share (parameters, timeout, dialect)."""

    search: SearchRequest
    vector: VectorPart
    combination: Combination = dataclasses.field(default_factory=Rrf)
    text_yield_as: str | None = None
    yield_as: str = SCORE


class FusedRows(MatchedRows):
    """The joined ranking as an `aggregate.Source`, best first."""

    def __init__(
        self, index: SearchIndex, request: HybridRequest, config: Config, loader: Loader, shows_score: bool
    ) -> None:
        """Runs both queries; raises CommandError. shows_score: the fused score is one of the rows' values."""
        Search.__init__(self, index, request.search, config, loader)
        self.is_json = index.definition.key_type == "JSON"
        self.dialect = request.search.shown_dialect
        self.hidden = hidden_fields(index)
        with index.lock.read():
            text = self._text(request)
            vector = self._vector(request)
            fused = fuse(request.combination, text, vector)
            ids = np.fromiter(fused, np.uint32, len(fused))
            scores = np.fromiter(fused.values(), np.float64, len(fused))
            order = best_first(-scores, index.table.revision[ids], len(ids))
            self._ids = ids[order]
            self.doc_ids = index.table.revision[self._ids]
        self._numbers_of = {}
        for name, ranking in ((request.text_yield_as, text), (request.vector.yield_as, vector)):
            if name is not None:
                known = dict(ranking)
                self._numbers_of[name] = np.array([known.get(doc_id, np.nan) for doc_id in self._ids.tolist()])
        if shows_score:
            self._numbers_of[request.yield_as] = scores[order]
        self.yields = list(self._numbers_of)

    def _text(self, request: HybridRequest) -> Ranking:
        tree = self.parse(request.search.query)
        if _has_vectors(tree):
            raise CommandError(_NO_VECTORS_IN.format("SEARCH"))
        self.query: BoundQuery = self._restricted(bind(tree, self.index, self._context()))
        matches = execute(self.query, self.deadline)
        scores = self._scores(self.query, matches)
        ties = self.index.table.revision[matches.ids]
        best = best_first(-scores, ties, min(request.combination.window, len(matches.ids)))
        return list(zip(matches.ids[best].tolist(), scores[best].tolist(), strict=True))

    def _vector(self, request: HybridRequest) -> Ranking:
        """The nearest within the window, their distances turned to scores."""
        metric = self._vector_field(request.vector).params.metric
        window = request.combination.window
        bound = bind(self._vector_tree(request.vector, window), self.index, self._context())
        matches = execute(bound, self.deadline)
        if matches.timed_out and self.config.fail_on_timeout:
            raise CommandError(TIMED_OUT)
        distances = matches.distances[_DISTANCE]
        order = best_first(distances, matches.ids.astype(np.int64), min(window, len(distances)))
        similarity = SIMILARITY[metric]
        return [(int(matches.ids[p]), similarity(float(distances[p]))) for p in order.tolist()]

    def _vector_field(self, part: VectorPart) -> VectorField:
        indexed = self.index.by_name.get(part.field)
        if indexed is None:
            raise QueryError(f"Unknown field `{part.field}`")
        if not isinstance(indexed, VectorField):
            raise QueryError(f"Expected a VECTOR field `{part.field}`")
        return indexed

    def _vector_tree(self, part: VectorPart, window: int) -> ast.Node:
        narrowed = self.parse(part.filter)
        if _has_vectors(narrowed):
            raise CommandError(_NO_VECTORS_IN.format("VSIM FILTER"))
        if _has_weights(narrowed):
            raise CommandError(_NO_WEIGHTS)
        blob = ast.Param(part.param)
        if part.radius is None:
            return ast.Knn(part.field, min(part.k, window), blob, narrowed, tuple(part.options), _DISTANCE)
        attributes = ast.Attributes((("yield_distance_as", _DISTANCE), *part.options))
        within = ast.VectorRange(part.field, part.radius, blob, attributes=attributes)
        return within if isinstance(narrowed, ast.All) else ast.Intersect((within, narrowed))


def _has_vectors(node: ast.Node) -> bool:
    return any(isinstance(part, (ast.Knn, ast.VectorRange)) for part in ast.walk(node))


def _has_weights(node: ast.Node) -> bool:
    return any(name == "weight" for part in ast.walk(node) for name, _ in part.attributes.items)
