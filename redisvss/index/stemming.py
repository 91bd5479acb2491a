"""Snowball stems by RediSearch's language names. Chinese has none: `segmenter.py` cuts it into words instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import Stemmer

_NAMES = """
    arabic armenian basque catalan chinese danish dutch english finnish french german greek hindi hungarian indonesian
    irish italian lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish yiddish
"""
LANGUAGES = frozenset(_NAMES.split())
CHINESE = "chinese"
STEM_PREFIX = b"+"  # how a stem is told from a word in the term dictionary
MIN_STEM_LENGTH = 4  # bytes; MINSTEMLEN. Only documents are held to it: a query stems `ru` too

Stem = Callable[[bytes], bytes]

# Snowball 3 gave `dutch` a new algorithm; RediSearch has the old one (1,500 words compared with 2.10.5).
_ALGORITHMS = {"dutch": "dutch_porter"}


@cache
def stemmer(language: str) -> Stem | None:
    """The stemming function of a language; None where there is none. Names are lower case."""
    known = Stemmer.algorithms()
    algorithm = _ALGORITHMS.get(language, language)
    if algorithm not in known:
        algorithm = language  # PyStemmer 2: the old algorithm still bears the plain name
    if language not in LANGUAGES or algorithm not in known:
        return None
    snowball = Stemmer.Stemmer(algorithm, 0)  # 0: no cache of its own, the vocabulary is one

    def stem(word: bytes) -> bytes:
        try:
            return bytes(snowball.stemWord(word))
        except UnicodeDecodeError:  # not UTF-8: kept whole
            return word

    return stem
