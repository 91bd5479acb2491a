"""Strings as numbers, by strtod's rules."""

from __future__ import annotations

import math

import pytest

from redisvss.expression.values import NEGATIVE_NAN, lenient_order, to_number
from redisvss.numbers import format_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"12", 12.0),
        (b" \t\n5", 5.0),
        (b"5 ", None),
        (b"", 0.0),
        (b" ", None),
        (b"-.5", -0.5),
        (b".", None),
        (b"1.", 1.0),
        (b"1e3", 1000.0),
        (b"1e", None),
        (b"0x10", 16.0),
        (b"0x1p4", 16.0),
        (b"0x", None),
        (b"1_000", None),
        (b"inf", math.inf),
        (b"-INFINITY", -math.inf),
        (b"1e999", None),
        (b"1e-999", None),
        (b"0e-999", 0.0),
        (b"5e-324", 5e-324),
        (b"12\0abc", 12.0),
        (b"9" * 400, None),
        ("１２".encode(), None),
    ],
)
def test_reads_numbers_as_strtod(text: bytes, number: float | None) -> None:
    assert to_number(text) == number


def test_nan_keeps_its_sign() -> None:
    assert [format_number(to_number(text) or 0.0) for text in (b"nan", b"-nan", b"nan(1)")] == [b"nan", b"-nan", b"nan"]
    assert format_number(NEGATIVE_NAN) == b"-nan"


def test_what_does_not_convert_compares_as_text_where_no_error_may_be_raised() -> None:
    assert lenient_order(b"abc", 1.0) == 1
    assert lenient_order(1.0, b"abc") == -1
