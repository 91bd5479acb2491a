"""Damaged queries, expressions and commands: each is answered or refused, and a refusal is in RediSearch's words.

The default run takes a slice from fixed seeds, the slow one (`-m slow`) a million queries and a hundred thousand of
each other kind; `run.py` measures time and memory besides.
"""

from __future__ import annotations

import re

import pytest
from fuzz.kinds import KINDS, refused
from fuzz.run import shape

SLICES = {"parsed": 6000, "searched": 1000, "evaluated": 1000, "commanded": 2000}
SLOW = [("parsed", 20_000, seed) for seed in range(2, 52)]
SLOW += [(kind, 20_000, seed) for kind in ("searched", "evaluated", "commanded") for seed in range(2, 7)]


def fuzz(kind: str, count: int, seed: int) -> None:
    taken = 0
    for case in KINDS[kind](seed, count):
        try:
            text = refused(case)
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {case[0]!r}") from error
        taken += text is None
        offset = re.search(r" at offset (\d+)", text or "")
        assert offset is None or int(offset[1]) <= max(map(len, case[0])), case[0]
    assert count * 0.05 < taken < count * 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_input_is_answered_or_refused(kind: str) -> None:
    fuzz(kind, SLICES[kind], seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "count", "seed"), SLOW)
def test_a_million_damaged_inputs(kind: str, count: int, seed: int) -> None:
    fuzz(kind, count, seed)


def test_refusals_are_told_apart_without_what_they_quote() -> None:
    assert shape("Syntax error at offset 12 near x\ny") == shape("Syntax error at offset 3 near `q`")
    assert shape("Unknown argument `a` at position 3 for <main>") == "Unknown argument '…' at position N for <main>"
