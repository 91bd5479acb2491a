"""A bound query run against its index: which documents match, with their distances and scores.

Everything here works on doc ids and numpy arrays under the index's read lock; keys and documents come later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from redisvss.fields.base import Ids
from redisvss.index.bitmaps import ids_of
from redisvss.index.vectors import KnnHits, KnnPlan
from redisvss.query.bind import BoundQuery
from redisvss.query.bound import AllDocs

Floats = NDArray[np.float64]


@dataclass
class Matches:
    """`ids` ascending; `distances` by the name the query yields, aligned with `ids`, NaN where a document has none.

    `nearest` holds positions into `ids` nearest first where the query is a KNN (FT.AGGREGATE emits hits in that order).
    """

    ids: Ids
    distances: dict[str, Floats] = field(default_factory=dict)
    nearest: NDArray[np.int64] | None = None
    plan: KnnPlan | None = None
    timed_out: bool = False


def execute(query: BoundQuery, deadline: float | None) -> Matches:
    """deadline: time.monotonic() after which a vector search stops with what it has found."""
    if query.knn is None:
        matches = Matches(ids_of(query.root.docs))
    else:
        allowed = None if isinstance(query.root, AllDocs) else query.root.docs
        hits = query.knn.run(allowed, deadline)
        matches = _of_hits(hits, query.knn.score_as)
    for leaf in query.ranges:
        if leaf.yield_as:
            matches.distances[leaf.yield_as] = _aligned(leaf.hits, matches.ids)
        matches.timed_out |= leaf.timed_out
    return matches


def _of_hits(hits: KnnHits, name: str) -> Matches:
    by_id = np.argsort(hits.doc_ids, kind="stable")
    nearest = np.argsort(by_id, kind="stable")  # hit number i stands at position nearest[i]
    ids = hits.doc_ids[by_id].astype(np.uint32)
    return Matches(ids, {name: hits.distances[by_id]}, nearest, hits.plan, hits.timed_out)


def _aligned(hits: KnnHits, ids: Ids) -> Floats:
    """The distances of `ids`; NaN for those the range did not find (it stood under OR or NOT)."""
    out = np.full(len(ids), np.nan)
    if len(hits.doc_ids):
        places = np.minimum(np.searchsorted(hits.doc_ids, ids), len(hits.doc_ids) - 1)
        found = hits.doc_ids[places] == ids
        out[found] = hits.distances[places[found]]
    return out
