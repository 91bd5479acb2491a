"""Doubles as Redis 7.4 prints them (each line seen as the reply of ZSCORE), and replies lowered to RESP2."""

from __future__ import annotations

import math

import pytest

from redisvss.errors import CommandError
from redisvss.reply import Set, format_double, lower


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (1 / 3, "0.3333333333333333"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (0.00001234, "1.234e-5"),
        (1.234e-7, "1.234e-7"),
        (123456789.125, "123456789.125"),
        (1e16, "10000000000000000"),
        (1e20, "1e+20"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (-5e-324, "-5e-324"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (-math.nan, "nan"),
    ],
)
def test_doubles_are_printed_as_redis_does(value: float, text: str) -> None:
    assert format_double(value) == text.encode()


def test_resp2_flattens_maps_and_has_no_types_of_its_own() -> None:
    error = CommandError("no")
    reply = {"a": 1.5, b"b": [True, None, error], "c": Set([False, {"d": "OK"}])}
    assert lower(reply) == ["a", b"1.5", b"b", [1, None, error], "c", [0, ["d", "OK"]]]
