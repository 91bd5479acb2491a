"""What breaks, and whom it touches."""

from __future__ import annotations

import random
import socket

import pytest
from harness import FakeEngine, Peer, Proxy, proxy_before, serving, until
from servers import free_port, start_redis

from redisvss.doors.link import Upstream
from redisvss.doors.resp import ProtocolError
from redisvss.doors.server import Services

LOST = "-ERR redisvss: the connection to the upstream Redis was lost"


def test_a_dying_redis_ends_its_clients_with_a_clear_error_and_new_ones_work_again() -> None:
    with start_redis() as process, proxy_before(process) as proxy, proxy.peer() as blocked, proxy.peer() as idle:
        blocked.say("SET a 1").hear()
        idle.ask("PING")
        blocked.say("BLPOP q 0", "FT.SEARCH i a")
        process.stop()
        assert blocked.hear() == LOST
        assert blocked.closed()
        assert idle.closed()
        with proxy.peer() as early:
            assert str(early.hear()).startswith("-ERR redisvss: the upstream Redis cannot be reached")
            assert early.closed()
        process.start()
        with proxy.peer() as later:
            assert later.say("SET a 2", "FT.SEARCH i a").hear_all(2) == ["OK", ["value", b"2"]]


def test_a_redis_that_dies_during_a_command_of_ours() -> None:
    with start_redis() as process, proxy_before(process) as proxy, proxy.peer() as peer:
        peer.say("FT.INFO i")
        until(lambda: proxy.engine.ran)
        process.stop()
        assert peer.hear() == LOST
        proxy.engine.gate.set()
        assert peer.closed()


def test_no_redis_at_all() -> None:
    services = Services(FakeEngine(lambda key: None), Upstream("127.0.0.1", free_port()))
    with serving(services) as (_, port), Peer(port) as peer:
        assert str(peer.say("PING").hear()).startswith("-ERR redisvss: the upstream Redis cannot be reached")


def test_an_engine_fault_is_an_error_reply_not_a_lost_connection(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(args: object, session: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(proxy.engine, "execute", fail)
    with proxy.peer() as peer:
        replies = peer.say("FT.SEARCH i a", "PING").hear_all(2)
    assert replies == ["-ERR redisvss: internal error, see the server's log", "PONG"]


def test_garbage_on_one_connection_leaves_the_others_answered(proxy: Proxy) -> None:
    rng = random.Random(5)
    with proxy.peer() as other:
        for _ in range(200):
            with proxy.peer() as vandal:
                vandal.socket.sendall(
                    rng.choice([b"*", b"*3\r\n$", b"", b"*1\r\n$5\r\n"]) + rng.randbytes(rng.randrange(60))
                )
            assert other.ask("PING") == "PONG"
        assert other.ask("FT.SEARCH i a") == ["value", None]
    until(lambda: proxy.server.metrics.connections == 0)


def test_a_stopping_server_lets_a_command_under_way_finish() -> None:
    with start_redis() as process:
        with proxy_before(process) as proxy:
            peer = proxy.peer()
            peer.say("SET a 1", "FT.SEARCH i a", "PING")
            assert peer.hear() == "OK"
        assert peer.hear_all(2) == [["value", b"1"], "PONG"]
        assert peer.closed()


def test_a_client_that_vanished_without_a_word_is_noticed_by_the_system(proxy: Proxy) -> None:
    with proxy.peer() as peer:
        peer.ask("PING")
        (client,) = proxy.server._clients
        ours = client._transport.get_extra_info("socket")
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_slow_reader_of_a_dying_redis_gets_what_had_arrived_and_is_closed() -> None:
    value = b"x" * (8 << 20)
    with start_redis() as process, proxy_before(process) as proxy, proxy.peer() as slow:
        slow.ask([b"SET", b"a", value])
        slow.say(*["GET a"] * 8)
        (client,) = proxy.server._clients
        until(lambda: client._client_full)
        process.stop()
        replies = []
        with pytest.raises((ConnectionError, ProtocolError)):
            while True:
                replies.append(slow.hear())
        assert all(reply in (value, LOST) for reply in replies)
        until(lambda: proxy.server.metrics.connections == 0)
