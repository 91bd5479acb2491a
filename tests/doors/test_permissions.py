"""Who may search what, as Redis's own ACLs have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Proxy, proxy_before
from servers import RedisProcess, start_redis

NO_KEY = "-NOPERM this user has no permissions to access one of the keys used as arguments"  # Redis 7.0


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


def test_a_user_may_search_what_all_of_its_keys_cover(proxy: Proxy) -> None:
    assert search_as(proxy, "reader") == ["value", None]
    assert search_as(proxy, "narrow") == NO_KEY
    assert search_as(proxy, "single") == NO_KEY


def test_a_user_without_the_plain_command_is_refused_in_redis_words(proxy: Proxy) -> None:
    refused = "-NOPERM this user has no permissions to run the 'FT.SEARCH' command"
    assert search_as(proxy, "nobody") == refused
    assert search_as(proxy, "reader", "FT.ALTER i") == refused.replace("SEARCH", "ALTER")
    assert search_as(proxy, "writer", "FT.ALTER i") == [2, 0, b"writer"]


def test_a_user_who_may_not_ask_who_it_is_still_searches(proxy: Proxy) -> None:
    assert search_as(proxy, "mute") == ["value", None]


def test_json_commands_need_rights_to_their_key(proxy: Proxy) -> None:
    assert search_as(proxy, "reader", "JSON.GET product:1") == [2, 0, b"reader"]
    assert search_as(proxy, "reader", "JSON.GET other:1") == NO_KEY


def test_a_document_deleted_by_name_needs_rights_to_its_key(proxy: Proxy) -> None:
    assert search_as(proxy, "writer", "FT.DEL i product:1") == [2, 0, b"writer"]
    assert search_as(proxy, "writer", "FT.DEL i other:1") == NO_KEY


def test_refusal_while_queueing_aborts_the_transaction(proxy: Proxy) -> None:
    assert search_as(proxy, "narrow") == NO_KEY  # now known
    aborted = "-EXECABORT Transaction discarded because of previous errors."
    assert search_as(proxy, "narrow", "MULTI", "FT.SEARCH i a", "EXEC") == aborted


def test_refusal_not_known_while_queueing_stands_in_execs_array(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("AUTH narrow x", "MULTI", "FT.SEARCH i a", "EXEC").hear_all(3)
        assert peer.frame() == b"*1\r\n" + NO_KEY.encode() + b"\r\n"
    assert proxy.engine.ran == []


def test_an_acl_changed_through_the_server_counts_at_once(proxy: Proxy) -> None:
    with proxy.peer() as admin, proxy.peer() as peer:
        admin.ask("AUTH secret")
        admin.ask("ACL SETUSER changing on nopass ~product:* +@all")
        assert peer.say("AUTH changing x", "FT.SEARCH i a").hear_all(2)[1] == ["value", None]
        admin.ask("ACL SETUSER changing resetkeys ~other:*")
        assert peer.ask("FT.SEARCH i a") == NO_KEY
        admin.ask("ACL SETUSER changing ~product:*")
        assert peer.ask("FT.SEARCH i a") == ["value", None]
