"""Preparing compiled kernels never keeps anybody waiting for ever."""

from __future__ import annotations

import threading

import pytest

from redisvss.index import warm
from redisvss.index.distance import Metric


def test_a_failed_preparation_ends_the_wait_and_leaves_searches_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(dtype: str, metric: Metric) -> None:
        raise OSError("no space left on device")

    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: seen.append(raised.exc_type))
    monkeypatch.setattr(warm, "_exercise", full_disk)
    monkeypatch.setattr(warm, "_started", {})
    monkeypatch.setattr(warm, "_done", set())
    warm.wait("FLOAT32", Metric.L2)
    for thread in threading.enumerate():
        if thread.name == "redisvss-warm":
            thread.join()
    assert seen == [OSError]
    assert not warm.ready("FLOAT32", Metric.L2, 8)
