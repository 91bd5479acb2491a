"""What text clauses stand for: expansion, scopes, affixes, errors. Checked against RediSearch 2.10.5 and 2.10.33."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from corpus import Corpus

from redisvss.fields.base import Limits, QueryError
from redisvss.query.bound import BoundNode, Or
from redisvss.query.text_leaves import AffixLeaf, Exact, TermLeaf
from redisvss.schema import FieldSpec

FIELDS = [
    FieldSpec(b"t", b"t", "TEXT"),
    FieldSpec(b"b", b"b", "TEXT", {"nostem": True}),
    FieldSpec(b"p", b"p", "TEXT", {"phonetic": "dm:en"}),
]
SYNONYMS = {"hello": ("greet", "polite")}


@pytest.fixture
def made(corpus: Callable[..., Corpus]) -> Corpus:
    documents = [
        {"t": "running the race", "b": "hello"},
        {"t": "hello", "b": "running", "p": "john"},
        {"t": "happy bandana", "p": "smith"},
    ]
    return corpus(FIELDS, documents, synonyms=SYNONYMS)


def labels(node: BoundNode) -> list[str]:
    if isinstance(node, Or):
        return [node.label, *(label for child in node.children for label in labels(child))]
    assert isinstance(node, TermLeaf | AffixLeaf)
    return [node.explain()]


EXPANSIONS = [
    ("@t:running", {}, ["@t:UNION", "@t:running", "@t:+run(expanded)", "@t:run(expanded)"]),
    ("@t:hello", {}, ["@t:UNION", "@t:hello", "@t:~greet(expanded)", "@t:~polite(expanded)", "@t:+hello(expanded)"]),
    ("@t:ru", {}, ["@t:UNION", "@t:ru", "@t:+ru(expanded)"]),
    ("@b:running", {}, ["@b:running"]),
    ("@t|b:running", {}, ["@t|b:UNION", "@t|b:running", "@t:+run(expanded)", "@t:run(expanded)"]),
    ("@p:john", {}, ["@p:UNION", "@p:john", "@p:<JN(expanded)", "@p:+john(expanded)"]),
    ("@p:john=>{$phonetic:false}", {}, ["@p:UNION", "@p:john", "@p:+john(expanded)"]),
    ("running", {}, ["UNION", "running", "<RNNK(expanded)", "+run(expanded)", "run(expanded)"]),
    ("@nosuch:running", {}, ["@NULL:running"]),
    ("RUNNING", {"verbatim": True}, ["running"]),
    ("123", {}, ["123"]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "options", "expected"), EXPANSIONS)
def test_what_a_word_stands_for(made: Corpus, query: str, options: dict[str, Any], expected: list[str]) -> None:
    assert labels(made.bound(query, **options)) == expected


MATCHES = [
    ("running", {}, ["d1", "d2"]),
    ("runs", {}, ["d1"]),  # the other is in a NOSTEM field
    ("@b:runs", {}, []),
    ("@b:running", {}, ["d2"]),
    ("running", {"infields": ("b",)}, ["d2"]),
    ("@t:running", {"infields": ("b",)}, []),
    ("running", {"infields": ("nosuch",)}, []),
    ("jon", {}, ["d2"]),
    ("jon=>{$phonetic:false}", {}, []),
    ("smyth", {"verbatim": True}, []),
    ("the", {}, []),
    ("the race", {}, ["d1"]),
    ("the race", {"nostopwords": True}, []),
    ("ban*", {}, ["d3"]),
    ("BAN*", {}, ["d3"]),
    ("*dana", {}, ["d3"]),
    ("*ndan*", {}, ["d3"]),
    ("b*", {}, []),  # shorter than MINPREFIX
    ("b*", {"limits": Limits(min_prefix=1)}, ["d3"]),
    ("*un*", {}, ["d1", "d2"]),
    ("@b:run*", {}, ["d2"]),
    ("%helo%", {}, ["d1", "d2"]),
    ("%hllo%", {}, ["d1", "d2"]),
    ("%heo%", {}, []),
    ("%%heo%%", {}, ["d1", "d2"]),
    ("w'h?ll*'", {}, ["d1", "d2"]),
    ("w'HELLO'", {}, ["d1", "d2"]),
    ("w'ell'", {}, []),
    ('"running the race"', {}, []),
    ('"running race"', {}, ["d1"]),
    ('"runs race"', {}, []),
]


@pytest.mark.parametrize(("query", "options", "keys"), MATCHES)
def test_which_documents_match(made: Corpus, query: str, options: dict[str, Any], keys: list[str]) -> None:
    assert made.keys(query, **options) == keys


def test_stems_follow_the_query_language(made: Corpus) -> None:
    found = labels(made.bound("@t:continuellement", language="french"))
    assert found[2:] == ["@t:+continuel(expanded)", "@t:continuel(expanded)"]


def test_parameters_stand_for_whole_words(made: Corpus) -> None:
    assert made.keys("$w", params={"w": b"HELLO"}) == ["d1", "d2"]
    assert made.keys("$w", params={"w": b"running race"}) == []
    assert made.keys("$w*", params={"w": b"hel"}) == ["d1", "d2"]
    assert made.keys("%$w%", params={"w": b"helo"}) == ["d1", "d2"]


def test_a_weight_on_a_word_is_the_words_alone(made: Corpus) -> None:
    root = made.bound("@t:running=>{$weight:3}")
    assert isinstance(root, Or)
    assert [child.weight for child in root.children] == [3, 1, 1]


def test_a_phrase_is_of_its_words_as_they_are(made: Corpus) -> None:
    phrase = made.bound('@t:"running race"')
    assert isinstance(phrase, Exact)
    assert [child.explain() for child in phrase.children if isinstance(child, TermLeaf)] == ["@t:running", "@t:race"]
    assert isinstance(made.bound('"running"'), TermLeaf)


def test_at_most_so_many_terms_in_byte_order(corpus: Callable[..., Corpus]) -> None:
    made = corpus([FIELDS[0]], [{"t": f"word{n:03}"} for n in range(300)])
    node = made.bound("word*")
    assert isinstance(node, AffixLeaf)
    assert [child.term for child in node.children] == [b"word%03d" % n for n in range(200)]
    assert node.estimate() == len(node.docs) == 200
    assert len(made.bound("word*", limits=Limits(max_expansions=7)).docs) == 7


def test_terms_nobody_holds_any_more_do_not_count(corpus: Callable[..., Corpus]) -> None:
    made = corpus([FIELDS[0]], [{"t": f"word{n}"} for n in range(5)])
    for number in range(1, 4):
        made.put(f"d{number}", None)
    assert made.keys("word*", limits=Limits(max_expansions=2)) == ["d4", "d5"]


def test_with_suffix_trie_only_its_fields_words_are_found(corpus: Callable[..., Corpus]) -> None:
    fields = [FieldSpec(b"t", b"t", "TEXT"), FieldSpec(b"s", b"s", "TEXT", with_suffix_trie=True)]
    made = corpus(fields, [{"t": "bandana"}, {"s": "cabana", "t": "cabana"}, {"t": "cabana"}])
    assert made.keys("*ana") == ["d2", "d3"]
    assert made.keys("@s:*ana") == ["d2"]
    assert made.keys("ban*") == ["d1"]
    assert made.keys("w'*ana'") == ["d2", "d3"]
    assert made.keys("w'*a'") == ["d1", "d2", "d3"]  # no piece long enough for the trie
    for query in ("@t:*ana", "@t|s:*ana*", "@t:w'*ana'"):
        with pytest.raises(QueryError, match=r"^Contains query on fields without WITHSUFFIXTRIE support$"):
            made.bound(query)


def test_empty_words_need_indexempty(corpus: Callable[..., Corpus]) -> None:
    fields = [FieldSpec(b"t", b"t", "TEXT"), FieldSpec(b"e", b"e", "TEXT", index_empty=True)]
    made = corpus(fields, [{"t": "", "e": "x"}, {"t": "", "e": ""}])
    assert made.keys('@e:""') == ["d2"]
    assert made.keys('""') == ["d2"]
    assert made.keys("%h%") == ["d1", "d2"]
    with pytest.raises(
        QueryError, match=r"^Use `INDEXEMPTY` in field creation in order to index and query for empty str"
    ):
        made.bound('@t:""')


@pytest.mark.parametrize("value", ["true", "false"])
def test_phonetic_needs_a_phonetic_field(made: Corpus, value: str) -> None:
    with pytest.raises(QueryError, match=r"^field does not support phonetics$"):
        made.bound(f"@t:hello=>{{$phonetic:{value}}}")


def test_an_overlong_affix_is_an_error(made: Corpus) -> None:
    made.bound("x" * 1024 + "*")
    for query, name in (("x" * 1025 + "*", "PREFIX"), ("*" + "x" * 1025, "SUFFIX"), (f"w'{'x' * 1025}'", "Wildcard")):
        with pytest.raises(QueryError, match=rf"^{name} query string is too long. Maximum allowed length is 1024$"):
            made.bound(query)


def test_json_values_of_text_fields(corpus: Callable[..., Corpus]) -> None:
    made = corpus([FIELDS[0]], [])
    field = made.index.fields[0]
    assert field.decode_json(["Hello World"]) == [b"hello", b"world"]
    assert field.decode_json([["a b", None, "c"]]) == [b"a", b"b", b"\0", b"c"]
    assert field.decode_json(["a", "c"]) == [b"a", b"\0", b"c"]
    assert field.decode_json([None]) is None
