"""Chinese texts and queries, cut into words. Expected answers were asked of RediSearch 2.10.5."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from corpus import Corpus

from redisvss.index import segmenter
from redisvss.index.segmenter import words_of
from redisvss.schema import FieldSpec

FIELDS = (FieldSpec(b"t", b"t", "TEXT"),)
DOCUMENTS = [
    {"t": "我喜欢编程"},
    {"t": "Redis支持主从同步。数据可以从主服务器向任意数量的从服务器上同步"},
    {"t": "喜欢 the running dogs"},
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("编程", ["d1"]),
        ("喜欢", ["d1", "d3"]),
        ("我喜欢编程", ["d1"]),
        ("喜欢编程", ["d1"]),
        ("服务器", ["d2"]),
        ("数据 同步", ["d2"]),
        ("redis", ["d2"]),
        ("dog", []),  # nothing is stemmed
        ("的数据库", []),
        ("。", []),
    ],
)
def test_chinese_words_are_found_inside_a_text(query: str, found: list[str], corpus: Callable[..., Corpus]) -> None:
    assert corpus(FIELDS, DOCUMENTS, language="chinese").keys(query) == found


def test_other_languages_keep_such_a_text_whole(corpus: Callable[..., Corpus]) -> None:
    made = corpus(FIELDS, DOCUMENTS)
    assert made.keys("编程") == []
    assert made.keys("我喜欢编程") == ["d1"]


def test_punctuation_is_no_word() -> None:
    assert words_of("同步。数据".encode()) == ["同步".encode(), "数据".encode()]
    assert words_of(b"plain") == [b"plain"]


def test_without_a_segmenter_a_token_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter, "_segmenter", lambda: None)
    assert words_of("我喜欢编程".encode()) == ["我喜欢编程".encode()]
