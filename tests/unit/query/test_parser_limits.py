"""How deep and how long a query may be, what a tree holds of any bytes, and that one text is parsed once."""

import pytest

from redisvss import ast
from redisvss.errors import CommandError, QuerySyntaxError
from redisvss.query import parser
from redisvss.query.parser import parse_query
from redisvss.query.shift_reduce import STACK_OVERFLOW

LONG = 5_000


def nested(depth: int) -> bytes:
    return b"(" * depth + b"a" + b")" * depth


# The deepest that RediSearch 2.10.5 accepts; in dialect 1 it forgets the query's beginning beyond, and we refuse it.
@pytest.mark.parametrize(
    ("query", "deepest", "dialect"),
    [
        (nested, 253, 2),
        (nested, 97, 1),
        (lambda n: b"-" * n + b" a", 254, 2),
        (lambda n: b"-(" * n + b"a" + b")" * n, 126, 2),
        (lambda n: b"(" * n + b"*" + b")" * n, 253, 2),
        (lambda n: b"(" * n + b"@tag:{a}" + b")" * n, 250, 2),
        (lambda n: b"(" * n + b"@g:[1 2 3 m]" + b")" * n, 247, 2),
        (lambda n: b"(" * n + b"a=>{$weight:2}" + b")" * n, 249, 2),
        (lambda n: b"5 " * n, 255, 2),
    ],
)
def test_deeper_nesting_than_redisearch_allows_is_refused(query, deepest: int, dialect: int) -> None:
    parse_query(query(deepest), dialect)
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(query(deepest + 1), dialect)
    assert str(caught.value) == STACK_OVERFLOW


@pytest.mark.parametrize("dialect", [1, 2])
def test_many_operands_make_one_flat_node(dialect: int) -> None:
    words = parse_query(b"word " * LONG, dialect)
    assert isinstance(words, ast.Intersect)
    assert words.children == (ast.Term("word"),) * LONG
    alternatives = parse_query(b"|".join([b"word"] * LONG), dialect)
    assert isinstance(alternatives, ast.Union)
    assert len(alternatives.children) == LONG


@pytest.mark.parametrize("dialect", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "piece",
    [b'"', b"'", b"w'", b"w'\\", b'"\\', b"\\", b'*"a', b"@a  ", b"@a==", b"=>", b"1.", b"1e'", b"$", b"%", b"a=>{"],
)
def test_long_repetitions_end(piece: bytes, dialect: int) -> None:
    """Each would take minutes if any rule read on to the end of the text from every position."""
    try:
        parse_query(piece * LONG, dialect)
    except QuerySyntaxError as error:
        assert str(error).startswith(("Syntax error at offset ", STACK_OVERFLOW))


def test_a_chain_of_attributes_is_one_list() -> None:
    term = parse_query(b"a" + b"=>{$weight:2}" * LONG, 2)
    assert term.attributes.items == (("weight", "2"),) * LONG


def test_any_bytes_survive_in_the_tree_and_in_errors() -> None:
    term = parse_query(b"caf\xe9", 2)
    assert isinstance(term, ast.Term) and isinstance(term.text, str)
    assert term.text.encode("utf-8", "surrogateescape") == b"caf\xe9"
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(b"\xff )", 2)
    assert str(caught.value) == "Syntax error at offset 2 near \udcff"


def test_offsets_count_bytes() -> None:
    with pytest.raises(QuerySyntaxError, match=r"at offset 5 near caf\u00e9$"):
        parse_query("café)".encode(), 2)


def test_a_syntax_error_is_a_command_error() -> None:
    with pytest.raises(CommandError):
        parse_query(b"(", 2)


def test_one_text_is_parsed_once_for_all_of_dialects_2_to_4() -> None:
    text = b"never parsed before"
    assert parse_query(text, 2) is parse_query(text, 3) is parse_query(text, 4)
    assert parse_query(text, 1) is not parse_query(text, 2)
    assert parse_query(text, 2, frozenset({"before"})) is not parse_query(text, 2)


def test_the_cache_is_bounded() -> None:
    first = parse_query(b"x0", 2)
    for number in range(1, parser.CACHED_QUERIES + 1):
        parse_query(b"x%d" % number, 2)
    assert parse_query(b"x0", 2) is not first


def test_a_count_of_neighbours_beyond_any_integer_is_kept_as_too_many() -> None:
    knn = parse_query(b"*=>[KNN %s @v $b]" % (b"9" * 5000), 2)
    assert isinstance(knn, ast.Knn)
    assert knn.k == 2**63


def test_empty_scope_of_disjoint_dialect_1_scopes() -> None:
    term = parse_query(b"@a:(@b:x)", 1)
    assert term.fields == ()


def test_a_tag_of_words_and_parameters_keeps_them_apart() -> None:
    tag = parse_query(b"@tag:{a $p}", 2)
    assert tag == ast.Tag("tag", (ast.Phrase((ast.Term("a"), ast.Term(ast.Param("p")))),))


def test_the_words_of_one_tag_are_joined_by_a_blank() -> None:
    assert parse_query(b"@tag:{a,  b.c}", 2) == ast.Tag("tag", (ast.Term("a b c"),))


def test_numbers_are_never_expanded_in_dialect_2_only() -> None:
    assert parse_query(b"123", 2) == ast.Term("123", verbatim=True)
    assert parse_query(b"123", 1) == ast.Term("123")


def test_signs_of_parameters() -> None:
    assert parse_query(b"@n:[-$a $b]", 2) == ast.Numeric(
        "n", ast.Bound(ast.Param("a"), negative=True), ast.Bound(ast.Param("b"))
    )
    assert parse_query(b"@n>-$a", 2) == ast.Numeric(
        "n", ast.Bound(ast.Param("a"), exclusive=True, negative=True), ast.Bound(float("inf")), ">"
    )
    geo = parse_query(b"@g:[-$a 1 2 m]", 2)
    assert geo == ast.Geo("g", ast.Param("a", negative=True), 1.0, 2.0, "m")
