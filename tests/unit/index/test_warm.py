"""Kernels are prepared part by part, and nobody waits for ever, or for what it does not use."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from redisvss.index import warm
from redisvss.index.distance import Metric
from redisvss.index.kernels import build, walk
from redisvss.index.vectors import VectorIndex, VectorParams
from redisvss.index.warm import Part

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def nothing_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "_started", {})
    monkeypatch.setattr(warm, "_done", set())


def answering(monkeypatch: pytest.MonkeyPatch, part: Part, prepare: Callable[[], object]) -> None:
    """The preparation of one part is `prepare`, and that of every other done at once."""
    monkeypatch.setattr(warm, "_exercise", lambda asked, dtype, metric: prepare() if asked is part else None)


@pytest.mark.usefixtures("nothing_prepared")
def test_a_failed_preparation_ends_the_wait_and_leaves_searches_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk() -> None:
        raise OSError("no space left on device")

    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: seen.append(raised.exc_type))
    answering(monkeypatch, Part.SCAN, full_disk)
    warm.wait(Part.SCAN, "FLOAT32", Metric.L2)
    for thread in threading.enumerate():
        if thread.name == "redisvss-warm":
            thread.join()
    assert seen == [OSError]
    assert not warm.ready(Part.SCAN, "FLOAT32", Metric.L2, 8)


@pytest.mark.usefixtures("nothing_prepared")
def test_a_flat_field_does_not_wait_for_graphs_that_others_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = threading.Event()
    answering(monkeypatch, Part.GRAPH, compiled.wait)
    graph = warm.start(Part.GRAPH, "FLOAT32", Metric.L2)
    try:
        VectorIndex(VectorParams("FLAT", "FLOAT32", 8, Metric.L2)).warm()
        assert warm.loaded(Part.SCAN, "FLOAT32", Metric.L2, 8)
        assert not warm.loaded(Part.GRAPH, "FLOAT32", Metric.L2, 8)
    finally:
        compiled.set()
    graph.wait()
    assert warm.loaded(Part.GRAPH, "FLOAT32", Metric.L2, 8)


@pytest.mark.usefixtures("nothing_prepared")
@pytest.mark.parametrize(
    ("algorithm", "dtype", "parts"),
    [
        ("FLAT", "FLOAT32", {Part.SCAN, Part.COARSE}),
        ("FLAT", "INT8", {Part.SCAN}),
        ("HNSW", "FLOAT32", {Part.SCAN, Part.GRAPH}),
    ],
)
def test_a_field_asks_for_what_it_uses(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, dtype: str, parts: set[Part]
) -> None:
    asked: set[Part] = set()
    monkeypatch.setattr(warm, "_exercise", lambda part, *_: asked.add(part))
    VectorIndex(VectorParams(algorithm, dtype, 8, Metric.IP)).warm()
    assert asked == parts


@pytest.mark.usefixtures("nothing_prepared")
def test_a_graph_that_is_worth_one_asks_for_scans_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk's result is ranked by them, and nothing else would ask before a scan is long."""
    asked: set[Part] = set()
    monkeypatch.setattr(warm, "_exercise", lambda part, *_: asked.add(part) if part is Part.SCAN else 1 / 0)
    monkeypatch.setattr(threading, "excepthook", lambda raised: None)
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", 4, Metric.L2))
    index.put(np.arange(2100), np.random.default_rng(0).normal(size=(2100, 4)))
    warm.wait(Part.SCAN, "FLOAT32", Metric.L2)
    assert asked == {Part.SCAN}


def test_no_search_compiles_once_kernels_are_ready() -> None:
    """Every kernel that a search of a warm graph calls was called by the preparation with the same types."""
    index = VectorIndex(VectorParams("HNSW", "FLOAT32", 8, Metric.IP))
    index.warm()
    searches = (walk.search, walk.nearest, walk.nearest_allowed, walk.filtered, walk.within)
    kernels = (*searches, build.choose, build.link_back)
    before = [len(kernel.signatures) for kernel in kernels]
    vectors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    index.put(np.arange(3000), vectors)
    index.compact()
    query = vectors[0].tobytes()
    assert index.knn(query, 3).plan.strategy == "graph"
    index.knn(query, 3, index.docs() - index.docs()[:500:2], policy="BATCHES")
    index.range(query, 0.1)
    assert [len(kernel.signatures) for kernel in kernels] == before
