"""FT.AGGREGATE's arguments: what they parse to, and the exact text of what is refused."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redisvss.aggregate.request import Apply, Arrange, CursorOptions, Filter, GroupBy, Load, Reduce, SortKey
from redisvss.commands.aggregate_args import AggregateRequest, parse_aggregate
from redisvss.commands.args import Args
from redisvss.config import Config
from redisvss.errors import CommandError

MISSING = "Expected an argument, but none provided"
NOT_CONVERTIBLE = "Could not convert argument to expected type"
OUT_OF_BOUNDS = "Value is outside acceptable bounds"


def parse(text: str, protocol: int = 2, config: Config | None = None) -> AggregateRequest:
    return parse_aggregate(Args([word.encode() for word in shlex.split(text)]), config or Config(), protocol)


def test_steps_keep_their_order() -> None:
    text = "* verbatim LOAD 3 @t AS x apply '@n + 1' as y FILTER @y>1 groupby 1 @g REDUCE count 0 REDUCE SUM 1 @n AS s"
    request = parse(text)
    assert request.search.verbatim
    assert request.pipeline.steps == (
        Load((b"@t", b"AS", b"x")),
        Apply(b"@n + 1", "y"),
        Filter(b"@y>1"),
        GroupBy(("g",), (Reduce("count", (), "__generated_aliascount"), Reduce("SUM", (b"@n",), "s"))),
    )


def test_an_alias_is_made_of_name_and_arguments() -> None:
    (step,) = parse("* GROUPBY 0 REDUCE QUANTILE 2 @@N 0.5").pipeline.steps
    assert isinstance(step, GroupBy)
    assert step.reducers[0].alias == "__generated_aliasquantilen,0.5"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("SORTBY 2 @a DESC LIMIT 1 2", [Arrange((SortKey("a", False),), 1, 2)]),
        ("LIMIT 1 2 SORTBY 1 @a", [Arrange((SortKey("a"),), 1, 2)]),
        ("LIMIT 1 5 SORTBY 1 @a MAX 3", [Arrange((SortKey("a"),), 1, 3)]),
        ("SORTBY 1 @a MAX 3 LIMIT 1 5", [Arrange((SortKey("a"),), 1, 5)]),
        ("LIMIT 0 2 APPLY 1 AS x LIMIT 0 3", [Arrange(None, 0, 3), Apply(b"1", "x")]),
        ("LIMIT 0 2 GROUPBY 0 LIMIT 0 3", [Arrange(None, 0, 2), GroupBy(()), Arrange(None, 0, 3)]),
        ("SORTBY 0", []),
        ("SORTBY 1 ASC", []),
        ("SORTBY 0 MAX 4", [Arrange((), 0, 4)]),
        ("SORTBY 4 @a @b desc asc", [Arrange((SortKey("a"), SortKey("b")))]),
        ("SORTBY 3 @a DESC @b", [Arrange((SortKey("a", False), SortKey("b")))]),
    ],
)
def test_sorting_and_limits_between_groups_are_one_step(text: str, steps: list[object]) -> None:
    assert list(parse(f"* {text}").pipeline.steps) == steps


def test_a_limit_of_nothing_asks_for_the_count() -> None:
    pipeline = parse("* LIMIT 0 0").pipeline
    assert not pipeline.rows and not pipeline.fields


def test_cursors() -> None:
    assert parse("*").pipeline.cursor is None
    assert parse("* WITHCURSOR").pipeline.cursor == CursorOptions(None, 300_000)
    assert parse("* LOAD 1 @a WITHCURSOR MAXIDLE 5 COUNT 7 LIMIT 0 1").pipeline.cursor == CursorOptions(7, 5)
    assert parse("* WITHCURSOR MAXIDLE 999999999").pipeline.cursor == CursorOptions(None, 300_000)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "No query string provided"),
        ("* FOO", "Unknown argument `FOO` at position 1 for <main>"),
        ("* LOAD 1 @n FOO", "Unknown argument `FOO` at position 4 for <main>"),
        ("* LOAD 1 @n WITHSCORES", "Unknown argument `WITHSCORES` at position 4 for <main>"),
        ("* MAX 2", "Unknown argument `MAX` at position 1 for <main>"),
        ("* RETURN 1 n", "RETURN is not supported on FT.AGGREGATE"),
        ("* RETURN 1 n SLOP x", f"Bad arguments for SLOP: {NOT_CONVERTIBLE}"),
        ("* SUMMARIZE", "SUMMARIZE is not supported on FT.AGGREGATE"),
        ("* HIGHLIGHT", "HIGHLIGHT is not supported on FT.AGGREGATE"),
        ("* EXPLAINSCORE", "EXPLAINSCORE must be accompanied with WITHSCORES"),
        ("* WITHCOUNT", "FT.AGGREGATE + WITHCOUNT is not available when `ENABLE_UNSTABLE_FEATURES` is off"),
        ("* GROUPBY", f"Bad arguments for GROUPBY: {MISSING}"),
        ("* GROUPBY x", f"Bad arguments for GROUPBY: {NOT_CONVERTIBLE}"),
        ("* GROUPBY -1", f"Bad arguments for GROUPBY: {OUT_OF_BOUNDS}"),
        ("* GROUPBY 3 @g", f"Bad arguments for GROUPBY: {MISSING}"),
        ("* GROUPBY 1 tag", "Bad arguments for GROUPBY: Unknown property `tag`. Did you mean `@tag`?"),
        ("* GROUPBY 0 REDUCE", "Bad arguments for REDUCE: SUCCESS"),
        ("* GROUPBY 0 REDUCE SUM", f"Bad arguments for SUM: {MISSING}"),
        ("* GROUPBY 0 REDUCE SUM x", f"Bad arguments for SUM: {NOT_CONVERTIBLE}"),
        ("* GROUPBY 0 REDUCE COUNT 0 AS", f"Bad arguments for AS: {MISSING}"),
        ("* APPLY", f"Bad arguments for APPLY/FILTER: {MISSING}"),
        ("* APPLY 1 AS", "AS needs argument"),
        ("* FILTER", f"Bad arguments for APPLY/FILTER: {MISSING}"),
        ("* LOAD", f"Bad arguments for LOAD: {MISSING}"),
        ("* LOAD x", "Bad arguments for LOAD: Expected number of fields or `*`"),  # 2.10.33
        ("* LOAD 2 a", f"Bad arguments for LOAD: {MISSING}"),  # 2.10.33
        ("* LIMIT 0", "LIMIT requires two arguments"),
        ("* LIMIT a b", "LIMIT needs two numeric arguments"),
        ("* LIMIT -1 2", "LIMIT needs two numeric arguments"),
        ("* LIMIT 1000001 9", "OFFSET exceeds maximum of 1000000"),
        ("* SORTBY", f"Bad arguments for SORTBY: {MISSING}"),
        ("* SORTBY 1 n", "MISSING ASC or DESC after sort field (n)"),
        ("* SORTBY 2 @n FOO", "MISSING ASC or DESC after sort field (FOO)"),
        ("* SORTBY 1 @n MAX", f"Bad arguments for MAX: {NOT_CONVERTIBLE}"),
        ("* SORTBY 1 @n MAX -1", f"Bad arguments for MAX: {NOT_CONVERTIBLE}"),
        ("* SORTBY 9 " + "@n " * 9, "Cannot sort by more than 8 fields"),
        ("* SORTBY 1 @n SORTBY 1 @n", "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step"),
        ("* WITHCURSOR COUNT 0", f"Bad arguments for COUNT: {OUT_OF_BOUNDS}"),
        ("* WITHCURSOR COUNT x", f"Bad arguments for COUNT: {NOT_CONVERTIBLE}"),
        ("* WITHCURSOR COUNT", f"Bad arguments for COUNT: {MISSING}"),
        ("* WITHCURSOR MAXIDLE 0", f"Bad arguments for MAXIDLE: {OUT_OF_BOUNDS}"),
        ("* WITHCURSOR FOO", "Unknown argument `FOO` at position 2 for <main>"),
        ("* TIMEOUT x", "TIMEOUT requires a non negative integer"),
    ],
)
def test_refuses_in_redisearchs_words(text: str, error: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse(text)
    assert str(refused.value) == error


def test_withcount_and_a_cursor_exclude_each_other() -> None:
    config = Config()
    config.set("ENABLE_UNSTABLE_FEATURES", "true")
    assert parse("* WITHCOUNT", config=config).pipeline.exact_total
    for text in ("* WITHCOUNT WITHCURSOR", "* WITHCURSOR WITHCOUNT"):
        with pytest.raises(CommandError, match="does not support using WITHCOUNT and WITHCURSOR together"):
            parse(text, config=config)


WORDS = [b"*", b"LOAD", b"1", b"2", b"0", b"@n", b"@g", b"AS", b"x", b"GROUPBY", b"REDUCE", b"COUNT", b"SUM", b"SORTBY"]
WORDS += [b"DESC", b"MAX", b"LIMIT", b"APPLY", b"FILTER", b"@n > 1", b"WITHCURSOR", b"PARAMS", b"DIALECT", b"", b"\xff"]


@given(st.lists(st.sampled_from(WORDS), max_size=20))
def test_any_arguments_are_parsed_or_refused(words: list[bytes]) -> None:
    try:
        parse_aggregate(Args(words), Config(), 2)
    except CommandError as error:
        assert str(error)
