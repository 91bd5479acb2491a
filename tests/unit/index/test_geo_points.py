"""Points within a circle against the haversine formula written out."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from redisvss.index.geo_points import EARTH_RADIUS_M, GeoPoints, haversine


def metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    u = math.sin(math.radians(lat_b - lat_a) / 2)
    v = math.sin(math.radians(lon_b - lon_a) / 2)
    both = math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b))
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(u * u + both * v * v))


def test_one_degree_of_latitude() -> None:
    """RediSearch 2.10.5: 111 km do not reach, 112 km do; Redis's GEODIST says 111226.3."""
    assert haversine(0.0, 0.0, np.array([0.0]), np.array([1.0]))[0] == pytest.approx(111226.3, abs=0.1)


def test_random_circles_agree_with_the_formula() -> None:
    chance = random.Random(5)
    points = {n: (chance.uniform(-180, 180), chance.uniform(-85, 85)) for n in range(2000)}
    index = GeoPoints()
    for doc_id, point in points.items():
        index.put(doc_id, [point])
    for _ in range(40):
        lon, lat, radius = chance.uniform(-180, 180), chance.uniform(-85, 85), 10 ** chance.uniform(4, 7.3)
        away = {doc_id: metres(lon, lat, *point) for doc_id, point in points.items()}
        found = set(index.within(lon, lat, radius))
        assert found >= {doc_id for doc_id, far in away.items() if far < radius - 1}  # a cell is under 0.6 m wide
        assert found <= {doc_id for doc_id, far in away.items() if far < radius + 1}


def test_a_circle_over_the_date_line() -> None:
    index = GeoPoints()
    index.put(0, [(179.9, 0.0)])
    index.put(1, [(-179.9, 0.0)])
    assert list(index.within(180.0, 0.0, 20_000)) == [0, 1]


def test_a_circle_over_the_pole() -> None:
    index = GeoPoints()
    index.put(0, [(0.0, 85.0)])
    index.put(1, [(180.0, 85.0)])
    assert list(index.within(0.0, 85.0, 1_200_000)) == [0, 1]


def test_any_of_a_documents_points_counts_and_all_of_them_leave() -> None:
    index = GeoPoints()
    index.put(7, [(0.0, 0.0), (50.0, 50.0)])
    index.put(8, [(50.0, 50.0)])
    assert list(index.within(0.0, 0.0, 1000)) == [7]
    assert list(index.within(50.0, 50.0, 1000)) == [7, 8]
    index.remove(7)
    index.remove(9)
    assert list(index.within(0.0, 0.0, 1000)) == []
    assert (list(index.within(50.0, 50.0, 1000)), list(index.docs)) == ([8], [8])
    index.put(9, [(0.0, 0.0)])  # takes a freed row
    assert list(index.within(0.0, 0.0, 1000)) == [9]


def test_more_points_than_at_first_fit() -> None:
    index = GeoPoints()
    for doc_id in range(3000):
        index.put(doc_id, [(doc_id / 100, 0.0)])
    assert list(index.within(29.99, 0.0, 500)) == [2999]
    assert len(index.docs) == 3000
