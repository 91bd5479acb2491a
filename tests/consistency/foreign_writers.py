"""Processes that know nothing of redisvss and change documents through plain redis-py, and what each change leaves.

Every slot is written by one process and goes through versions 1, 2, 3 …; what a slot's keys hold at a version follows
from the number alone. A writer counts a version as sent before it sends it and as acknowledged once Redis has answered.
So a search may find any version between what was acknowledged before it began and what was sent before it ended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PREFIX = b"doc:"
STAMP = b"stamp"  # the field that holds the version of the write it comes from
PAD = b"x" * 256
CYCLE = 8


def key(slot: int, name: str) -> bytes:
    """name: x or y, under the prefix, or out, outside of it."""
    return (b"out:%d" if name == "out" else PREFIX + b"%d:" + name.encode()) % slot


def stamp(version: int, name: str) -> int | None:
    """What the key's stamp is at a version; None: no document there."""
    match version % CYCLE, name:
        case (1 | 2 | 6, "x") | (4, "y"):
            return version - 2 if version % CYCLE == 6 else version
        case (3, "y") | (5, "out"):
            return version - 1
        case (0, "x" | "y") if version:
            return version
    return None


def write(pipe: Any, slot: int, version: int) -> None:
    """Queue the command that takes a slot from the version before to this one."""
    x, y, out = (key(slot, name) for name in ("x", "y", "out"))
    document = {STAMP: version, b"pad": PAD}
    match version % CYCLE:
        case 1:
            pipe.delete(y)
            pipe.hset(x, mapping=document)
        case 2:
            pipe.hset(x, STAMP, version)
        case 3:
            pipe.rename(x, y)
        case 4:
            pipe.hset(y, mapping=document)
        case 5:
            pipe.rename(y, out)
        case 6:
            pipe.rename(out, x)
        case 7:
            leave(pipe, x, version)
        case 0:
            pipe.delete(x)
            pipe.hset(x, mapping=document)
            pipe.hset(y, mapping=document)


def leave(pipe: Any, x: bytes, version: int) -> None:
    """The ways a document can cease to be one."""
    match version // CYCLE % 4:
        case 0:
            pipe.delete(x)
        case 1:
            pipe.set(x, "no hash")
        case 2:
            pipe.hdel(x, STAMP, b"pad")
        case 3:
            pipe.pexpireat(x, int(time.time() * 1000) + 10)


def expires(version: int) -> bool:
    return version % CYCLE == 7 and version // CYCLE % 4 == 3


def repair(pipe: Any, slot: int, version: int) -> None:
    """Queue what makes the slot's keys hold this version, whether the command that should have was executed or not."""
    for name in ("x", "y", "out"):
        pipe.delete(key(slot, name))
        if (value := stamp(version, name)) is not None:
            pipe.hset(key(slot, name), mapping={STAMP: value, b"pad": PAD})


def run(port: int, slots: Sequence[int], batch: int, sent: Any, acknowledged: Any, stop: Any) -> None:
    """Write `batch` slots per round trip, each in a transaction of its own, until `stop` is set."""
    # No retries of redis-py's own: a transaction sent twice is another history than the one that is checked.
    client = redis.Redis(port=port, socket_timeout=10, retry=Retry(NoBackoff(), 0))
    while not stop.value:
        for first in range(0, len(slots), batch):
            if stop.value:
                return
            _write_batch(client, slots[first : first + batch], sent, acknowledged)


def _write_batch(client: redis.Redis, slots: Sequence[int], sent: Any, acknowledged: Any) -> None:
    for slot in slots:
        sent[slot] += 1
    try:
        _execute(client, slots, sent, write)
    except (redis.ConnectionError, redis.TimeoutError):
        _repair_until_done(client, slots, sent)
    if any(expires(sent[slot]) for slot in slots):
        _wait_for_expiry(client)
    for slot in slots:
        acknowledged[slot] = sent[slot]


def _execute(client: redis.Redis, slots: Sequence[int], sent: Any, queue: Any) -> None:
    with client.pipeline(transaction=True) as pipe:
        for slot in slots:
            queue(pipe, slot, sent[slot])
        pipe.execute()


def _repair_until_done(client: redis.Redis, slots: Sequence[int], sent: Any) -> None:
    while True:
        try:
            return _execute(client, slots, sent, repair)
        except (redis.ConnectionError, redis.TimeoutError):
            time.sleep(0.01)


def _wait_for_expiry(client: redis.Redis) -> None:
    """By the server's clock, without touching the key: reading it would make the server delete and report it."""
    deadline = time.time() + 0.011
    while True:
        try:
            seconds, microseconds = client.time()
        except (redis.ConnectionError, redis.TimeoutError):
            time.sleep(0.01)
            continue
        if seconds + microseconds / 1e6 > deadline:
            return
