"""`redisvss serve` as a process, with the real engine: clients as they come, TLS, metrics, a graceful end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import redis
from harness import Peer
from redis.commands.search.field import NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition
from redis.commands.search.query import Query
from servers import start_redis

READY = re.compile(r"redisvss ready: listening on (.+), upstream (.+), engine (\w+)")


@dataclass
class Served:
    process: subprocess.Popen[str]
    places: list[str]
    engine: str

    @property
    def port(self) -> int:
        return int(self.places[0].rpartition(":")[2])

    def end(self) -> str:
        """SIGTERM; returns what it logged."""
        self.process.send_signal(signal.SIGTERM)
        _, logged = self.process.communicate(timeout=20)
        return logged


@contextmanager
def served(*options: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "redisvss", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = READY.match(line)
        assert ready is not None, line + process.communicate()[1]
        yield Served(process, ready[1].split(), ready[3])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module", params=["embedded", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    if request.param == "embedded":
        with served("--embedded") as running:
            yield running
    else:
        with start_redis() as upstream, served("--upstream", upstream.url) as running:
            yield running


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py_searches_by_vector_and_filter(server: Served, protocol: int) -> None:
    client = redis.Redis(port=server.port, protocol=protocol)
    client.flushall()
    vector = VectorField("v", "FLAT", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "L2"})
    fields = [TagField("brand"), NumericField("price"), TextField("title"), vector]
    client.ft("idx").create_index(fields, definition=IndexDefinition(prefix=["p:"]))
    pipe = client.pipeline(transaction=False)
    for n in range(20):
        blob = np.array([n, 0], np.float32).tobytes()
        pipe.hset(f"p:{n}", mapping={"brand": "ab"[n % 2], "price": n, "title": f"shoe number {n}", "v": blob})
    pipe.execute()
    query = Query("(@brand:{a} @price:[5 100])=>[KNN 3 @v $q AS d]").sort_by("d").return_fields("d").dialect(2)
    found = client.ft("idx").search(query, {"q": np.array([0, 0], np.float32).tobytes()})
    documents = [row["id"] for row in found["results"]] if isinstance(found, dict) else [d.id for d in found.docs]
    assert [d.decode() if isinstance(d, bytes) else d for d in documents] == ["p:6", "p:8", "p:10"]
    assert client.ft("idx").info()
    assert client.ft("idx").dropindex() in ("OK", b"OK", True)


def test_redis_cli(server: Served) -> None:
    cli = shutil.which("redis-cli")
    if cli is None:
        pytest.skip("redis-cli is not on PATH")
    script = "FT.CREATE c PREFIX 1 c: SCHEMA t TEXT\nHSET c:1 t hello\nFT.SEARCH c hello\nFT.DROPINDEX c\n"
    for protocol in ("-2", "-3"):
        run = subprocess.run([cli, protocol, "-p", str(server.port)], input=script, capture_output=True, text=True)
        assert "c:1" in run.stdout.split(), run.stdout + run.stderr


def test_a_stopped_server_has_answered_what_was_under_way() -> None:
    with served("--embedded", "--log-json") as running, Peer(running.port) as peer, Peer(running.port) as idle:
        idle.ask("PING")
        peer.say("FT._LIST", "PING")
        assert peer.hear() == []
        logged = running.end()
        assert peer.hear() == "PONG"
        assert peer.closed()
        assert idle.closed()
        assert running.process.returncode == 0
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert events == ["stopping", "stopped"]


def test_metrics_and_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "redisvss.sock")
    with served("--embedded", "--unix", path, "--metrics-port", "0") as running:
        client = redis.Redis(unix_socket_path=path)
        client.execute_command("FT.CREATE", "i", "SCHEMA", "t", "TEXT")
        client.hset("k", "t", "x")
        assert client.execute_command("FT.SEARCH", "i", "x", "NOCONTENT")
        host = running.places[-1]
        with urllib.request.urlopen(f"http://{host}/metrics") as page:
            lines = page.read().decode().splitlines()
        assert 'redisvss_index_documents{index="i"} 1' in lines
        assert 'redisvss_command_seconds_count{command="FT.SEARCH"} 1' in lines
        assert any(line.startswith("redisvss_feed_seconds ") for line in lines)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{host}/")
        info = client.info("redisvss")
        assert (info["indexes"], info["documents"]) == (1, 1)


def test_a_service_manager_is_told_of_readiness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        with served("--embedded"):
            assert manager.recv(100) == b"READY=1"


def test_tls(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on PATH")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *subject,
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    with served("--embedded", "--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        client = redis.Redis(port=running.port, ssl=True, ssl_ca_certs=str(certificate))
        assert client.set("a", "x" * 100_000)
        assert client.execute_command("FT._LIST") in ([], set())
        with socket.create_connection(("127.0.0.1", running.port)) as plain:
            plain.sendall(b"PING\r\n")
            plain.settimeout(10)
            with suppress(ConnectionError):
                assert not plain.recv(100).startswith(b"+PONG")
        context = ssl.create_default_context(cafile=str(certificate))
        with (
            socket.create_connection(("127.0.0.1", running.port)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"PING\r\n")
            assert secure.recv(100) == b"+PONG\r\n"


def test_an_unreachable_redis_is_said_at_once() -> None:
    command = [sys.executable, "-m", "redisvss", "serve", "--upstream", "redis://127.0.0.1:1", "--port", "0"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert run.returncode == 1
    assert "error:" in run.stderr
    assert "127.0.0.1:1" in run.stderr
    assert "Traceback" not in run.stderr
