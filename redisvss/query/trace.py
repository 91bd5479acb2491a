"""A KNN search retold instead of answered, for REDISVSS.TRACE."""

from __future__ import annotations

from redisvss.index.ivf import IvfIndex
from redisvss.index.trace import Trace, trace
from redisvss.query.bind import bind
from redisvss.query.bound import AllDocs
from redisvss.query.search import Search


def traced(search: Search) -> Trace | None:
    """What the search would do, step by step; None when it is no KNN over a FLAT or HNSW field.

    The caller holds the index's read lock until it has read what the trace names.
    """
    tree = search.parse(search.request.query)
    query = search._restricted(bind(tree, search.index, search._context()))
    if query.knn is None:
        return None
    index, options = query.knn.field.index, query.knn.options
    if isinstance(index, IvfIndex):
        return None
    allowed = None if isinstance(query.root, AllDocs) else query.root.docs
    return trace(index, query.knn.blob, query.knn.k, allowed, ef_runtime=options.ef_runtime, policy=options.policy)
