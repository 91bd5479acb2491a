"""Arrays that grow in place: contents, fill, and views taken before."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from redisvss.index.matrix import Growing


@pytest.mark.parametrize("fill", [0, -1])
@pytest.mark.parametrize(("width", "total"), [(None, 3_000_000), (3, 900_000), (384, 9_000)])
def test_what_was_written_stays_and_the_rest_is_filled(width: int | None, total: int, fill: int) -> None:
    rng = np.random.default_rng(0)
    grown, n, written = (
        Growing(np.int32, width, fill=fill),
        0,
        np.empty((0,) if width is None else (0, width), np.int32),
    )
    while n < total:
        more = int(rng.integers(1, max(100, n)))
        grown.reserve(n + more)
        assert np.array_equal(grown.array[:n], written) and (grown.array[n:] == fill).all()
        new = rng.integers(0, 100, (more, *written.shape[1:]), np.int32)
        grown.array[n : n + more] = new
        written, n = np.concatenate([written, new]), n + more


def test_a_view_taken_before_growth_keeps_what_it_showed() -> None:
    grown = Growing(np.int64, capacity=1 << 20)
    grown.array[:3] = 1, 2, 3
    view = grown.array[:3]
    grown.reserve(1 << 22)
    assert len(grown.array) >= 1 << 22
    assert view.tolist() == grown.array[:3].tolist() == [1, 2, 3]


def test_room_is_made_by_small_steps() -> None:
    grown = Growing(np.float32, 256, capacity=50_000)
    grown.reserve(50_001)
    assert grown.array.nbytes < 50_000 * 1024 * 1.2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere growing copies")
def test_growing_a_large_array_moves_no_bytes() -> None:
    """Pages never written to have no memory behind them: a copy would have given them some."""
    grown = Growing(np.uint8, capacity=256 << 20)
    grown.array[:10] = 7
    before = _resident()
    for size in range(257, 300, 4):
        grown.reserve(size << 20)
    assert grown.array[:10].tolist() == [7] * 10
    assert _resident() - before < 32 << 20


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
