"""What FT.SEARCH shows and sorts by, as RediSearch 2.10.5 answered each of these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import redisvss


@pytest.fixture
def client() -> Iterator[Any]:
    made: Any = redisvss.Redis(protocol=2)
    yield made
    made.close()


def search(client: Any, *words: str) -> list[tuple[str, dict[str, str | None]]]:
    """Key and fields of each hit; the fields in the order of the reply."""
    reply = client.execute_command("FT.SEARCH", "i", *words)
    return [(key.decode(), _fields(fields)) for key, fields in zip(reply[1::2], reply[2::2], strict=True)]


def _fields(flat: list[bytes | None]) -> dict[str, str | None]:
    text = [None if part is None else part.decode() for part in flat]
    return {str(name): value for name, value in zip(text[::2], text[1::2], strict=True)}


def hashes(client: Any, schema: str, *documents: dict[str, str]) -> None:
    client.execute_command("FT.CREATE", "i", "SCHEMA", *schema.split())
    for number, document in enumerate(documents):
        client.hset(f"d{number}", mapping=document)


def jsons(client: Any, schema: str, *documents: dict[str, Any]) -> None:
    client.execute_command("FT.CREATE", "i", "ON", "JSON", "SCHEMA", *schema.split())
    for number, document in enumerate(documents):
        client.execute_command("JSON.SET", f"d{number}", "$", json.dumps(document))


@pytest.mark.parametrize("options", ["", "SORTABLE", "NOINDEX"])
def test_return_shows_a_number_of_a_hash_as_a_number(client: Any, options: str) -> None:
    hashes(client, f"n NUMERIC {options}", {"n": "2.50"}, {"n": "0x10"})
    assert search(client, "*", "RETURN", "1", "n") == [("d0", {"n": "2.5"}), ("d1", {"n": "16"})]
    assert search(client, "*") == [("d0", {"n": "2.50"}), ("d1", {"n": "0x10"})]


def test_the_sort_field_leads_unless_it_is_renamed(client: Any) -> None:
    hashes(client, "k NUMERIC SORTABLE t TEXT", {"k": "1", "t": "x"})
    plain = search(client, "*", "SORTBY", "k", "RETURN", "2", "t", "k")
    renamed = search(client, "*", "SORTBY", "k", "RETURN", "4", "t", "k", "AS", "j")
    assert [list(fields) for _, fields in plain + renamed] == [["k", "t"], ["t", "j"]]


def test_dialect_3_shows_a_sortable_value_of_json_bare(client: Any) -> None:
    schema = "$.t AS t TEXT SORTABLE $.b AS b TAG SORTABLE $.n AS n NUMERIC SORTABLE $.p AS p TAG"
    jsons(client, schema, {"t": "x y", "b": True, "n": 2.0, "p": "q"}, {"t": None, "b": ["r"], "n": [1, 2]})
    shown = search(client, "*", "RETURN", "4", "t", "b", "n", "p", "DIALECT", "3")
    assert shown == [
        ("d0", {"t": "x y", "b": "true", "n": "2", "p": '["q"]'}),
        ("d1", {"b": '[["r"]]', "n": "[[1,2]]"}),
    ]


@pytest.mark.parametrize(("dialect", "shown"), [("2", None), ("3", "[null]")])
def test_a_null_sorted_by_is_shown_unless_it_is_kept_for_sorting(client: Any, dialect: str, shown: str | None) -> None:
    jsons(client, "$.n AS n NUMERIC $.g[*] AS g TAG $.k AS k TAG SORTABLE", {"n": None, "g": [None], "k": None})
    for name in ("n", "g"):
        [(_, fields)] = search(client, "*", "SORTBY", name, "DIALECT", dialect)
        assert list(fields) == [name, "$"] and fields[name] == shown
    [(_, fields)] = search(client, "*", "SORTBY", "k", "DIALECT", dialect)
    assert list(fields) == ["$"]


def test_from_dialect_3_an_empty_list_is_nothing_to_return(client: Any) -> None:
    jsons(client, "$.g[*] AS g TAG", {"a": [], "b": [[]], "c": [{"a": []}, {"a": 1}]})
    names = ("RETURN", "3", "$.a", "$.b", "$.c[*].a")
    assert search(client, "*", *names) == [("d0", {"$.a": "[]", "$.b": "[[]]", "$.c[*].a": "[]"})]
    assert search(client, "*", *names, "DIALECT", "3") == [("d0", {"$.b": "[[[]]]"})]


@pytest.mark.parametrize(
    ("dialect", "keys", "shown"),
    [("2", ["d2", "d1", "d0"], ['["a","q"]', '["z","q"]', "m"]), ("3", ["d2", "d0", "d1"], None)],
)
def test_json_lists_sort_by_their_text_and_from_dialect_3_by_their_first_value(
    client: Any, dialect: str, keys: list[str], shown: list[str] | None
) -> None:
    jsons(client, "$.t AS t TEXT", {"t": "m"}, {"t": ["z", "q"]}, {"t": ["a", "q"]})
    found = search(client, "*", "SORTBY", "t", "DIALECT", dialect)
    assert [key for key, _ in found] == keys
    assert [fields["t"] for _, fields in found] == (shown or ['[["a","q"]]', '["m"]', '[["z","q"]]'])


def test_a_star_still_scores_beside_a_filter(client: Any) -> None:
    hashes(client, "t TEXT n NUMERIC", {"t": "one two", "n": "2"})
    scored = client.execute_command("FT.SEARCH", "i", "*", "FILTER", "n", "1", "3", "WITHSCORES", "NOCONTENT")
    assert scored == [1, b"d0", b"2"]


def test_a_distance_is_returned_under_its_own_name_only(client: Any) -> None:
    vector = "v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2"
    hashes(client, vector, {"v": "\0\0\0\0"})
    knn = ("*=>[KNN 1 @v $b AS d]", "PARAMS", "2", "b", "\0\0\0\0", "DIALECT", "2", "RETURN")
    assert search(client, *knn, "1", "d") == [("d0", {"d": "0"})]
    assert search(client, *knn, "3", "d", "AS", "e") == [("d0", {})]


def test_the_sort_key_of_a_number_is_its_text_once_the_document_is_read(client: Any) -> None:
    hashes(client, "n NUMERIC", {"n": "1e2"})
    sort = ("FT.SEARCH", "i", "*", "SORTBY", "n", "WITHSORTKEYS")
    assert client.execute_command(*sort, "NOCONTENT") == [1, b"d0", b"#100"]
    assert client.execute_command(*sort) == [1, b"d0", b"$1e2", [b"n", b"1e2"]]


def test_a_sortable_boolean_of_json_sorts_as_its_tag(client: Any) -> None:
    jsons(client, "$.g AS g TAG SORTABLE", {"g": True}, {"g": "Y"})
    found = search(client, "*", "SORTBY", "g")
    assert [(key, fields["g"]) for key, fields in found] == [("d1", "Y"), ("d0", "true")]


def test_a_range_weighs_one_whatever_is_written(client: Any) -> None:
    hashes(client, "t TEXT n NUMERIC", {"t": "x", "n": "2"})
    options = ("DIALECT", "2", "WITHSCORES", "NOCONTENT")
    for query in ("@n>=2=>{$weight: 3}", "@n:[2 inf]=>{$weight: 3}"):
        assert client.execute_command("FT.SEARCH", "i", query, *options) == [1, b"d0", b"1"]


def test_a_misspelling_finds_the_stems_of_what_was_just_written(client: Any) -> None:
    hashes(client, "t TEXT", {"t": "national"})
    assert client.execute_command("FT.SEARCH", "i", "%nation%", "NOCONTENT") == [1, b"d0"]


def test_a_noindex_field_needs_no_suffix_trie(client: Any) -> None:
    hashes(client, "t TEXT WITHSUFFIXTRIE b TEXT NOINDEX", {"t": "hello", "b": "hello"})
    assert client.execute_command("FT.SEARCH", "i", "@t|b:*llo", "NOCONTENT") == [1, b"d0"]
