"""Parameters among the words of a tag. Expected answers were asked of RediSearch 2.10.5."""

from __future__ import annotations

import pytest
import redis

import redisvss


@pytest.fixture(scope="module")
def client() -> redis.Redis:
    client = redisvss.Redis(protocol=2)
    client.execute_command("FT.CREATE", "i", "SCHEMA", "t", "TAG")
    for key, tags in {"d1": "nik xy", "d2": "nikxy", "d3": "A xy", "d4": "a b xy c"}.items():
        client.hset(key, "t", tags)
    return client


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("nik$p", [b"d1"]),
        ("nik $p | adi*", [b"d1"]),
        ("a $p", [b"d3"]),
        ("a b$p c", [b"d4"]),
        ("$p a", []),
        ("$p", []),
    ],
)
@pytest.mark.parametrize("dialect", [2, 3, 4])
def test_words_and_parameters_make_one_tag(client: redis.Redis, tags: str, found: list[bytes], dialect: int) -> None:
    query = ("FT.SEARCH", "i", f"@t:{{{tags}}}", "NOCONTENT", "PARAMS", 2, "p", "xy", "DIALECT", dialect)
    assert client.execute_command(*query)[1:] == found
