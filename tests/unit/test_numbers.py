"""Numbers as text. What counts as one was asked of RediSearch 2.10.5, by indexing it."""

from __future__ import annotations

import math

import pytest

from redisvss.numbers import format_number, parse_float, parse_integer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5e3", -1500.0),
        ("0x1p3", 8.0),
        ("0X1F", 31.0),
        ("INF", math.inf),
        ("-infinity", -math.inf),
        ("0", 0.0),
        ("0e9", 0.0),
        ("0x0", 0.0),
        ("5e-324", 5e-324),
    ],
)
def test_what_is_a_number(text: str, number: float) -> None:
    assert parse_float(text.encode()) == number


NOT_NUMBERS = [
    "",
    " 1",
    "1 ",
    "1,2",
    "1f",
    "1e",
    "nan",
    "0x",
    "0x.",
    "0x1.2.3",
    "0x1p99999",
    "1e999",
    "-1e999",
    "1e-400",
]


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1" * 5000, "1_000", "0.0001e-400", "0x1p-99999"])
def test_what_is_none(text: str) -> None:
    assert parse_float(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("+1", 1),
        ("1.5", None),
        ("", None),
        (" 1", None),
        ("1" * 5000, None),
        ("9" * 19, None),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_integers(text: str, number: int | None) -> None:
    assert parse_integer(text.encode()) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.5, "2.5"),
        (100.0, "100"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        (0.000001, "1e-06"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (-math.nan, "-nan"),
        (9007199254740993.0, "9007199254740992"),
    ],
)
def test_computed_numbers_are_printed_as_c_prints_them(number: float, text: str) -> None:
    assert format_number(number) == text.encode()
