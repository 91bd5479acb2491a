"""A slice of `search.py` that CI can afford: the reference and we answer the same random searches."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from search import KINDS, run, sides

URL = os.environ.get("REDISVSS_NATIVE_URL")  # of a RediSearch 2.10.5 that may be flushed
SEARCHES = 600
SEED = 11


@pytest.mark.native
@pytest.mark.skipif(URL is None, reason="REDISVSS_NATIVE_URL names no reference server")
@pytest.mark.parametrize("protocol", [2, 3])
def test_random_searches_are_answered_as_the_reference_does(protocol: int) -> None:
    assert URL is not None
    judge = sides(URL, None, protocol)
    found = run(judge, SEED, SEARCHES, show=3, patience=5.0)
    assert found["compared"] == SEARCHES
    assert not {kind: found[kind] for kind in KINDS if found[kind]}, f"seed {SEED}"
