"""Before a Redis with its own search module: FT.* and JSON.* go to it untouched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
import redis
from harness import Peer, serving
from servers import free_port

from redisvss.doors import services


@pytest.fixture(scope="module")
def native() -> Iterator[int]:
    """A Redis Stack of our own; REDISVSS_NATIVE_SERVER is a program that starts one on the port it is given."""
    program = shutil.which(os.environ.get("REDISVSS_NATIVE_SERVER", "native-redis"))
    if program is None:
        pytest.skip("REDISVSS_NATIVE_SERVER names no reference server")
    port = free_port()
    process = subprocess.Popen([program, str(port)], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        client = redis.Redis(port=port)
        for _ in range(600):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.native
def test_auto_leaves_search_and_json_to_the_modules(native: int) -> None:
    beside = services.beside(f"redis://127.0.0.1:{native}")
    assert beside.engine is None
    same = ["FT.SEARCH i hello", "FT.INFO nope", "JSON.GET j", "COMMAND INFO ft.search", "MODULE LIST", "COMMAND COUNT"]
    with serving(beside) as (_, port), Peer(port) as through, Peer(native) as direct:
        through.say("FT.CREATE i PREFIX 1 d: SCHEMA t TEXT", "HSET d:1 t hello", "JSON.SET j $ 1").hear_all(3)
        for line in [*same, "MULTI", "FT.SEARCH i hello", "EXEC"]:
            assert through.say(line).frame() == direct.say(line).frame()
        assert through.ask("FT.DROPINDEX i") == "OK"


@pytest.mark.native
def test_local_answers_itself_all_the_same(native: int) -> None:
    beside = services.beside(f"redis://127.0.0.1:{native}", "local")
    try:
        with serving(beside) as (server, port), Peer(port) as peer:
            assert peer.ask("FT._LIST") == []
            assert server.metrics.own["FT._LIST"].count == 1
    finally:
        beside.close()
