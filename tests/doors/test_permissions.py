"""Who may search what, as Redis's own ACLs have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Proxy, proxy_before
from redis.exceptions import NoPermissionError
from servers import RedisProcess, start_redis


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisProcess]:
    with start_redis(requirepass="secret") as process:
        admin = process.client(password="secret")
        admin.acl_setuser("reader", enabled=True, nopass=True, keys=["product:*"], commands=["+@read", "+@connection"])
        admin.acl_setuser("narrow", enabled=True, nopass=True, keys=["product:1*"], commands=["+@all"])
        admin.acl_setuser("single", enabled=True, nopass=True, keys=["product:", "product:?"], commands=["+@all"])
        admin.acl_setuser("writer", enabled=True, nopass=True, keys=["product:*"], commands=["+@all"])
        admin.acl_setuser("nobody", enabled=True, nopass=True, keys=["*"], commands=["+ping", "+acl|whoami", "+multi"])
        admin.acl_setuser("mute", enabled=True, nopass=True, keys=["*"], commands=["+@hash", "+multi", "+exec"])
        yield process


@pytest.fixture
def proxy(guarded: RedisProcess) -> Iterator[Proxy]:
    with proxy_before(guarded, prefixes=(b"product:",)) as proxy:
        proxy.engine.read = guarded.client(password="secret").get  # type: ignore[assignment]
        yield proxy


def refusal(server: RedisProcess, user: str, *command: str) -> str:
    """The server's own words, which Redis and Valkey have changed over time."""
    with server.client(username=user, password="x") as client, pytest.raises(NoPermissionError) as refused:
        client.execute_command(*command)
    return f"-NOPERM {str(refused.value).removeprefix('NOPERM ')}"


@pytest.fixture(scope="module")
def no_key(guarded: RedisProcess) -> str:
    return refusal(guarded, "narrow", "HGETALL", "other")


def search_as(proxy: Proxy, user: str, *lines: str) -> object:
    with proxy.peer() as peer:
        assert peer.ask(f"AUTH {user} x") == "OK"
        return peer.say(*(lines or ("FT.SEARCH i a",))).hear_all(len(lines) or 1)[-1]


def test_without_authentication_there_is_no_search(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.ask("FT.SEARCH i a") == "-NOAUTH Authentication required."
        assert peer.ask("AUTH wrong")  # an error
        assert peer.ask("FT.SEARCH i a") == "-NOAUTH Authentication required."
        assert peer.say("AUTH secret", "FT.SEARCH i a").hear_all(2) == ["OK", ["value", None]]
        assert peer.say("RESET", "FT.SEARCH i a").hear_all(2)[1] == "-NOAUTH Authentication required."
        assert proxy.engine.ran == [[b"FT.SEARCH", b"i", b"a"]]


def test_a_user_may_search_what_all_of_its_keys_cover(proxy: Proxy, no_key: str) -> None:
    assert search_as(proxy, "reader") == ["value", None]
    assert search_as(proxy, "narrow") == no_key
    assert search_as(proxy, "single") == no_key


def test_a_user_without_the_plain_command_is_refused_in_redis_words(guarded: RedisProcess, proxy: Proxy) -> None:
    no_search = refusal(guarded, "nobody", "HGETALL", "product:1").replace("hgetall", "FT.SEARCH")
    assert search_as(proxy, "nobody") == no_search
    no_alter = refusal(guarded, "reader", "HDEL", "product:1", "f").replace("hdel", "FT.ALTER")
    assert search_as(proxy, "reader", "FT.ALTER i") == no_alter
    assert search_as(proxy, "writer", "FT.ALTER i") == [2, 0, b"writer"]


def test_a_user_who_may_not_ask_who_it_is_still_searches(proxy: Proxy) -> None:
    assert search_as(proxy, "mute") == ["value", None]


def test_json_commands_need_rights_to_their_key(proxy: Proxy, no_key: str) -> None:
    assert search_as(proxy, "reader", "JSON.GET product:1") == [2, 0, b"reader"]
    assert search_as(proxy, "reader", "JSON.GET other:1") == no_key


def test_json_writes_need_the_right_to_write_their_key(proxy: Proxy, no_key: str, guarded: RedisProcess) -> None:
    no_write = refusal(guarded, "reader", "HDEL", "product:1", "f").replace("hdel", "JSON.SET")
    assert search_as(proxy, "reader", "JSON.SET product:1 $ 1") == no_write
    assert search_as(proxy, "writer", "JSON.SET product:1 $ 1") == [2, 0, b"writer"]
    assert search_as(proxy, "writer", "JSON.SET other:1 $ 1") == no_key


def test_a_user_of_every_key_is_not_asked_for_each_of_them(guarded: RedisProcess, proxy: Proxy) -> None:
    with guarded.client(password="secret") as admin, proxy.peer() as peer:
        admin.config_resetstat()
        peer.say("AUTH secret", *(f"JSON.SET k:{number} $ 1" for number in range(100))).hear_all(101)
        rounds = 2  # the answer is kept for a second, which a slow machine may need more than one of
        assert admin.info("commandstats")["cmdstat_hdel"]["calls"] <= 3 * rounds
    assert len(proxy.engine.ran) == 100


def test_rights_taken_from_a_user_of_every_key_count_at_once(proxy: Proxy, no_key: str) -> None:
    with proxy.peer() as admin, proxy.peer() as peer:
        admin.ask("AUTH secret")
        admin.ask("ACL SETUSER whole on nopass ~* +@all")
        assert peer.say("AUTH whole x", "JSON.SET other:1 $ 1").hear_all(2)[1] == [2, 0, b"whole"]
        admin.ask("ACL SETUSER whole resetkeys ~product:*")
        assert peer.ask("JSON.SET other:1 $ 1") == no_key
        assert peer.ask("JSON.SET product:1 $ 1") == [2, 0, b"whole"]


def test_a_document_deleted_by_name_needs_rights_to_its_key(proxy: Proxy, no_key: str) -> None:
    assert search_as(proxy, "writer", "FT.DEL i product:1") == [2, 0, b"writer"]
    assert search_as(proxy, "writer", "FT.DEL i other:1") == no_key


def test_refusal_while_queueing_aborts_the_transaction(proxy: Proxy, no_key: str) -> None:
    assert search_as(proxy, "narrow") == no_key  # now known
    aborted = "-EXECABORT Transaction discarded because of previous errors."
    assert search_as(proxy, "narrow", "MULTI", "FT.SEARCH i a", "EXEC") == aborted


def test_refusal_not_known_while_queueing_stands_in_execs_array(proxy: Proxy, no_key: str) -> None:
    with proxy.peer() as peer:
        peer.say("AUTH narrow x", "MULTI", "FT.SEARCH i a", "EXEC").hear_all(3)
        assert peer.frame() == b"*1\r\n" + no_key.encode() + b"\r\n"
    assert proxy.engine.ran == []


def test_an_acl_changed_through_the_server_counts_at_once(proxy: Proxy, no_key: str) -> None:
    with proxy.peer() as admin, proxy.peer() as peer:
        admin.ask("AUTH secret")
        admin.ask("ACL SETUSER changing on nopass ~product:* +@all")
        assert peer.say("AUTH changing x", "FT.SEARCH i a").hear_all(2)[1] == ["value", None]
        admin.ask("ACL SETUSER changing resetkeys ~other:*")
        assert peer.ask("FT.SEARCH i a") == no_key
        admin.ask("ACL SETUSER changing ~product:*")
        assert peer.ask("FT.SEARCH i a") == ["value", None]
