"""The FILTER of an index."""

from __future__ import annotations

import pytest

from redisvss.expression import ExpressionError, compile_filter

OLD, YOUNG, AGELESS, WRONG = {"age": b"20", "b": b"1"}, {"age": b"5"}, {"b": b"1"}, {"age": b"abc", "b": b"1"}


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("@age>10", [True, False, False, False]),
        ("@age<10", [False, True, False, False]),
        ("@age!=20", [False, True, False, True]),
        ("!(@age>10)", [False, True, True, False]),
        ("exists(@age)", [True, True, False, True]),
        ("!exists(@age)", [False, False, True, False]),
        ("@age>10 || @b==1", [True, False, True, False]),
        ("@b==1 && exists(@age)", [True, False, False, True]),
        ("@age", [True, True, False, True]),
        ("!@age", [False, False, True, False]),
        ("@age + 1 > 5", [True, True, False, False]),
        ("@age > @b", [True, False, False, True]),
        ('startswith(@age, "a")', [False, False, False, True]),
        ('"x"', [True, True, True, True]),
        ("@nosuch == @nosuch", [False, False, False, False]),
    ],
)
def test_what_cannot_be_said_of_a_document_is_false(text: str, verdicts: list[bool]) -> None:
    documents = [OLD, YOUNG, AGELESS, WRONG]
    compiled = compile_filter(text)
    assert [compiled.passes(document) for document in documents] == verdicts
    assert compiled.passing(documents) == verdicts
    assert compiled.passing(documents * 3) == verdicts * 3


def test_names_its_properties_once() -> None:
    assert compile_filter("@a > 1 && @b < @a").properties == ("a", "b")


@pytest.mark.parametrize(
    ("text", "error"),
    [("@a b", "Syntax error at offset 3 near 'b'"), ("foo(1)", "Unknown function name 'foo'"), ("", "Syntax error")],
)
def test_refuses_in_redisearchs_words(text: str, error: str) -> None:
    with pytest.raises(ExpressionError, match=error):
        compile_filter(text)


def test_no_documents_have_no_verdicts() -> None:
    assert compile_filter("@a > 1").passing([]) == []
