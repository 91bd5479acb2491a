"""A KNN search retold instead of answered, for REDISVSS.TRACE."""

from __future__ import annotations

from redisvss.index.ivf import IvfIndex
from redisvss.index.trace import Trace, trace, trace_cells
from redisvss.query.bind import bind
from redisvss.query.bound import AllDocs
from redisvss.query.search import Search


def traced(search: Search) -> Trace | None:
    """What the search would do, step by step; None when it is no KNN.

    The caller holds the index's read lock until it has read what the trace names.
    """
    tree = search.parse(search.request.query)
    query = search._restricted(bind(tree, search.index, search._context()))
    if query.knn is None:
        return None
    index, options = query.knn.field.index, query.knn.options
    allowed = None if isinstance(query.root, AllDocs) else query.root.docs
    if isinstance(index, IvfIndex):
        return trace_cells(index, query.knn.blob, query.knn.k, allowed, policy=options.policy, nprobe=options.nprobe)
    return trace(index, query.knn.blob, query.knn.k, allowed, ef_runtime=options.ef_runtime, policy=options.policy)
