"""FT.SEARCH's arguments are read as they stand, whatever was read before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redisvss.commands.args import Args
from redisvss.commands.search_args import SearchParser, parse_search
from redisvss.config import Config
from redisvss.errors import CommandError
from redisvss.query.request import SearchRequest

CONFIG = Config()

OPTIONS = b"PARAMS params RETURN AS LIMIT SORTBY DIALECT NOCONTENT INKEYS TIMEOUT".split()
VALUES = [b"0", b"1", b"2", b"4", b"-1", b" 2", b"1_0", b"a", b"b", b"v", b"\xff\x00"]
WORDS = st.sampled_from([*OPTIONS, *VALUES])


def read_anew(items: list[bytes], config: Config) -> SearchRequest | str:
    return outcome(lambda: SearchParser(Args(items), config, 2).parse())


def outcome(parse: object) -> SearchRequest | str:
    try:
        return parse()  # type: ignore[operator, no-any-return]
    except CommandError as error:
        return str(error)


@settings(max_examples=2000, deadline=None)
@given(st.lists(WORDS, max_size=10))
def test_remembered_arguments_are_read_as_new_ones(words: list[bytes]) -> None:
    items = [b"*", *words]
    for _ in range(2):
        assert outcome(lambda: parse_search(Args(items), CONFIG, 2)) == read_anew(items, CONFIG)


@pytest.mark.parametrize(
    "items",
    [
        [b"*", b"RETURN", b"4", b"PARAMS", b"2", b"x", b"%b"],
        [b"*", b"SORTBY", b"PARAMS", b"LIMIT", b"0", b"%b"],
        [b"*", b"RETURN", b"1", b"PARAMS", b"PARAMS", b"2", b"x", b"%b"],
        [b"*", b"PARAMS", b"2", b"x", b"%b", b"LIMIT", b"0", b"3"],
        [b"*", b"PARAMS", b"4", b"x", b"%b", b"y", b"PARAMS"],
        [b"*", b"PARAMS", b"3", b"x", b"%b", b"NOCONTENT"],
        [b"*", b"PARAMS", b"2", b"x", b"%b", b"PARAMS", b"2", b"y", b"z"],
    ],
)
def test_only_the_values_of_params_may_differ(items: list[bytes]) -> None:
    for value in (b"1", b"2", b"NOCONTENT", b""):
        filled = [value if item == b"%b" else item for item in items]
        assert outcome(lambda asked=filled: parse_search(Args(asked), CONFIG, 2)) == read_anew(filled, CONFIG)


def test_a_changed_default_holds_for_arguments_read_before() -> None:
    config = Config()
    items = [b"*", b"PARAMS", b"2", b"x", b"1"]
    assert parse_search(Args(items), config, 2).dialect == 1
    config.set("DEFAULT_DIALECT", "3")
    assert parse_search(Args(items), config, 2).dialect == 3
    config.set("MAXSEARCHRESULTS", "5")
    with pytest.raises(CommandError, match="LIMIT exceeds maximum of 5"):
        parse_search(Args([*items, b"LIMIT", b"0", b"6"]), config, 2)


def test_a_request_belongs_to_its_search_alone() -> None:
    first, second = (parse_search(Args([b"*", b"PARAMS", b"2", b"x", value]), CONFIG, 2) for value in (b"1", b"2"))
    assert (first.params, second.params) == ({"x": b"1"}, {"x": b"2"})
