"""The server before a real Redis: order, transactions, every mode a connection can be in, and who suffers for whom."""

from __future__ import annotations

import socket

import pytest
import redis
from harness import Proxy, until


def test_plain_commands_pass_through_byte_for_byte(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("SET a 1", "GET a", "LRANGE nothing 0 -1", "GET nothing", "NOSUCH x")
        frames = [peer.frame() for _ in range(5)]
    assert frames[:4] == [b"+OK\r\n", b"$1\r\n1\r\n", b"*0\r\n", b"$-1\r\n"]
    with pytest.raises(redis.ResponseError) as unknown, proxy.redis.client() as direct:
        direct.execute_command("NOSUCH", "x")
    assert frames[4] == b"-ERR %b\r\n" % str(unknown.value).encode()  # its last space included


def test_inline_commands_and_any_split(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        for byte in b'SET a "b c"\r\n*3\r\n$9\r\nFT.SEARCH\r\n$1\r\ni\r\n$1\r\na\r\nGET a\r\n':
            peer.socket.send(bytes([byte]))
        assert peer.hear_all(3) == ["OK", ["value", b"b c"], b"b c"]


def test_a_search_in_a_pipeline_sees_what_came_before_and_not_what_comes_behind(proxy: Proxy) -> None:
    lines, expected = [], []
    for n in range(50):
        lines += [f"SET a {n}", "FT.SEARCH i a", f"SET a later{n}"]
        expected += ["OK", ["value", str(n).encode()], "OK"]
    with proxy.peer() as peer:
        assert peer.say(*lines).hear_all(150) == expected


def test_replies_keep_their_order_behind_a_blocking_command(proxy: Proxy) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        peer.say("BLPOP q 0", "FT.SEARCH i a", "PING")
        assert other.ask("RPUSH q x") == 1
        assert peer.hear_all(3) == [[b"q", b"x"], ["value", None], "PONG"]


def test_errors_of_ours_leave_the_connection_usable(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.say("FT.EXPLAIN i q", "ECHO x").hear_all(2) == ["-Syntax error at offset 0", b"x"]


def test_both_protocols(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.say("FT.SEARCH i a").frame() == b"*2\r\n+value\r\n$-1\r\n"
        greeting = peer.ask("HELLO 3")
        assert isinstance(greeting, dict)
        assert [module[b"name"] for module in greeting[b"modules"]] == [b"ReJSON", b"search"]
        assert peer.say("FT.SEARCH i a").frame() == b"%1\r\n+value\r\n_\r\n"
        assert peer.ask("FT.ALTER i") == [3, 0, b"default"]
        assert isinstance(peer.ask("HELLO 2"), list)
        assert peer.ask("FT.ALTER i") == [2, 0, b"default"]


def test_probes_for_modules(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.ask("COMMAND INFO ft.search get nope")[0][:2] == [b"FT.SEARCH", -1]  # type: ignore[index]
        assert b"module:name=search,ver=21033" in peer.ask("INFO modules")  # type: ignore[operator]
        assert b"connected_clients:1" in peer.ask("INFO redisvss")  # type: ignore[operator]
        names = [row[1] for row in peer.ask("MODULE LIST")]  # type: ignore[union-attr, index]
        assert names == [b"ReJSON", b"search"]
        count = peer.ask("COMMAND COUNT")
        assert count == len(peer.ask("COMMAND"))  # type: ignore[arg-type]


def test_transaction_runs_ours_after_redis_and_splices(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("MULTI", "FT.SEARCH i a", "SET a 1", "FT.SEARCH i a", "INCR a", "EXEC", "PING")
        assert peer.hear_all(5) == ["OK", *["QUEUED"] * 4]
        assert peer.hear() == [["value", b"2"], "OK", ["value", b"2"], 2]
        assert peer.hear() == "PONG"


def test_failed_watch_runs_nothing_of_ours(proxy: Proxy) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        assert peer.say("SET a 1", "WATCH a", "MULTI", "FT.SEARCH i a").hear_all(4)[3] == "QUEUED"
        assert other.ask("SET a 2") == "OK"
        assert peer.ask("EXEC") is None
        assert proxy.engine.ran == []
        assert peer.ask("FT.SEARCH i a") == ["value", b"2"]


def test_transaction_of_ours_alone_honours_watch(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.say("WATCH a", "MULTI", "FT.SEARCH i a", "EXEC").hear_all(4)[3] == [["value", None]]


def test_an_error_while_queueing_aborts_ours_too(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        replies = peer.say("MULTI", "FT.SEARCH i a", "NOSUCH", "EXEC", "PING").hear_all(5)
        assert replies[3:] == ["-EXECABORT Transaction discarded because of previous errors.", "PONG"]
        assert proxy.engine.ran == []


def test_an_error_while_executing_is_an_element(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("SET a x", "MULTI", "INCR a", "FT.EXPLAIN i q", "FT.SEARCH i a", "EXEC").hear_all(5)
        frame = peer.frame()
    assert frame.startswith(
        b"*3\r\n-ERR value is not an integer or out of range\r\n-Syntax error at offset 0\r\n*2\r\n"
    )


def test_probes_and_select_inside_a_transaction(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("MULTI", "COMMAND COUNT", "SELECT 5", "EXEC", "COMMAND COUNT", "FT.ALTER i")
        replies = peer.hear_all(6)
    assert replies[3] == [replies[4], "OK"]
    assert replies[5] == [2, 5, b"default"]


def test_discard_and_reset_forget_the_transaction(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.say("MULTI", "FT.SEARCH i a", "DISCARD", "FT.SEARCH i a").hear_all(4)[3] == ["value", None]
        assert peer.say("HELLO 3", "SELECT 3", "MULTI", "RESET", "FT.ALTER i").hear_all(5)[4] == [2, 0, b"default"]


def test_client_reply_off_and_skip(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("CLIENT REPLY SKIP", "SET a 1", "FT.SEARCH i a", "CLIENT REPLY OFF", "SET a 2", "FT.SEARCH i a")
        peer.say("CLIENT REPLY ON", "GET a")
        assert peer.hear_all(3) == [["value", b"1"], "OK", b"2"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_publish_and_subscribe(proxy: Proxy, protocol: int) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        peer.ask(f"HELLO {protocol}")
        peer.say("SUBSCRIBE a b", "PSUBSCRIBE c*")
        assert peer.hear_all(3)[2] == [b"psubscribe", b"c*", 3]
        assert other.say("PUBLISH a hi", "PUBLISH cd ho").hear_all(2) == [1, 1]
        assert peer.hear_all(2) == [[b"message", b"a", b"hi"], [b"pmessage", b"c*", b"cd", b"ho"]]
        if protocol == 3:
            assert peer.say("FT.SEARCH i a", "PING").hear_all(2) == [{"value": None}, "PONG"]
        else:
            assert str(peer.ask("FT.SEARCH i a")).startswith("-ERR Can't execute 'ft.search': only (P|S)SUBSCRIBE")
            assert peer.ask("PING") == [b"pong", b""]
        peer.say("UNSUBSCRIBE", "PUNSUBSCRIBE", "UNSUBSCRIBE", "FT.SEARCH i a")
        assert sorted(reply[1] for reply in peer.hear_all(2)) == [b"a", b"b"]  # type: ignore[index]
        assert peer.hear() == [b"punsubscribe", b"c*", 0]
        unsubscribed_from_nothing = peer.hear()  # which Valkey refuses in RESP2 as in RESP3
        assert unsubscribed_from_nothing == [b"unsubscribe", None, 0] or "NOSUB" in str(unsubscribed_from_nothing)
        assert peer.hear() == ({"value": None} if protocol == 3 else ["value", None])


def test_messages_arrive_while_a_command_of_ours_runs(proxy: Proxy) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        peer.say("HELLO 3", "SUBSCRIBE a").hear_all(2)
        peer.say("FT.INFO i")
        assert other.ask("PUBLISH a hi") == 1
        assert peer.hear() == [b"message", b"a", b"hi"]
        proxy.engine.gate.set()
        assert peer.hear() == "opened"


def test_subscribing_to_nothing_is_an_error_in_its_place(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        replies = peer.say("SUBSCRIBE", "FT.SEARCH i a").hear_all(2)
    assert replies == ["-ERR wrong number of arguments for 'subscribe' command", ["value", None]]


def test_client_tracking_pushes_pass(proxy: Proxy) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        peer.say("HELLO 3", "CLIENT TRACKING ON", "GET a").hear_all(3)
        other.ask("SET a 1")
        assert peer.hear() == [b"invalidate", [b"a"]]
        assert peer.say("GET a", "FT.SEARCH i a").hear_all(2) == [b"1", {"value": b"1"}]


def test_monitor_and_commands_on_the_same_connection(proxy: Proxy) -> None:
    with proxy.peer() as peer, proxy.peer() as other:
        assert peer.ask("MONITOR") == "OK"
        other.ask("SET a 1")
        assert str(peer.hear()).endswith('"SET" "a" "1"')
        peer.say("RESET", "FT.SEARCH i a")
        replies = [peer.hear()]
        while replies[-1] != ["value", b"1"]:
            replies.append(peer.hear())
        assert "RESET" in replies


def test_a_broken_stream_gets_redis_error_behind_the_replies_due(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("FT.SEARCH i a", "PING").socket.sendall(b"*1\r\nhello\r\n")
        assert peer.hear_all(3) == [["value", None], "PONG", "-ERR Protocol error: expected '$', got 'h'"]
        assert peer.closed()


def test_quit(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        assert peer.say("FT.SEARCH i a", "QUIT").hear_all(2) == [["value", None], "OK"]
        assert peer.closed()


def test_a_client_that_only_closed_its_sending_side_gets_its_replies(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("SET a 1", "FT.SEARCH i a", "GET a").socket.shutdown(socket.SHUT_WR)
        assert peer.hear_all(3) == ["OK", ["value", b"1"], b"1"]
        assert peer.closed()


def test_a_search_does_not_hold_up_other_clients(proxy: Proxy) -> None:
    with proxy.peer() as slow, proxy.peer() as other:
        slow.say("FT.INFO i")
        assert other.say("SET a 1", "FT.SEARCH i a").hear_all(2) == ["OK", ["value", b"1"]]
        proxy.engine.gate.set()
        assert slow.hear() == "opened"


def test_a_client_that_leaves_during_its_search_harms_nobody(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redisvss.doors.connection.LINGER", 0.05)
    with proxy.peer() as other:
        with proxy.peer() as leaver:
            leaver.say("FT.INFO i", "SET a 1")
            until(lambda: [b"FT.INFO", b"i"] in proxy.engine.ran)
        until(lambda: proxy.server.metrics.connections == 1)
        proxy.engine.gate.set()
        assert other.say("FT.SEARCH i a", "PING").hear_all(2) == [["value", None], "PONG"]


def test_a_slow_reader_is_not_served_ahead_and_loses_nothing(proxy: Proxy) -> None:
    """What it does not read stays in Redis and in its own socket: the server stops taking commands from it."""
    value = b"x" * (1 << 20)
    with proxy.peer() as slow, proxy.peer() as other:
        slow.ask([b"SET", b"a", value])
        requests = 48
        slow.say(*["GET a"] * requests)
        assert other.ask("PING") == "PONG"
        client = next(iter(c for c in proxy.server._clients if c._pending or c._client_full))
        until(lambda: client._client_full)
        assert client._transport.get_write_buffer_size() < 8 << 20
        assert slow.hear_all(requests) == [value] * requests


def test_many_pipelined_commands_of_a_client_that_does_not_read(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.say("SET a 1").hear()
        for _ in range(20):
            peer.say(*["GET a"] * 2000)
        peer.say("FT.SEARCH i a")
        assert peer.hear_all(40_000) == [b"1"] * 40_000
        assert peer.hear() == ["value", b"1"]


def test_large_values_both_ways(proxy: Proxy) -> None:
    value = bytes(range(256)) * (1 << 16)  # 16 MB
    with proxy.peer() as peer:
        assert peer.say([b"SET", b"a", value], "STRLEN a", "GET a").hear_all(3) == ["OK", len(value), value]
        assert peer.say("MULTI", "GET a", "FT.SEARCH i nothing", "EXEC").hear_all(4)[3] == [value, ["value", None]]


def test_a_thousand_idle_connections(proxy: Proxy) -> None:
    peers = [proxy.peer() for _ in range(1000)]
    try:
        assert all(peer.ask("PING") == "PONG" for peer in peers[::100])
        assert peers[500].say("SET a 1", "FT.SEARCH i a").hear_all(2) == ["OK", ["value", b"1"]]
        assert proxy.server.metrics.connections == 1000
    finally:
        for peer in peers:
            peer.socket.close()
    until(lambda: proxy.server.metrics.connections == 0)
