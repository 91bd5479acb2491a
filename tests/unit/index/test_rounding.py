"""Distances of near-identical vectors under COSINE: what clients that expect 0 to 2 can live with."""

from __future__ import annotations

import numpy as np
import pytest

from redisvss.index.vectors import Metric, VectorIndex, VectorParams

DIM = 96
GRID = 2.0**-24  # how far float32's next number below 1 is


@pytest.mark.parametrize("compiled", [False, True])
def test_distances_are_float32_similarities_taken_from_one(compiled: bool) -> None:
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", DIM, Metric.COSINE))
    if compiled:
        index.warm()
    vectors = np.random.default_rng(3).normal(size=(400, DIM)).astype(np.float32)
    index.put(range(len(vectors)), vectors)
    own = np.array([index.knn(vector, 1).distances[0] for vector in vectors])
    assert (own % GRID == 0).all()
    assert (own == 0).mean() > 0.4
    assert (np.abs(own) <= 4 * GRID).all()


def test_a_radius_of_nothing_finds_the_vector_itself() -> None:
    index = VectorIndex(VectorParams("FLAT", "FLOAT32", 3, Metric.COSINE))
    vectors = np.array([[0.1, 0.1, 0.5], [0.9, 0.9, 0.1]], np.float32)
    index.put(range(2), vectors)
    assert [index.range(vector, 0.0).doc_ids.tolist() for vector in vectors] == [[0], [1]]
    assert index.knn(vectors[0], 1).distances.tolist() == [0.0]
