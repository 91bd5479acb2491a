"""Filters: from an address to query text, and back."""

from __future__ import annotations

import pytest

from demo_app.filters import Filters, escape, read, words


def test_no_filter_matches_everything() -> None:
    assert Filters().expression() == "*"


def test_values_of_a_facet_are_alternatives_and_facets_narrow() -> None:
    filters = read({"gender": ["Women", "Men"], "colour": ["Navy Blue"]}, {})
    assert filters.expression() == r"@gender:{Women|Men} @colour:{Navy\ Blue}"


def test_a_facet_is_counted_without_its_own_filter() -> None:
    filters = read({"gender": ["Women"], "colour": ["Red"]}, {})
    assert filters.expression(without="colour") == "@gender:{Women}"


def test_prices_are_closed_and_may_be_open_at_one_end() -> None:
    assert read({}, {"min_price": "20"}).expression() == "@price:[20 +inf]"
    assert read({}, {"min_price": "20", "max_price": "90.5"}).expression() == "@price:[20 90.5]"


def test_near_a_city() -> None:
    assert read({}, {"km": "10"}, "Paris").expression() == "@shop:[2.3522 48.8566 10 km]"


@pytest.mark.parametrize("number", ["nan", "inf", "-5", "ten", "1e300", ""])
def test_prices_that_make_no_sense_are_left_out(number: str) -> None:
    assert read({}, {"min_price": number}).expression() == "*"


@pytest.mark.parametrize("value", ["", " ", "\0", "\n\t", "\x1c "])
def test_values_of_nothing_printable_are_left_out(value: str) -> None:
    assert read({"season": [value]}, {}).expression() == "*"


def test_unknown_cities_are_left_out() -> None:
    assert read({}, {}, "Atlantis").expression() == "*"


def test_each_chip_takes_one_filter_away() -> None:
    filters = read({"gender": ["Women", "Men"]}, {"max_price": "90"}, "Rome")
    assert {chip.label: chip.without.expression() for chip in filters.chips()} == {
        "Women": "@gender:{Men} @price:[-inf 90] @shop:[12.4964 41.9028 25 km]",
        "Men": "@gender:{Women} @price:[-inf 90] @shop:[12.4964 41.9028 25 km]",
        "up to €90": "@gender:{Women|Men} @shop:[12.4964 41.9028 25 km]",
        "within 25 km of Rome": "@gender:{Women|Men} @price:[-inf 90]",
    }


def test_filters_survive_their_own_address() -> None:
    filters = read({"gender": ["Women"], "colour": ["Red", "Navy Blue"]}, {"max_price": "90", "km": "10"}, "Rome")
    pairs = filters.pairs()
    several = {name: [v for n, v in pairs if n == name] for name, _ in pairs}
    assert read(several, dict(pairs), "Rome") == filters


def test_tag_syntax_in_a_value_is_escaped() -> None:
    assert escape("a}|{b\\") == r"a\}\|\{b\\"


def test_query_syntax_in_words_is_dropped() -> None:
    assert words('red => "@{}" cap') == "red|cap"
    assert words("-@~%*") == ""


def test_long_words_match_by_prefix_and_slip() -> None:
    assert words("Dresses") == "(dresses|dresses*|%dresses%)"
