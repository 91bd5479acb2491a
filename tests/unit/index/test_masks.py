"""Packed masks hold exactly the ids of a Roaring bitmap, whatever its containers."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index.compiled import words_of

_DENSE = np.flatnonzero(np.random.default_rng(1).random(65_536) < 0.5)
_SETS = {
    "one": BitMap([200_003]),
    "few": BitMap(np.random.default_rng(2).permutation(300_000)[:900].tolist()),
    "dense": BitMap(_DENSE.tolist()),
    "dense after a gap": BitMap([5, *(_DENSE + 131_072).tolist()]),
    "runs": BitMap([*range(10, 60_000), *range(70_000, 70_010), *range(196_607, 262_144)]),
    "runs and bits": BitMap([*range(3, 65_000), *(_DENSE + 65_536).tolist(), 400_000]),
}


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("name", _SETS)
def test_words_have_the_bits_of_the_set(name: str, optimised: bool) -> None:
    docs = _SETS[name].copy()
    if optimised:
        docs.run_optimize()
    bits = np.unpackbits(words_of(docs).view(np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == docs.to_array().tolist()
