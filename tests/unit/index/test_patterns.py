"""Wildcard patterns."""

from __future__ import annotations

import itertools

import pytest

from redisvss.index.patterns import wildcard


def slowly(pattern: str, value: str) -> bool:
    """What the pattern means, by trying everything."""
    match pattern[:1], pattern[1:2]:
        case "", _:
            return not value
        case "*", _:
            return any(slowly(pattern[1:], value[cut:]) for cut in range(len(value) + 1))
        case "\\", literal if literal:
            return value[:1] == literal and slowly(pattern[2:], value[1:])
        case "?", _:
            return bool(value) and slowly(pattern[1:], value[1:])
        case letter, _:
            return value[:1] == letter and slowly(pattern[1:], value[1:])


def test_every_short_pattern_against_every_short_value() -> None:
    values = ["".join(letters) for size in range(5) for letters in itertools.product("ab", repeat=size)]
    for size in range(5):
        for parts in itertools.product("ab*?", repeat=size):
            pattern = "".join(parts)
            matches = wildcard(pattern)
            assert [v for v in values if matches(v)] == [v for v in values if slowly(pattern, v)], pattern


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"a\?*", "a?tail", True),
        (r"\\", "\\", True),
        ("tail\\", "tail\\", True),
        ("a.c", "abc", False),
        ("*.txt", "some.txt", True),
        ("*\n?", "line\nx", True),
        ("*é*", "café au lait", True),
    ],
)
def test_escapes_and_what_means_something_to_regular_expressions(pattern: str, value: str, found: bool) -> None:
    assert wildcard(pattern)(value) is found


def test_a_hostile_pattern_takes_no_exponential_time() -> None:
    assert not wildcard("*a" * 40 + "b")("a" * 5000)
