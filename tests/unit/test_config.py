"""FT.CONFIG's options. Texts were seen on 2.10.5."""

from __future__ import annotations

import pytest

from redisvss.config import OPTIONS, Config
from redisvss.errors import CommandError


def test_what_searches_read_follows_what_is_set() -> None:
    config = Config()
    assert (config.dialect, config.timeout_ms, config.max_search_results) == (1, 500, 1_000_000)
    assert (config.limits.min_prefix, config.limits.max_expansions, config.word_lengths.stemmed) == (2, 200, 4)
    for name, value in {"default_dialect": "3", "TIMEOUT": "0", "MINPREFIX": "1", "ON_TIMEOUT": "FAIL"}.items():
        config.set(name, value)
    assert (config.dialect, config.timeout_ms, config.limits.min_prefix, config.fail_on_timeout) == (3, 0, 1, True)
    assert config.get("ON_TIMEOUT") == "fail"


@pytest.mark.parametrize("name", ["MAXEXPANSIONS", "MAXPREFIXEXPANSIONS"])
def test_the_two_names_of_one_option(name: str) -> None:
    config = Config()
    config.set(name, "7")
    assert (config.get("MAXEXPANSIONS"), config.get("MAXPREFIXEXPANSIONS")) == ("7", "7")
    assert config.limits.max_expansions == 7


def test_no_limit() -> None:
    config = Config()
    config.set("MAXSEARCHRESULTS", "-1")
    assert config.get("MAXSEARCHRESULTS") == "unlimited"
    assert config.max_search_results > 10**9


REFUSED = [
    ("NOSUCH", "1", "Invalid option"),
    ("MAXDOCTABLESIZE", "1", "Not modifiable at runtime"),
    ("TIMEOUT", "abc", "Could not convert argument to expected type"),
    ("TIMEOUT", "-1", "Value is outside acceptable bounds"),
    ("DEFAULT_DIALECT", "5", "Default dialect version cannot be higher than 4"),
    ("DEFAULT_DIALECT", "0", "Value is outside acceptable bounds"),
    ("MINSTEMLEN", "1", "Minimum stem length cannot be lower than 2"),
    ("ON_TIMEOUT", "later", "Invalid ON_TIMEOUT value"),
    ("BM25STD_TANH_FACTOR", "10001", "Value is outside acceptable bounds"),
]


@pytest.mark.parametrize(("name", "value", "text"), REFUSED)
def test_a_refused_value_changes_nothing(name: str, value: str, text: str) -> None:
    config = Config()
    with pytest.raises(CommandError) as caught:
        config.set(name, value)
    assert str(caught.value) == text
    assert all(config.get(known) == option.default for known, option in OPTIONS.items())
