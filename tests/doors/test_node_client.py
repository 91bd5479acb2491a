"""A client of another language: the npm package `redis`, installed with `npm install` in tests/doors/node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import start_redis
from test_serve_process import served

HERE = Path(__file__).parent / "node"


@pytest.mark.parametrize("behind", ["embedded", "redis"])
def test_the_npm_client(behind: str) -> None:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip("node, or `npm install` in tests/doors/node, is missing")
    if behind == "embedded":
        with served("--embedded") as running:
            check(node, running.port)
    else:
        with start_redis() as upstream, served("--upstream", upstream.url) as running:
            check(node, running.port)


def check(node: str, port: int) -> None:
    environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}"}
    run = subprocess.run([node, "--test"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout
