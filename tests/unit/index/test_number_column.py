"""Ranges over a column: what is remembered between changes is never stale, scans and bisections agree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from redisvss.index.columns import NumberColumn


def test_a_remembered_range_sees_every_change() -> None:
    column = NumberColumn()
    column.put(1, [5.0])
    assert list(column.between(0, 10)) == [1]
    column.put(2, [7.0])
    assert list(column.between(0, 10)) == [1, 2]
    column.remove(1)
    assert list(column.between(0, 10)) == [2]
    column.remove(2)
    column.put(2, [70.0])
    assert list(column.between(0, 10)) == []


def test_open_and_closed_ends_are_different_ranges() -> None:
    column = NumberColumn()
    for doc_id, value in enumerate([1.0, 2.0, 3.0, math.inf]):
        column.put(doc_id, [value])
    assert list(column.between(1, 3)) == [0, 1, 2]
    assert list(column.between(1, 3, open_low=True)) == [1, 2]
    assert list(column.between(1, 3, open_high=True)) == [0, 1]
    assert list(column.between(2, math.inf, True)) == [2, 3]


@pytest.mark.parametrize("count", [100, 5000, 70_000])
def test_scanned_and_sorted_columns_agree_with_numpy(count: int) -> None:
    random = np.random.default_rng(count)
    values = random.integers(0, 50, count).astype(float)
    column = NumberColumn()
    for doc_id, value in enumerate(values.tolist()):
        column.put(doc_id, [value, value + 100] if doc_id % 7 == 0 else [value])
    for number in range(30):  # enough of them that a large column is sorted on the way
        low, high = sorted(random.uniform(-5, 160, 2).tolist())
        several = np.arange(count) % 7 == 0
        inside = ((values >= low) & (values <= high)) | (several & (values + 100 >= low) & (values + 100 <= high))
        assert list(column.between(low, high)) == np.flatnonzero(inside).tolist(), number
        assert column.count_between(low, high) >= inside.sum()
