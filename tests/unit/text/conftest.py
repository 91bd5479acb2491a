"""Corpora the full-text tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from corpus import Corpus

from redisvss.schema import FieldSpec


@pytest.fixture
def corpus() -> Callable[..., Corpus]:
    return Corpus


@pytest.fixture
def three() -> Corpus:
    """The corpus most expected values below were asked of RediSearch with."""
    fields = (FieldSpec(b"t", b"t", "TEXT"), FieldSpec(b"g", b"g", "TAG"), FieldSpec(b"n", b"n", "NUMERIC"))
    documents = [
        {"t": "aa cc bb", "g": "x", "n": "1"},
        {"t": "aa bb aa cc dd", "g": "x", "n": "1"},
        {"t": "running", "g": "x"},
    ]
    return Corpus(fields, documents)
