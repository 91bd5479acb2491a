"""Pipelines over a handful of hashes; the answers were seen on RediSearch 2.10.5 unless a comment says otherwise."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from list_source import ListSource, spec

from redisvss.aggregate import Execution, build_reply
from redisvss.commands.aggregate_args import parse_aggregate
from redisvss.commands.args import Args
from redisvss.config import Config
from redisvss.errors import CommandError

FIELDS = [
    spec("n", "NUMERIC", sortable=True),
    spec("t", "TEXT", sortable=True),
    spec("m", "NUMERIC"),
    spec("g", "TAG"),
    spec("alias", "TEXT", identifier="al"),
    spec("u", "TAG", sortable=True, unf=True),
]
ROWS = [
    {"n": "3", "t": "Hello", "m": "7", "g": "a,b", "al": "X y", "u": "Hello", "x": "raw0"},
    {"n": "1", "t": "World", "m": "5", "g": "b", "al": "X y", "u": "World", "x": "raw1"},
    {"n": "2", "t": "abc", "g": "a", "al": "Z", "u": "abc", "x": "raw2"},
    {"n": "10", "m": "1", "g": "a,b", "x": "raw3"},
    {"n": "5.50", "t": "def", "m": "2", "al": "Q", "u": "def", "x": "raw4"},
]
DOCUMENTS = [{name: value.encode() for name, value in row.items()} for row in ROWS]
NO_M = "Could not find the value for a parameter name, consider using EXISTS if applicable for m"  # 2.10.33's words


def run(text: str, protocol: int = 2, source: ListSource | None = None) -> Any:
    """The reply to `FT.AGGREGATE idx * text`, text split as a shell would, or the error's text; bytes as str."""
    source = source or ListSource(DOCUMENTS, FIELDS, dialect=2)
    args = Args([word.encode() for word in ["*", *shlex.split(text)]])
    try:
        request = parse_aggregate(args, Config(), protocol)
        page = Execution(request.pipeline, source).read()
    except CommandError as error:
        return str(error)
    fields = request.pipeline.fields
    return decoded(build_reply(page, protocol=protocol, dialect=source.dialect, fields=fields))


def decoded(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode()
        case list():
            return [decoded(item) for item in value]
        case dict():
            return {decoded(name): decoded(item) for name, item in value.items()}
        case _:
            return value


def sorted_rows(reply: Any) -> Any:
    return [reply[0], *sorted(reply[1:], key=repr)]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("", [1, [], [], [], [], []]),
        (
            "APPLY upper(@t) AS y",
            [1, ["t", "hello", "y", "HELLO"], ["t", "world", "y", "WORLD"], ["t", "abc", "y", "ABC"]],
        ),
        ("LOAD 1 @m APPLY @m+@n AS y", [1, ["m", "7", "n", "3", "y", "10"], ["m", "5", "n", "1", "y", "6"]]),
        ("LOAD 1 @m APPLY @m+@n AS y SORTBY 1 @n", NO_M),
        ("LOAD 1 @m FILTER @m<6", [2, ["m", "5"]]),
        ("LOAD 1 @m FILTER exists(@m)&&@m<6", [2, ["m", "5"], ["m", "1"], ["m", "2"]]),
        ("SORTBY 1 @m", [5, ["m", "1"], ["m", "2"], ["m", "5"], ["m", "7"], []]),
        ("SORTBY 2 @m DESC", [5, ["m", "7"], ["m", "5"], ["m", "2"], ["m", "1"], []]),
        ("LOAD 1 @al LIMIT 0 1", [1, ["al", "X y"]]),
        ("LOAD 3 @alias AS q LIMIT 0 1", [1, ["q", "X y"]]),
        ("LOAD 1 @t LIMIT 0 1", [1, ["t", "Hello"]]),
        ("LOAD 1 @n LIMIT 4 1", [5, ["n", "5.5"]]),
        ("LOAD 1 @__key LIMIT 0 1", [1, ["__key", "d:0"]]),
        ("APPLY @t AS y LOAD 1 @t LIMIT 0 1", [1, ["t", "Hello", "y", "hello"]]),
        ("APPLY 1 AS n LOAD 1 @n LIMIT 0 1", [1, ["n", "1"]]),
        ("LOAD 1 @n APPLY 1 AS n LOAD 1 @n LIMIT 0 1", [1, ["n", "1"]]),
        ("APPLY @n>2 AS a APPLY @a+@n LIMIT 0 1", [1, ["n", "3", "a", "1", "@a+@n", "4"]]),
        ("LIMIT 1 2", [2, [], []]),
        ("LIMIT 9 3", [5]),
        ("LIMIT 0 0", [5]),
        ("LIMIT 2 0", [5]),
        ("SORTBY 1 @n LIMIT 3 0", [5]),
        ("SORTBY 1 @n LIMIT 1 2", [5, ["n", "2"], ["n", "3"]]),
        ("LIMIT 0 2 SORTBY 1 @n", [5, ["n", "1"], ["n", "2"]]),
        ("SORTBY 1 @n MAX 2", [5, ["n", "1"], ["n", "2"]]),
        ("SORTBY 1 @n MAX 2 LIMIT 0 3", [5, ["n", "1"], ["n", "2"], ["n", "3"]]),
        ("LIMIT 1 3 SORTBY 1 @n MAX 2", [5, ["n", "2"], ["n", "3"]]),
        ("SORTBY 0", [1, [], [], [], [], []]),  # 2.10.33
        ("SORTBY 0 MAX 2", [1, [], []]),
        ("LIMIT 0 2 FILTER @n>2", [1, ["n", "3"]]),
        ("FILTER @n>2 LIMIT 0 2", [1, ["n", "3"], ["n", "10"]]),
        ("FILTER @n>2 SORTBY 1 @n", [5, ["n", "3"], ["n", "5.5"], ["n", "10"]]),
        ("LOAD 1 @x SORTBY 2 @x DESC MAX 1", [5, ["x", "raw4"]]),
        ("GROUPBY 1 @m SORTBY 1 @m", [5, ["m", None], ["m", "1"], ["m", "2"], ["m", "5"], ["m", "7"]]),
        ("GROUPBY 1 @m SORTBY 2 @m DESC MAX 1", [5, ["m", "7"]]),
        ("GROUPBY 1 @g LIMIT 0 0", [4]),
        ("LIMIT 0 3 GROUPBY 1 @g LIMIT 0 1", [3, ["g", "a,b"]]),
        ("NOCONTENT", [1]),
        ("WITHRAWIDS LIMIT 0 1", [1, 1, []]),
        ("WITHPAYLOADS LIMIT 0 1", [1, None, []]),
        ("WITHSORTKEYS SORTBY 1 @n LIMIT 0 1", [5, "#1", ["n", "1"]]),
        ("WITHSORTKEYS SORTBY 1 @t LIMIT 0 1", [5, "$abc", ["t", "abc"]]),
        ("WITHSCORES LIMIT 0 1", [1, 1.0, []]),
        ("LOAD * LIMIT 4 1", [5, ["n", "5.50", "t", "def", "m", "2", "al", "Q", "u", "def", "x", "raw4"]]),
        ("LOAD * SORTBY 1 @n LIMIT 1 1", [5, ["n", "10", "m", "1", "g", "a,b", "x", "raw3"]]),  # strings by now
        ("LOAD * SORTBY 1 @m LIMIT 0 1", [5, ["m", "1", "n", "10", "g", "a,b", "x", "raw3"]]),
        ("LOAD * APPLY @n+@n AS n LIMIT 3 1", [4, ["n", "20", "m", "1", "g", "a,b", "x", "raw3"]]),
    ],
)
def test_answers_as_redisearch_does(text: str, reply: Any) -> None:
    assert run(text) == reply


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("APPLY @m AS y", "Property `m` not loaded nor in pipeline"),
        ("LOAD * APPLY @zzz AS y", "Property `zzz` not loaded nor in pipeline"),
        ("SORTBY 1 @zz", "Property `zz` not loaded nor in schema"),
        ("GROUPBY 1 @g SORTBY 1 @n", "Property `n` not loaded nor in schema"),
        ("GROUPBY 1 @zz", "No such property `zz`"),
        ("GROUPBY 1 @g GROUPBY 1 @n", "No such property `n`"),
        ("GROUPBY 2 @g @g", "Property `g` specified more than once"),
        ("GROUPBY 1 @g REDUCE COUNT 0 AS g", "Property `g` specified more than once"),
        ("GROUPBY 0 REDUCE COUNT 0 REDUCE COUNT 0", "Property `__generated_aliascount` specified more than once"),
        ("GROUPBY 0 REDUCE SUM 1 @zz", "Property is not present in document or pipeline: `zz`"),
        ("GROUPBY 0 REDUCE SUM 0", "Missing arguments for SUM"),
        ("GROUPBY 0 REDUCE NOSUCH 0", "No such reducer: NOSUCH"),
        ("GROUPBY 0 REDUCE COUNT 1 @n", "Count accepts 0 values only"),
        ("GROUPBY 0 REDUCE QUANTILE 1 @n", "Bad arguments for QUANTILE: Expected an argument, but none provided"),
        ("GROUPBY 0 REDUCE QUANTILE 2 @n 1.5", "Percentage must be between 0.0 and 1.0"),
        ("GROUPBY 0 REDUCE QUANTILE 3 @n 0.5 0", "Invalid resolution"),
        ("GROUPBY 0 REDUCE QUANTILE 4 @n 0.5 10 x", "Unknown argument `x` at position 3 for QUANTILE"),
        ("GROUPBY 0 REDUCE RANDOM_SAMPLE 2 @n 1001", "Sample size too large"),
        (
            "GROUPBY 0 REDUCE RANDOM_SAMPLE 1 @n",
            "Bad arguments for <sample size>: Expected an argument, but none provided",
        ),
        ("GROUPBY 0 REDUCE FIRST_VALUE 2 @n BY", "Missing arguments for FIRST_VALUE"),
        ("GROUPBY 0 REDUCE FIRST_VALUE 4 @n BY @g x", "Unknown argument `x` at position 3 for FIRST_VALUE"),
        ("GROUPBY 1 @g LOAD 1 @m", "LOAD cannot be applied after projectors or reducers"),
        ("LOAD 2 @t AS", "LOAD path AS name - must be accompanied with NAME"),
        ("LOAD 3 @t AS AS", "Alias for LOAD cannot be `AS`"),
        ("APPLY @n-1 AS s", "Syntax error at offset 2 near '-1'"),
    ],
)
def test_refuses_in_redisearchs_words(text: str, error: str) -> None:
    assert run(text) == error


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        (
            "GROUPBY 1 @g REDUCE COUNT 0 AS c",
            [4, ["g", "a", "c", "1"], ["g", "a,b", "c", "2"], ["g", "b", "c", "1"], ["g", None, "c", "1"]],
        ),
        (
            "LOAD 2 @g @n FILTER exists(@g) APPLY split(@g) AS s GROUPBY 1 @s REDUCE COUNT 0 AS c REDUCE SUM 1 n AS t",
            [2, ["s", "a", "c", "3", "t", "15"], ["s", "b", "c", "3", "t", "14"]],
        ),
        (
            "GROUPBY 1 @g REDUCE COUNT 0 AS c GROUPBY 1 @c REDUCE COUNT 0 AS k",
            [2, ["c", "1", "k", "3"], ["c", "2", "k", "1"]],
        ),
        ("FILTER @n>99 GROUPBY 0 REDUCE COUNT 0", [0]),
        ("FILTER @n>99 GROUPBY 1 @g REDUCE QUANTILE 2 @n 0.5 REDUCE MIN 1 @n REDUCE TOLIST 1 @n", [0]),
    ],
)
def test_groups(text: str, reply: Any) -> None:
    assert sorted_rows(run(text)) == reply


def test_a_renamed_property_sorts() -> None:
    """RediSearch leaves the order alone: it compares references as equal."""
    assert [row[1] for row in run("APPLY @n AS y SORTBY 1 @y")[1:]] == ["1", "2", "3", "5.5", "10"]


def test_rows_behind_the_page_cannot_fail() -> None:
    assert run("LOAD 1 @m APPLY '@m + 1' AS y LIMIT 0 2") == [1, ["m", "7", "y", "8"], ["m", "5", "y", "6"]]
    assert run("LOAD 1 @m APPLY '@m + 1' AS y LIMIT 2 2") == NO_M


def test_resp3_says_why_rows_stop_and_counts_what_was_read() -> None:
    reply = run("LOAD 1 @m FILTER @m>0", protocol=3)
    assert reply["warning"] == [NO_M]
    assert reply["total_results"] == 3
    assert [row["extra_attributes"] for row in reply["results"]] == [{"m": "7"}, {"m": "5"}]
    assert list(reply) == ["attributes", "format", "results", "total_results", "warning"]
    assert reply["format"] == "STRING"


def test_resp3_rows_name_what_stands_in_front_of_the_fields() -> None:
    (row,) = run("WITHSCORES WITHRAWIDS WITHPAYLOADS WITHSORTKEYS SORTBY 1 @n LIMIT 0 1", protocol=3)["results"]
    assert list(row) == ["score", "id", "payload", "sortkey", "extra_attributes", "values"]
    assert (row["score"], row["id"], row["payload"], row["sortkey"]) == (1.0, 2, None, "#1")


def test_load_fetches_only_what_survives() -> None:
    source = ListSource(
        [{"n": b"%d" % row, "b": b"x"} for row in range(5000)], [spec("n", "NUMERIC", sortable=True), spec("b", "TEXT")]
    )
    reply = run("LOAD 1 @b SORTBY 2 @n DESC MAX 3", source=source)
    assert reply == [5000, *(["b", "x", "n", str(n)] for n in (4999, 4998, 4997))]
    assert source.rows_loaded == 3


def test_a_first_page_reads_no_more_than_it_needs() -> None:
    source = ListSource([{"b": b"x"}] * 100_000, [spec("b", "TEXT")])
    assert run("LOAD 1 @b APPLY upper(@b) AS u LIMIT 0 10", source=source)[1] == ["b", "x", "u", "X"]
    assert source.rows_loaded < 1000


def test_distances_and_scores_are_properties() -> None:
    source = ListSource(
        [{"t": b"a"}, {"t": b"b"}], [spec("t", "TAG")], computed={"d": [0.25, 0.5], "__score": [2.0, 1.0]}
    )
    assert run("APPLY @d+@__score AS s SORTBY 1 @s", source=source) == [
        2,
        ["d", "0.5", "__score", "1", "s", "1.5"],
        ["d", "0.25", "__score", "2", "s", "2.25"],
    ]


def test_a_distance_may_not_hide_an_attribute() -> None:
    source = ListSource([], [spec("d", "NUMERIC")], computed={"d": []})
    assert run("", source=source) == "Property `d` already exists in schema"


def test_hidden_fields_are_not_shown_but_can_be_used() -> None:
    source = ListSource(DOCUMENTS, FIELDS)
    source.hidden = frozenset({"m", "x"})
    assert run("LOAD * APPLY @m+@n AS s LIMIT 0 1", source=source) == [
        1,
        ["n", "3", "s", "10", "t", "Hello", "g", "a,b", "al", "X y", "u", "Hello"],
    ]


def test_matched_terms_are_known_until_rows_are_sorted() -> None:
    assert run("APPLY matched_terms() AS m LIMIT 1 1") == [2, ["m", ["term1"]]]
    assert run("SORTBY 1 @n APPLY matched_terms() AS m LIMIT 0 1") == [5, ["n", "1", "m", None]]


def test_equal_rows_sort_by_document_the_way_the_last_key_does() -> None:
    source = ListSource(
        [{"a": b"1", "b": b"%d" % row} for row in range(3)], [spec("a", "NUMERIC", sortable=True), spec("b", "NUMERIC")]
    )
    assert [row[1] for row in run("LOAD 1 @b SORTBY 2 @a ASC", source=source)[1:]] == ["0", "1", "2"]
    assert [row[1] for row in run("LOAD 1 @b SORTBY 2 @a DESC", source=source)[1:]] == ["2", "1", "0"]


def test_numbers_and_strings_that_do_not_compare_are_an_error() -> None:
    source = ListSource([{"b": b"x"}, {"b": b"5"}], [spec("b", "TEXT")])
    text = "LOAD 1 @b APPLY 'case(@b == 5, to_number(@b), @b)' AS c SORTBY 1 @c"
    config = Config()
    config.set("ENABLE_UNSTABLE_FEATURES", "true")
    request = parse_aggregate(Args([word.encode() for word in ["*", *shlex.split(text)]]), config, 2)
    with pytest.raises(CommandError, match="Error converting string 'x' to number"):
        Execution(request.pipeline, source, unstable_features=True).read()


def test_a_load_of_a_sortable_number_behind_load_all_keeps_the_string() -> None:
    assert run("LOAD * LOAD 1 n LIMIT 4 1")[1][:2] == ["n", "5.50"]
    assert run("LOAD * LOAD 1 m APPLY '@m < 10' AS y LIMIT 0 1")[1][:4] == ["m", "7", "y", "1"]


def test_an_unreadable_point_is_an_error_only_before_the_first_row() -> None:
    source = ListSource([{"p": b"1,2"}, {"p": b"x"}], [spec("p", "GEO")])
    text = "LOAD 1 @p APPLY 'geodistance(@p, \"1,2\")' AS d"
    assert run(text, source=source) == [1, ["p", "1,2", "d", "0"], ["p", "x", "d", "nan"]]
    assert run(f"{text} SORTBY 1 @d", source=source) == "Invalid geo string"
    assert run(text, source=ListSource([{"p": b"x"}], [spec("p", "GEO")])) == "Invalid geo string"
