"""A bounded slice of benchmarks/bench_exact.py: every exact answer is a float64 brute force's, on hostile data."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from redisvss.index.distance import Metric
from redisvss.index.knn_plan import exact
from redisvss.index.vectors import ELEMENT_SIZE, KnnHits

pytestmark = pytest.mark.timeout(600)  # compiling kernels for a type and metric takes up to a minute, once per machine

PAIRS = [(dtype, metric) for dtype in ELEMENT_SIZE for metric in Metric]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    return importlib.import_module("bench_exact")


@pytest.mark.parametrize(("dtype", "metric"), PAIRS)
def test_every_way_gives_a_float64_brute_forces_answer(bench: ModuleType, dtype: str, metric: Metric) -> None:
    kind = bench.HOSTILE[PAIRS.index((dtype, metric)) % len(bench.HOSTILE)]
    asked, wrong = bench.count(dtype, metric, kind, queries=8, seed=11)
    assert (asked, wrong) == (40, 0)


def test_float64_rows_are_squared_in_float64(bench: ModuleType) -> None:
    """By float32 norms, far from the origin, numpy's fast step ruled out rows that belonged to the answer."""
    assert bench.count("FLOAT64", Metric.L2, "offset", queries=8) == (40, 0)


def test_the_judge_forgives_nothing_but_a_rounding(bench: ModuleType) -> None:
    low = np.array([0.0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10])
    high, ids = np.nextafter(low, np.inf), np.arange(13)

    def right(docs: list[int], distances: list[float]) -> bool:
        return bool(bench.is_right(KnnHits(np.array(docs), np.array(distances), exact(13, False)), low, high, ids))

    best = list(range(10))
    assert right(best, low[:10].tolist())
    assert right([0, 1, 2, *range(3, 10)], [0, 1, float(high[2]), *low[3:10].tolist()])
    assert not right([0, 2, 1, *range(3, 10)], low[:10].tolist())  # a tie out of order
    assert not right([*range(9), 10], [*low[:9].tolist(), 9.0])  # a row too far
    assert not right(best, [0, 1, 1 + 1e-9, *low[3:10].tolist()])  # a distance that is not the row's
    assert not right([0, 0, *range(2, 10)], [0, 0, *low[2:10].tolist()])  # a row twice
    assert not right(best[:9], low[:9].tolist())  # a row missing
