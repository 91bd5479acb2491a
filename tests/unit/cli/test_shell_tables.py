"""How replies look."""

from __future__ import annotations

import pytest

from redisvss.cli.shell_tables import Hits, cell, hits, rendered, summary, tidy, visible

SEARCH = [b"FT.SEARCH", b"idx", b"*"]


def hit(key: bytes, **fields: bytes) -> dict[bytes, object]:
    return {b"id": key, b"extra_attributes": {n.encode(): v for n, v in fields.items()}, b"values": []}


def test_hits_have_a_column_for_each_field_of_any_of_them() -> None:
    reply = {b"results": [hit(b"a", x=b"1"), hit(b"b", y=b"2")], b"total_results": 7, b"warning": [b"Timeout"]}
    assert hits(SEARCH, reply) == Hits(["key", "x", "y"], [["a", "1", ""], ["b", "", "2"]], 7, ["Timeout"], "idx")


def test_a_cursor_names_the_command_that_reads_on() -> None:
    page = {b"results": [{b"extra_attributes": {b"n": b"1"}, b"values": []}], b"total_results": 1}
    found = hits([b"ft.aggregate", b"idx", b"*"], [page, 42])
    assert found is not None
    assert found.rows == [["1"]]
    assert summary(found, 0.0015) == "1 row, 1.5 ms; the next: FT.CURSOR READ idx 42"
    assert hits([b"FT.CURSOR", b"READ", b"idx", b"42"], [page, 0]) == Hits(["n"], [["1"]], None, [], "idx")


def test_fused_hits_begin_with_key_and_score() -> None:
    reply = {b"results": [{b"title": b"t", b"__score": b"0.5", b"__key": b"a"}], b"total_results": 1}
    found = hits([b"FT.HYBRID", b"idx"], reply)
    assert found is not None
    assert found.columns == ["key", "score", "title"]
    assert summary(found, 0) == "1 of 1 hits, 0.0 ms"


@pytest.mark.parametrize(
    ("words", "reply"),
    [([b"HGETALL", b"k"], {b"results": []}), (SEARCH, [1, b"a"]), (SEARCH, b"QUEUED")],
)
def test_other_replies_are_no_hits(words: list[bytes], reply: object) -> None:
    assert hits(words, reply) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x00\x00\x80?", "<4 bytes>"),
        (b"\x00\x00\x00\x00", "<4 bytes>"),
        ("grün".encode(), "grün"),
        (None, ""),
        (b"x" * 300, "x" * 200 + "…"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_documents_cannot_steer_the_terminal() -> None:
    assert visible("a\x1b[2Jb\tc\n") == "a\\x1b[2Jb\tc\n"
    assert rendered(b"\x1b[2J") == '"\\x1b[2J"'


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (b"OK", "OK"),
        (b"text", '"text"'),
        (3, "(integer) 3"),
        (None, "(nil)"),
        (b"# Server\r\nx:1", "# Server\nx:1"),
        ({b"a": [1, b"b"]}, '1) a: 1) (integer) 1\n      2) "b"'),
        ({}, "(empty array)"),
        ([], "(empty array)"),
    ],
)
def test_everything_else_looks_as_in_redis_cli(reply: object, shown: str) -> None:
    assert rendered(reply) == shown


def test_sets_and_errors_within_replies_can_be_printed() -> None:
    assert tidy([{b"a"}, ValueError("ERR no"), {b"k": {1}}]) == [[b"a"], "(error) ERR no", {b"k": [1]}]
