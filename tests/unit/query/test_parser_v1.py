"""Dialect 1: text to tree in FT.EXPLAIN's notation, or to RediSearch's exact error; all rows checked on 2.10.5."""

import pytest
from query_printer import Printer

from redisvss.errors import QuerySyntaxError
from redisvss.query.parser import parse_query

STOPWORDS = frozenset({"a", "and", "as", "be", "not", "or", "the", "to"})

TREES = [
    # precedence
    ("hello world|foo bar", "UNION { INTERSECT { hello world } INTERSECT { foo bar } }"),
    ("hello|world foo", "UNION { hello INTERSECT { world foo } }"),
    ("@title:hello world", "@title:INTERSECT { @title:hello @title:world }"),
    ("@title:hello|world", "@title:UNION { @title:hello @title:world }"),
    ("@title:(hello world)", "@title:INTERSECT { @title:hello @title:world }"),
    ("@t|b:hello world", "@t|b:INTERSECT { @t|b:hello @t|b:world }"),
    ("-hello world", "NOT{ INTERSECT { hello world } }"),
    ("-hello|world", "NOT{ UNION { hello world } }"),
    ('-hello "foo"', "INTERSECT { NOT{ hello } foo }"),
    ("-hello -foo", "INTERSECT { NOT{ hello } NOT{ foo } }"),
    ("~hello world", "OPTIONAL{ INTERSECT { hello world } }"),
    ("~a -b", "OPTIONAL{ INTERSECT { a NOT{ b } } }"),
    ("-a ~b", "INTERSECT { NOT{ a } OPTIONAL{ b } }"),
    # phrases
    ('"hello"', "hello"),
    ('"hello world"', "EXACT { hello world }"),
    # OR binds tighter than AND between other operands
    ('hello world | "goodbye" moon', "INTERSECT { UNION { INTERSECT { hello world } goodbye } moon }"),
    ("@tag:{x} hello|foo", "INTERSECT { TAG:@tag { x } UNION { hello foo } }"),
    ("%foo% bar|baz", "INTERSECT { FUZZY{foo} UNION { bar baz } }"),
    # a tag list goes on, and need not be closed
    ("@tag:{x}|foo bar", "TAG:@tag { x foo bar }"),
    ("@tag:{x}|foo bar baz", "TAG:@tag { x foo bar baz }"),
    ("@tag:{x", "TAG:@tag { x }"),
    ("@tag:{x}}", "TAG:@tag { x }"),
    ("@tag:{x} | *y | z*", "TAG:@tag { x SUFFIX{*y} PREFIX{z*} }"),
    ("@tag:{x y|z}", "TAG:@tag { x y z }"),
    ("@tag:{x y}", "TAG:@tag { x y }"),
    ("@tag:{a.b}", "TAG:@tag { a b }"),
    (r"@tag:{a\-b}", "TAG:@tag { a-b }"),
    # scopes
    ('@t:a "b"', "INTERSECT { @t:a b }"),
    ("@t:a (b)", "INTERSECT { @t:a b }"),
    ("@t:a @b:c", "INTERSECT { @t:a @b:c }"),
    ("@t:(a @t|b:(c @b:d))", "@t:INTERSECT { @t:a @t:INTERSECT { @t:c @NULL:d } }"),
    ("@t:(@b:x)", "@NULL:x"),
    # groups, numbers
    ("(a b) c", "INTERSECT { a b c }"),
    ("c (a b)", "INTERSECT { c INTERSECT { a b } }"),
    ("a 5", "INTERSECT { a 5 }"),
    ("a b 5", "INTERSECT { a b 5 }"),
    ("-5", "-5"),
    ("+5", "5"),
    ("1e+5", "INTERSECT { 1e 5 }"),
    ("inf", "inf"),
    ("INF", "inf"),
    ("'inf", "'inf"),
    ("O'Reilly", "INTERSECT { o reilly }"),
    ("w'h?l*o'", "INTERSECT { w h PREFIX{l*} o }"),
    # affixes, fuzzy
    ("foo*", "PREFIX{foo*}"),
    ("*foo", "SUFFIX{*foo}"),
    ("*foo*", "INFIX{*foo*}"),
    ("5*", "PREFIX{5*}"),
    ("%a%", "FUZZY{a}"),
    ("%%a%%", "FUZZY{a}"),
    ("%%%a%%%", "FUZZY{a}"),
    # numeric, geo
    ("@n:[1 2]", "NUMERIC {1.000000 <= @n <= 2.000000}"),
    ("@n:[(1 (-2]", "NUMERIC {1.000000 < @n < -2.000000}"),
    ("@n:[-inf inf]", "NUMERIC {-inf <= @n <= inf}"),
    ("@n:[(-(5 - -6]", "NUMERIC {-5.000000 < @n <= 6.000000}"),
    ("@n:[+inf +5]", "NUMERIC {inf <= @n <= 5.000000}"),
    ("@loc:[1 2 3 km]", "GEO loc:{1.000000,2.000000 --> 3.000000 km}"),
    # everything and nothing
    ("*", "<WILDCARD>"),
    ("hello.world", "INTERSECT { hello world }"),
    (",", "<empty>"),
    ("", "<empty>"),
    # attributes
    ("hello=>{$weight: 2; $slop: 5}", "hello => { $weight: 2; $slop: 5; }"),
    ("a b=>{$weight:2}", "INTERSECT { a b } => { $weight: 2; }"),
    ("a|b=>{$weight:2}", "UNION { a b => { $weight: 2; } }"),
    ("ismissing", "ismissing"),
    ("as", "as"),
]

ERRORS = [
    ("(*)", "Syntax error at offset 1 near "),
    ("* hello", "Syntax error at offset 2 near hello"),
    ("()", "Syntax error at offset 1 near "),
    ("hello(", "Syntax error at offset 5 near hello"),
    ("a|", "Syntax error at offset 1 near a"),
    ("|a", "Syntax error at offset 0 near "),
    ("$x", "Syntax error at offset 0 near x"),
    ("'hello $x", "Syntax error at offset 7 near x"),
    ('"$x"', "Syntax error at offset 1 near x"),
    ('"hello', "Syntax error at offset 1 near hello"),
    ('"a b', "Syntax error at offset 3 near b"),
    ('""', "Syntax error at offset 1 near "),
    ("@tag:{x} | @n:[1 2]", "Syntax error at offset 11 near n"),
    ('@tag:{"a"}', "Syntax error at offset 6 near tag"),
    ("@tag:{$p}", "Syntax error at offset 6 near p"),
    ("@tag:{}", "Syntax error at offset 6 near tag"),
    ("@tag:{x|}", "Syntax error at offset 8 near x"),
    ("@tag:{x-y}", "Syntax error at offset 9 near y"),
    ("@n:[1]", "Syntax error at offset 5 near 1"),
    ("@n==5", "Syntax error at offset 4 near 5"),
    ("@t:", "Syntax error at offset 2 near t"),
    ("@t|b:{x}", "Syntax error at offset 5 near b"),
    ("*=>[KNN 3 @v $b]", "Syntax error at offset 1 near >["),
    ("hello=>[KNN 3 @v $b]", "Syntax error at offset 7 near >["),
    ("a=>{$weight}", "Syntax error at offset 11 near weight"),
    ("a=>{$weight:$p}", "Syntax error at offset 12 near p"),
    ("ismissing(@t)", "Syntax error at offset 12 near t"),
    ("%a%%", "Syntax error at offset 3 near a"),
    ("@g:[within $p]", "Syntax error at offset 4 near within"),
]

STOPWORD_TREES = [
    ("the", "<empty>"),
    ("hello the", "hello"),
    ('"hello world the"', "EXACT { hello world }"),
    ('"hello world the foo"', "EXACT { hello world foo }"),
    ("hello the world|foo", "INTERSECT { hello UNION { world foo } }"),
    ("hello world the|foo", "INTERSECT { hello world foo }"),
    ("-the", "<empty>"),
    ("the|hello", "hello"),
    ("hello|the", "hello"),
    ("@tag:{the}", "TAG:@tag { the }"),
    ("@tag:{x y the z}", "TAG:@tag { x y z }"),
    ("@tag:{x|the}", "TAG:@tag { x the }"),
    ("%the%", "FUZZY{the}"),
    ("the*", "PREFIX{the*}"),
    ("@t:the hello", "hello"),
    ("(the)=>{$weight:2}", "<empty>"),
]

STOPWORD_ERRORS = [
    ('"hello the world"', "Syntax error at offset 7 near the"),
    ('"the hello"', "Syntax error at offset 1 near the"),
    ("@tag:{a b|c}", "Syntax error at offset 11 near c"),
    ("@tag:{x the}", "Syntax error at offset 11 near the"),
    ("@t|the:x", "Syntax error at offset 3 near the"),
    ("x=>{$inorder:the}", "Syntax error at offset 13 near the"),
]


def show(query: str, stopwords: frozenset[str] = frozenset()) -> str:
    return Printer().show(parse_query(query.encode(), 1, stopwords))


def refusal(query: str, stopwords: frozenset[str] = frozenset()) -> str:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(query.encode(), 1, stopwords)
    return str(caught.value)


@pytest.mark.parametrize(("query", "tree"), TREES)
def test_tree(query: str, tree: str) -> None:
    assert show(query) == tree


@pytest.mark.parametrize(("query", "text"), ERRORS)
def test_error_text_and_offset(query: str, text: str) -> None:
    assert refusal(query) == text


@pytest.mark.parametrize(("query", "tree"), STOPWORD_TREES)
def test_stopwords_break_runs_of_words(query: str, tree: str) -> None:
    assert show(query, STOPWORDS) == tree


@pytest.mark.parametrize(("query", "text"), STOPWORD_ERRORS)
def test_stopwords_are_errors_where_the_grammar_wants_a_word(query: str, text: str) -> None:
    assert refusal(query, STOPWORDS) == text
