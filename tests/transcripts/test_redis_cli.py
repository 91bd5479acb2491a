"""The printer says what redis-cli says."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from doors.harness import Peer
from redis_cli import printed
from servers import start_redis

from redisvss.doors.resp import decode, split_inline

COMMANDS = r"""
PING
GET nothing
ECHO "a\x00\xff\"\\\n\r\t\a\b "
NOSUCH
LRANGE nothing 0 -1
RPUSH l a b c d e f g h i j k
INCR l
LRANGE l 0 -1
HSET h f 1
HGETALL h
HSET h g 2
HGETALL h
HGETALL nothing
SADD s one
SMEMBERS s
SMEMBERS nothing
ZADD z 1.5 a inf b
ZRANGE z 0 -1 WITHSCORES
ZSCORE z a
COMMAND INFO get hset
COMMAND DOCS get
XADD x 1-1 f v
XREAD STREAMS x 0
EVAL 'return {1, {2, {"a", "b"}, {}}, "c"}' 0
""".strip().splitlines()


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_are_printed_as_redis_cli_prints_them(protocol: int) -> None:
    binary = shutil.which("redis-cli")
    if binary is None:
        pytest.skip("redis-cli is not on PATH")
    flags = ["-3"] if protocol == 3 else []
    with start_redis() as process, Peer(process.port) as peer:
        script = "\n".join(["FLUSHALL", *COMMANDS, ""])
        arguments = [binary, "-p", str(process.port), "--no-raw", *flags]
        theirs = subprocess.run(arguments, input=script, capture_output=True, text=True, check=True).stdout
        peer.ask(f"HELLO {protocol}")
        ours = [line for command in ["FLUSHALL", *COMMANDS] for line in _answered(peer, command)]
        assert ours == [line for line in theirs.split("\n") if line]


def _answered(peer: Peer, command: str) -> tuple[str, ...]:
    words = split_inline(command.encode())
    assert words is not None
    return printed(decode(peer.say(words).frame()))
