"""What the prompt offers, without a terminal."""

from __future__ import annotations

import pytest

import redisvss
from redisvss.cli.shell_complete import Catalogue, complete
from redisvss.cli.shell_words import KEYWORDS, Typed, typed
from redisvss.commands.search_args import FLAGS, OPTIONS


class Names:
    def commands(self) -> dict[str, str]:
        return {"CONFIG": "", "CONFIG GET": "reads", "FT.SEARCH": "finds", "FT.CREATE": "", "GET": ""}

    def indexes(self) -> list[str]:
        return ["products", "people"]

    def fields(self, index: str) -> dict[str, str]:
        return {"price": "NUMERIC", "Brand": "TAG"} if index == "products" else {}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("FT.", ["FT.SEARCH", "FT.CREATE"]),
        ("ft.s", ["ft.search"]),
        ("conf", ["config"]),
        ("CONFIG g", ["CONFIG GET"]),
        ("FT.SEARCH p", ["products", "people"]),
        ("FT.SEARCH ", ["products", "people"]),
        ("FT.CREATE p", []),
        ("FT.CURSOR r", ["read"]),
        ("FT.CURSOR READ pr", ["products"]),
        ("FT.SEARCH products '@", ["price", "Brand"]),
        ("FT.SEARCH products '@b", ["Brand"]),
        ('FT.SEARCH products "(@price:[0 5] @p', ["price"]),
        ("FT.SEARCH people '@", []),
        ("FT.SEARCH products * SORTBY p", ["price"]),
        ("FT.SEARCH products * RET", ["RETURN"]),
        ("FT.SEARCH products 'RET", []),
        ("FT.SEARCH products * ", []),
        ("help ft.s", ["ft.search"]),
        ("GET p", []),
    ],
)
def test_offered(line: str, offered: list[str]) -> None:
    assert [found.text for found in complete(line, Names())] == offered


def test_an_offer_replaces_what_was_typed_of_it() -> None:
    (found,) = complete("FT.SEARCH products '@pr", Names())
    assert (found.replaces, found.about) == (2, "NUMERIC")
    (found,) = complete("  config g", Names())
    assert (found.text, found.replaces) == ("config get", len("config g"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Typed([], "", False)),
        ("GET", Typed([], "GET", False)),
        ("GET ", Typed(["GET"], "", False)),
        ("FT.SEARCH i 'a b", Typed(["FT.SEARCH", "i"], "a b", True)),
        ("FT.SEARCH i 'a b ", Typed(["FT.SEARCH", "i"], "a b ", True)),
        ("FT.SEARCH i 'a b' ", Typed(["FT.SEARCH", "i", "a b"], "", False)),
        (r"""FT.SEARCH i "a \" b" L""", Typed(["FT.SEARCH", "i", r"a \" b"], "L", False)),
        ("SET k '", Typed(["SET", "k"], "", True)),
    ],
)
def test_half_typed_lines_are_split(line: str, expected: Typed) -> None:
    assert typed(line) == expected


def test_the_prompt_knows_the_options_of_a_search() -> None:
    known = {name.decode() for name in (*FLAGS, *OPTIONS)}
    assert known - set(KEYWORDS["FT.SEARCH"]) <= {
        "BM25STD_TANH_FACTOR",
        "FORMAT",
        "WITHCOUNT",
        "WITHOUTCOUNT",
        "WITHRAWIDS",
    }


def catalogue() -> tuple[redisvss.Redis, Catalogue]:
    client = redisvss.Redis(protocol=3)
    client.response_callbacks.clear()
    return client, Catalogue(client)


def test_the_catalogue_knows_the_servers_names() -> None:
    client, known = catalogue()
    client.execute_command(*["FT.CREATE", "products", "SCHEMA", "price", "NUMERIC", "raw", "AS", "brand", "TAG"])
    assert known.indexes() == ["products"]
    assert known.fields("products") == {"price": "NUMERIC", "brand": "TAG"}
    assert known.fields("nothing") == {}
    assert {"GET", "FT.SEARCH", "JSON.SET"} <= set(known.commands())
    assert known.commands()["FT.SEARCH"]


def test_the_catalogue_asks_again_after_a_command() -> None:
    client, known = catalogue()
    assert known.indexes() == []
    client.execute_command(*["FT.CREATE", "products", "SCHEMA", "price", "NUMERIC"])
    assert known.indexes() == []
    known.forget()
    assert known.indexes() == ["products"]
