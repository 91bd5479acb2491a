"""The server with no Redis behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import fakeredis
import pytest
from harness import FakeEngine, Peer, serving, until

from redisvss.doors import services
from redisvss.doors.server import Server, Services
from redisvss.stores.embedded import EmbeddedStore


@pytest.fixture
def store() -> EmbeddedStore:
    return EmbeddedStore()


@pytest.fixture
def port(store: EmbeddedStore) -> Iterator[int]:
    with serving(Services(FakeEngine(lambda key: store.call("GET", key)), store)) as (_, port):
        yield port


def test_commands_errors_and_pipelines(port: int) -> None:
    with Peer(port) as peer:
        peer.say("SET a 1", "INCR a", "LPUSH a x", "NOSUCH", "GET a", "FT.SEARCH i a", "HGETALL none")
        assert peer.hear_all(3) == ["OK", 2, "-WRONGTYPE Operation against a key holding the wrong kind of value"]
        assert str(peer.hear()).startswith("-ERR unknown command 'nosuch'")
        assert peer.hear_all(3) == [b"2", ["value", b"2"], []]


def test_json_commands_in_a_row_are_answered_each_in_its_place() -> None:
    with serving(services.embedded()) as (server, port), Peer(port) as peer:
        lines = []
        for number in range(50):
            lines += [f"JSON.SET d:{number} $ {number}", f"JSON.NUMINCRBY d:{number} $ 1", f"JSON.GET d:{number}"]
        found = peer.say(*lines, "JSON.GET", "json.set d:0 $ nul", "GET d:7", "JSON.GET d:7", "JSON.FOO").hear_all(155)
        assert found[:150] == [reply for n in range(50) for reply in ("OK", b"[%d]" % (n + 1), b"%d" % (n + 1))]
        assert str(found[150]).startswith("-ERR wrong number of arguments")
        assert found[151] == "-EOF while parsing a value at line 1 column 3"
        assert found[152:154] == [b"8", b"8"]
        assert str(found[154]).startswith("-ERR unknown command")
        assert server.metrics.own["JSON.GET"].count == 52 and server.metrics.errors == 2
        queued = peer.say("MULTI", "JSON.SET t $ 1", "JSON.GET t", "EXEC").hear_all(4)
        assert queued == ["OK", "QUEUED", "QUEUED", ["OK", b"1"]]


def test_both_protocols(port: int) -> None:
    with Peer(port) as peer:
        greeting = peer.ask("HELLO 3")
        assert isinstance(greeting, dict)
        assert (greeting[b"proto"], [m[b"name"] for m in greeting[b"modules"]]) == (3, [b"ReJSON", b"search"])
        peer.say("HSET h f v", "ZADD z 1.5 m").hear_all(2)
        peer.say("HGETALL h", "ZSCORE z m", "GET none")
        assert [peer.frame() for _ in range(3)] == [b"%1\r\n$1\r\nf\r\n$1\r\nv\r\n", b",1.5\r\n", b"_\r\n"]
        peer.ask("HELLO 2")
        peer.say("HGETALL h", "ZSCORE z m", "GET none")
        assert [peer.frame() for _ in range(3)] == [b"*2\r\n$1\r\nf\r\n$1\r\nv\r\n", b"$3\r\n1.5\r\n", b"$-1\r\n"]
        assert peer.ask("HELLO 4") == "-NOPROTO unsupported protocol version"
        assert peer.ask("HELLO x") == "-ERR Protocol version is not an integer or out of range"
        assert peer.ask("HELLO 3 WHAT") == "-ERR Syntax error in HELLO option 'WHAT'"
        assert peer.say("HELLO", "HELLO 3 SETNAME me", "CLIENT GETNAME").hear_all(3)[2] == b"me"


def test_transactions_and_watch(port: int) -> None:
    with Peer(port) as peer, Peer(port) as other:
        peer.say("MULTI", "SET a 1", "FT.SEARCH i a", "INFO server", "EXEC")
        replies = peer.hear_all(5)[4]
        assert isinstance(replies, list)
        assert replies[:2] == ["OK", ["value", b"1"]]
        assert b"redis_version:7.4.0" in replies[2]
        peer.say("WATCH a", "MULTI", "SET a 3", "FT.SEARCH i a").hear_all(4)
        other.ask("SET a 2")
        assert peer.ask("EXEC") is None


def test_blocking_commands(port: int) -> None:
    with Peer(port) as peer, Peer(port) as other:
        peer.say("BLPOP q 0", "GET a", "FT.SEARCH i a")
        assert other.say("SET a 1", "RPUSH q x").hear_all(2) == ["OK", 1]
        assert peer.hear_all(3) == [[b"q", b"x"], b"1", ["value", b"1"]]
        assert peer.say("BLPOP q 0.01", "PING").hear_all(2) == [None, "PONG"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_publish_and_subscribe(port: int, protocol: int) -> None:
    with Peer(port) as peer, Peer(port) as other:
        peer.say(f"HELLO {protocol}", "UNSUBSCRIBE", "SUBSCRIBE a").hear()
        frames = [peer.frame() for _ in range(2)]
        assert all(frame[:1] == (b">" if protocol == 3 else b"*") for frame in frames)
        assert other.ask("PUBLISH a hi") == 1
        assert peer.hear() == [b"message", b"a", b"hi"]
        assert peer.say("UNSUBSCRIBE", "FT.SEARCH i a").hear() == [b"unsubscribe", b"a", 0]
        assert peer.hear() == ({"value": None} if protocol == 3 else ["value", None])


def test_clients_of_the_same_store_in_this_process_publish_to_the_servers(port: int, store: EmbeddedStore) -> None:
    with Peer(port) as peer:
        peer.ask("SUBSCRIBE a")
        client = fakeredis.FakeRedis(server=store.server)
        thread = threading.Thread(target=client.publish, args=("a", "hi"))
        thread.start()
        assert peer.hear() == [b"message", b"a", b"hi"]
        thread.join()


def test_a_password_is_asked_of_everyone(store: EmbeddedStore) -> None:
    with serving(Services(FakeEngine(lambda key: None), store, b"secret")) as (_, port), Peer(port) as peer:
        noauth = "-NOAUTH Authentication required."
        assert peer.say("PING", "FT.SEARCH i a").hear_all(2) == [noauth, noauth]
        assert str(peer.ask("HELLO 3")).startswith("-NOAUTH HELLO must be called")
        assert peer.ask("AUTH wrong") == "-WRONGPASS invalid username-password pair or user is disabled."
        assert peer.say("AUTH secret", "PING", "FT.SEARCH i a").hear_all(3) == ["OK", "PONG", ["value", None]]
        assert peer.say("RESET", "PING").hear_all(2) == ["RESET", noauth]
        assert peer.say("HELLO 3 AUTH default secret", "FT.SEARCH i a").hear_all(2)[1] == {"value": None}


def test_users_of_the_store(port: int) -> None:
    with Peer(port) as admin, Peer(port) as peer:
        admin.ask("ACL SETUSER bob on >pw ~product:* +@all")
        assert str(peer.ask("AUTH bob no")).startswith("-WRONGPASS")
        assert peer.say("AUTH bob pw", "ACL WHOAMI").hear_all(2) == ["OK", b"bob"]
        assert str(peer.ask("GET other")).startswith("-NOPERM")
        assert peer.ask("JSON.GET product:1") == [2, 0, b"bob"]
        assert str(peer.ask("JSON.GET other:1")).startswith("-NOPERM")
        admin.ask("ACL SETUSER eve on nopass ~* +@read")
        assert str(peer.say("AUTH eve x", "CONFIG SET timeout 1").hear_all(2)[1]).startswith("-NOPERM")


def test_what_clients_ask_any_redis(port: int) -> None:
    with Peer(port) as peer:
        peer.say("SET n 12", "SET s " + "x" * 50, "RPUSH l a", "HSET h f v", "XADD x * f v").hear_all(5)
        encodings = peer.say(*(f"OBJECT ENCODING {key}" for key in "nslhx")).hear_all(5)
        assert encodings == [b"int", b"raw", b"listpack", b"listpack", b"stream"]
        assert peer.say("OBJECT REFCOUNT n", "OBJECT ENCODING none").hear_all(2) == [1, None]
        assert peer.ask("CONFIG GET maxmemory*") == [b"maxmemory", b"0", b"maxmemory-policy", b"noeviction"]
        assert peer.say("CONFIG SET timeout 5", "CONFIG GET timeout").hear_all(2) == ["OK", [b"timeout", b"5"]]
        assert peer.say("CONFIG RESETSTAT", "WAIT 1 0", "TOUCH n none").hear_all(3) == ["OK", 0, 1]
        assert peer.ask("MEMORY USAGE s") > 50  # type: ignore[operator]
        assert peer.ask("MEMORY USAGE none") is None
        assert str(peer.ask("OBJECT NOSUCH n")) == "-ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP."
        assert peer.say("FLUSHALL SYNC", "DBSIZE").hear_all(2) == ["OK", 0]
        assert str(peer.ask("DPING")).startswith("-ERR unknown command")


def test_info_and_command(port: int) -> None:
    with Peer(port) as peer:
        text = peer.say("SET a 1 EX 100", "INFO").hear_all(2)[1]
        assert isinstance(text, bytes)
        lines = text.split(b"\r\n")
        for line in (b"redis_version:7.4.0", b"arch_bits:64", b"cluster_enabled:0", b"db0:keys=1,expires=1,avg_ttl=0"):
            assert line in lines
        assert lines[lines.index(b"# Modules") + 2].startswith(b"module:name=search,")
        assert b"# Modules" not in peer.ask("INFO server")  # type: ignore[operator]
        rows = peer.ask("COMMAND INFO get ft.search nope")
        assert [row and row[0] for row in rows] == [b"get", b"FT.SEARCH", None]  # type: ignore[union-attr]
        every = [row[0].lower() for row in peer.ask("COMMAND")]  # type: ignore[union-attr]
        assert len(every) == len(set(every)) == peer.ask("COMMAND COUNT")
        assert [m[1] for m in peer.ask("MODULE LIST")] == [b"ReJSON", b"search"]  # type: ignore[union-attr]
        assert peer.ask("COMMAND GETKEYS ft.search idx q") == [b"idx"]


def test_quit_closes(port: int) -> None:
    with Peer(port) as peer:
        assert peer.say("SET a 1", "QUIT").hear_all(2) == ["OK", "OK"]
        assert peer.closed()


def test_a_client_that_leaves_while_blocked_is_forgotten(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redisvss.doors.connection.LINGER", 0.05)
    with serving(Services(None, store)) as (server, port):
        assert isinstance(server, Server)
        with Peer(port) as leaver:
            leaver.say("BLPOP q 0")
            until(lambda: any(socket._blocked for socket in store.server.sockets))
        until(lambda: server.metrics.connections == 0)
        with Peer(port) as peer:
            assert peer.say("RPUSH q x", "LLEN q").hear_all(2) == [1, 1]


def test_a_subscriber_that_does_not_read_is_dropped_at_redis_limit(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redisvss.doors.connection.LINGER", 0.05)
    with serving(Services(None, store)) as (server, port), Peer(port) as slow, Peer(port) as other:
        slow.ask("SUBSCRIBE a")
        message = b"x" * (1 << 20)
        heard = [other.ask([b"PUBLISH", b"a", message]) for _ in range(60)]
        assert (heard[0], heard[-1]) == (1, 0)
        until(lambda: server.metrics.connections == 1)
        assert other.ask("PING") == "PONG"


def test_a_subscriber_that_reads_late_gets_everything(port: int) -> None:
    with Peer(port) as slow, Peer(port) as other:
        slow.ask("SUBSCRIBE a")
        message = b"x" * (1 << 20)
        for _ in range(16):
            assert other.ask([b"PUBLISH", b"a", message]) == 1
        assert slow.hear_all(16) == [[b"message", b"a", message]] * 16
