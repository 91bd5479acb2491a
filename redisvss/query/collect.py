"""From matching doc ids to one page: order them, cut LIMIT, keep what the reply needs of each hit.

Runs under the index's read lock and works on ids and columns; only the page's keys leave it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

# A full sort is cheaper than finding a threshold first while the page is a large share of the hits.
_PARTITION_RATIO = 4


def best_first(keys: Floats | None, ties: NDArray[np.int64], need: int) -> Positions:
    """Positions of the `need` smallest keys, smallest first, ties by `ties`; NaN keys last.

    keys: None where all are equal. A partial sort: 1M hits and a page of ten take about 10 ms.
    """
    if keys is None or (len(keys) and keys[0] == keys[-1] and np.all(keys == keys[0])):
        return _smallest(ties, need)
    if len(keys) <= _PARTITION_RATIO * need:
        return np.lexsort((ties, keys))[:need]
    if not need:
        return np.empty(0, np.int64)
    threshold = np.partition(keys, need - 1)[need - 1]
    candidates = np.arange(len(keys)) if np.isnan(threshold) else np.flatnonzero(keys <= threshold)
    order: Positions = candidates[np.lexsort((ties[candidates], keys[candidates]))][:need]
    return order


def _smallest(ties: NDArray[np.int64], need: int) -> Positions:
    if len(ties) <= _PARTITION_RATIO * need:
        return np.argsort(ties)[:need]
    if not need:
        return np.empty(0, np.int64)
    part = np.argpartition(ties, need - 1)[:need]
    return part[np.argsort(ties[part])]


def by_text(values: Sequence[str | bytes | None], ties: NDArray[np.int64], ascending: bool, need: int) -> Positions:
    """Positions sorted by string, missing values last either way; ties ascend with ASC, descend with DESC."""
    rank = ties.tolist()
    present = [p for p, value in enumerate(values) if value is not None]
    absent = [p for p, value in enumerate(values) if value is None]
    present.sort(key=lambda p: (values[p], rank[p]), reverse=not ascending)
    absent.sort(key=rank.__getitem__, reverse=not ascending)
    return np.array((present + absent)[:need], np.int64)


def by_number(values: Floats, ties: NDArray[np.int64], ascending: bool, need: int) -> Positions:
    """As `by_text`; NaN stands for a missing value."""
    return best_first(values, ties, need) if ascending else best_first(-values, -ties, need)
