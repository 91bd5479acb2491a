"""Limits of the parser, and that no text whatever makes it do anything but answer or refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redisvss.expression import ExpressionError, Frame, describe, evaluate, parse_expression, properties
from redisvss.expression.lexer import MAX_TOKENS
from redisvss.expression.parser import MAX_NESTING
from redisvss.expression.tree import Chain


def test_nesting_is_bounded() -> None:
    deep = MAX_NESTING
    assert parse_expression(b"(" * deep + b"1" + b")" * deep)
    with pytest.raises(ExpressionError, match="Syntax error at offset"):
        parse_expression(b"(" * (deep + 1) + b"1" + b")" * (deep + 1))
    with pytest.raises(ExpressionError, match="Syntax error at offset"):
        parse_expression(b"upper(" * 49 + b'"a"' + b")" * 49)


@pytest.mark.parametrize("opening", [b"(", b"upper(", b"!", b"-", b"1 + (", b"!(", b"1 == "])
def test_a_hundred_thousand_openings_are_refused(opening: bytes) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(opening * 100_000)


def test_long_chains_are_flat() -> None:
    tree = parse_expression(b"1" + b" + 1" * 10_000)
    assert isinstance(tree, Chain) and len(tree.rest) == 10_000
    assert evaluate(tree, Frame(1, dict.__getitem__)) == 10_001.0  # type: ignore[arg-type]


def test_too_many_tokens_are_refused() -> None:
    with pytest.raises(ExpressionError):
        parse_expression(b"1" + b" + 1" * MAX_TOKENS)


def test_a_string_takes_the_longest_reading() -> None:
    assert evaluate(parse_expression(rb'"a\" + "'), Frame(1, dict.__getitem__)) == b'a" + '  # type: ignore[arg-type]
    assert evaluate(parse_expression(rb'"a\"'), Frame(1, dict.__getitem__)) == b"a\\"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "names"),
    [("@a + @b * @a", ["a", "b", "a"]), ("exists(@x) && !@y", ["x", "y"]), ("1", []), ("@_a1é", ["_a1é"])],
)
def test_names_the_properties_in_order(text: str, names: list[str]) -> None:
    assert [found.name for found in properties(parse_expression(text.encode()))] == names


def test_an_escaped_name_knows_its_plain_form() -> None:
    (found,) = properties(parse_expression(rb"@a\-b\ c"))
    assert (found.name, found.plain) == (r"a\-b\ c", "a-b c")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 + 2 - 3", "Operator -"),
        ("1 + 2 > 3", "Predicate >"),
        ("@a && 1", "Predicate &&"),
        ("upper(@a)", "Function upper"),
        ("@a", "Property a"),
        ("!1", "Inverted"),
        ("1.5", "Literal 1.500000"),
        ('"x"', "Literal x"),
    ],
)
def test_describes_the_outermost_operation(text: str, kind: str) -> None:
    assert describe(parse_expression(text.encode())) == kind


ALPHABET = [b"1", b"-1", b"2.5e3", b'"a"', b"'b'", b"@p", b"@q", b"(", b")", b",", b"+", b"-", b"*", b"/", b"%", b"^"]
ALPHABET += [b"==", b"!=", b"<", b">=", b"&&", b"||", b"!", b"upper", b"split", b"exists", b"format", b"NULL", b"x"]
ALPHABET += [b" ", b"\\", b'"', b"'", b"\n", b"\0", b"\xff", b"+inf", b"timefmt", b"geodistance", b"substr"]


@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map(b"".join) | st.binary(max_size=60))
def test_any_text_is_evaluated_or_refused(text: bytes) -> None:
    from redisvss.expression import column_of

    columns = {"p": column_of([1.0, 2.0]), "q": column_of([b"1,2", None])}
    try:
        tree = parse_expression(text)
        assert all(found.name in columns for found in properties(tree))
    except (ExpressionError, AssertionError):
        return
    frame = Frame(2, columns.__getitem__)
    evaluate(tree, frame)
    assert (frame.limit == 2) == (frame.error == "")
