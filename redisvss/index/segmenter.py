"""Chinese text to words, which are written without blanks between them. Needs jieba (extra `chinese`).

RediSearch uses friso; both know most words, and cut unknown ones differently. Knows nothing of documents or queries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

Cut = Callable[[str], list[str]]


def words_of(token: bytes) -> list[bytes]:
    """The words a token consists of, without punctuation; the token itself where there is no segmenter."""
    cut = None if token.isascii() else _segmenter()
    if cut is None:
        return [token]
    words = cut(token.decode("utf-8", "surrogateescape"))
    return [word.encode("utf-8", "surrogateescape") for word in words if any(map(str.isalnum, word))]


@cache
def _segmenter() -> Cut | None:
    """Loads the dictionary when the first Chinese text comes: about a second."""
    if find_spec("jieba") is None:
        return None
    import jieba

    jieba.setLogLevel(logging.WARNING)  # else it tells of its dictionary on stderr
    cut: Cut = jieba.lcut
    return cut
