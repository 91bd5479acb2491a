"""The fixtures as another project's tests meet them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

PROJECT = """
    import pytest
    import redis
    import redis.asyncio
    from redis.commands.search.field import TagField


    def index(client):
        return client.ft("shoes").create_index([TagField("brand")])


    @pytest.mark.parametrize("turn", [1, 2])
    def test_each_test_has_an_empty_store(redisvss, turn):
        assert redisvss.dbsize() == 0
        index(redisvss)
        redisvss.hset("shoe:1", "brand", "acme")
        assert redisvss.ft("shoes").search("@brand:{acme}").total == 1


    async def test_the_asyncio_client_sees_the_same_store(redisvss, aredisvss):
        index(redisvss)
        await aredisvss.hset("shoe:1", "brand", "acme")
        found = await aredisvss.ft("shoes").search("@brand:{acme}")
        assert [doc.id for doc in found.docs] == ["shoe:1"]


    def test_clients_with_options_of_their_own_share_the_store(redisvss, redisvss_store):
        client = type(redisvss)(server=redisvss_store, decode_responses=True)
        redisvss.set("a", "1")
        assert client.get("a") == "1"


    @pytest.mark.parametrize("turn", [1, 2])
    async def test_a_fresh_server_answers_clients_over_tcp(redisvss_server, turn):
        client = redis.Redis.from_url(redisvss_server)
        assert client.dbsize() == 0
        index(client)
        async with redis.asyncio.from_url(redisvss_server) as writer:
            await writer.json().set("doc:1", "$", {"a": 1})
            await writer.hset("shoe:1", "brand", "acme")
        assert client.ft("shoes").search("@brand:{acme}").total == 1
"""


def test_a_project_tests_without_a_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=6)


def test_the_plugin_imports_nothing_until_a_fixture_is_asked_for() -> None:
    code = (
        "import sys, redisvss.pytest_plugin; print(sorted({'numba', 'numpy', 'redis', 'fakeredis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
