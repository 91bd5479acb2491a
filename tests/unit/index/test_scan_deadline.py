"""How soon a long exact scan notices that its time is up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from redisvss.index import compiled
from redisvss.index.distance import Metric, Query

DIM = 8192
ROWS = 1500  # 12 million elements: ten milliseconds or so


def test_a_scan_of_milliseconds_stops_at_a_deadline_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = SimpleNamespace(
        vectors=np.ones((ROWS, DIM), np.float32), dtype="FLOAT32", metric=Metric.L2, size=ROWS, dim=DIM
    )
    query = Query(store.vectors[0].astype(float), float(DIM) ** 0.5, False)
    clock = iter([0.0])
    monkeypatch.setattr(compiled.time, "monotonic", lambda: next(clock, 1.0))
    distances = compiled.measure(store, query, None, deadline=0.5)
    assert 0 < len(distances) < ROWS / 2
    assert not distances.any()
