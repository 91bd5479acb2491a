"""The cursor over a command's arguments, and its errors in RediSearch's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from redisvss.commands.args import Args
from redisvss.errors import CommandError


def args(line: str) -> Args:
    return Args(line.encode().split())


def test_keywords_are_accepted_in_any_case_and_only_if_they_are_next() -> None:
    cursor = args("LiMit rest")
    assert not cursor.accept(b"REST")
    assert cursor.accept(b"LIMIT")
    assert (cursor.keyword(), cursor.peek(), len(cursor), cursor.position) == (b"REST", b"rest", 1, 1)
    assert cursor.rest() == [b"rest"]
    assert (cursor.keyword(), cursor.peek(), len(cursor)) == (b"", None, 0)


def test_a_counted_part_is_a_cursor_of_its_own() -> None:
    cursor = args("2 a b c")
    part = cursor.counted("RETURN")
    assert (list(part), list(cursor)) == ([b"a", b"b"], [b"c"])
    assert list(args("0 a").counted("PREFIX")) == []


BAD: list[tuple[str, Callable[[Args], Any], str]] = [
    ("", lambda a: a.need("X"), "Expected an argument, but none provided"),
    ("", lambda a: a.integer("X"), "Expected an argument, but none provided"),
    ("x", lambda a: a.integer("X"), "Could not convert argument to expected type"),
    ("1.5", lambda a: a.integer("X"), "Could not convert argument to expected type"),
    ("0", lambda a: a.integer("X", 1), "Value is outside acceptable bounds"),
    ("9", lambda a: a.integer("X", 1, 8), "Value is outside acceptable bounds"),
    ("x", lambda a: a.number("X"), "Could not convert argument to expected type"),
    ("-1", lambda a: a.number("X", 0.0), "Value is outside acceptable bounds"),
    ("3 a b", lambda a: a.counted("X"), "Expected an argument, but none provided"),
    ("-1 a", lambda a: a.counted("X"), "Value is outside acceptable bounds"),
    ("a b", lambda a: a.counted("X"), "Could not convert argument to expected type"),
]


@pytest.mark.parametrize(("line", "read", "reason"), BAD)
def test_what_is_wrong_is_said_by_name(line: str, read: Callable[[Args], Any], reason: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(args(line))
    assert str(caught.value) == f"Bad arguments for X: {reason}"
