"""Cutting text into tokens. Expected values were asked of RediSearch (2.10.5; Unicode lower-casing of 2.10.33)."""

from __future__ import annotations

import pytest

from redisvss.index.tokenizer import DEFAULT_STOPWORDS, tokenize

CASES = [
    (b"Hello, World", [b"hello", b"world"]),
    (b"O'Reilly 3.14 foo_bar x-y", [b"o", b"reilly", b"3", b"14", b"foo_bar", b"x", b"y"]),
    (b"a\tb", [b"a", b"b"]),
    (b"line1\nline2\ttab\rcr", [b"line1line2", b"tabcr"]),
    (b"hello\\-world", [b"hello-world"]),
    (b"b\\ c\\-D foo\\", [b"b c-d", b"foo"]),
    (b"a\\\\b", [b"a\\b"]),
    (b"\\, ,", [b","]),
    (b"hello\x00 world", [b"hello"]),
    ("Ünïcode ΟΔΟΣ İ".encode(), ["ünïcode".encode(), "οδοσ".encode(), "i̇".encode()]),
    (b"caf\xff\xfe Bar", [b"caf\xff\xfe", b"bar"]),
    (b"x" * 300, [b"x" * 300]),
    (b"... !!", []),
    (b"", []),
]


@pytest.mark.parametrize(("text", "tokens"), CASES)
def test_tokens_of_text(text: bytes, tokens: list[bytes]) -> None:
    assert tokenize(text) == tokens


def test_there_are_33_default_stop_words() -> None:
    assert len(set(DEFAULT_STOPWORDS)) == 33
