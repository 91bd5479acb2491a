"""The reducers of GROUPBY, one file per family, joined by the registry."""

from redisvss.aggregate.reducers import counts, lists, quantile, sketches, sums  # noqa: F401 (they register)
from redisvss.aggregate.reducers.base import Groups, Reducer
from redisvss.aggregate.reducers.registry import REDUCERS, Arguments

__all__ = ["REDUCERS", "Arguments", "Groups", "Reducer"]
