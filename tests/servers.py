"""Real servers for tests: a redis-server of one's own on a free port, ended when the test is done."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

START_SECONDS = 10.0


class RedisProcess:
    """A redis-server on loopback. Not persistent, so `restart` brings it back empty."""

    def __init__(self, binary: str, **options: str) -> None:
        """options: redis.conf settings, underscores for dashes."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]
        for name, value in options.items():
            self._command += [f"--{name.replace('_', '-')}", str(value)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        client = self.client()
        while True:
            try:
                client.execute_command("INFO")
                client.close()
                return
            except (redis.ResponseError, redis.AuthenticationError):  # up, and asks for a password
                return
            except redis.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"did not start: {' '.join(self._command)}") from None
                time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, **kwargs: object) -> redis.Redis:
        return redis.Redis(port=self.port, **kwargs)  # type: ignore[arg-type]


@contextmanager
def start_redis(**options: str) -> Iterator[RedisProcess]:
    """A running server; skips the test where there is no redis-server, fails it where CI should have one."""
    wanted = os.environ.get("REDIS_SERVER", "redis-server")  # another version or kind of server to test with
    binary = shutil.which(wanted)
    if binary is None:
        message = f"{wanted} is not on PATH"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    server = RedisProcess(binary, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
