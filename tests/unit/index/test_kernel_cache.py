"""Compiled kernels are kept on disk, and never outlive the texts they were compiled from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import redisvss
from redisvss.index.kernels import cache

pytestmark = pytest.mark.timeout(600)

CALL = """
import json, sys
import numpy as np
from redisvss.index.kernels import cache, scan
from redisvss.index.kernels.arith import SQUARED_L2
rows, out = np.full((1, 4), 2, np.float32), np.empty(1)
scan.measure_all(np.zeros(4), rows, 0, 1, SQUARED_L2, out)
hits = sum(scan.measure_all.stats.cache_hits.values())
print(json.dumps([out[0], hits, str(cache.directory())]))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of the package that may be upgraded in place."""
    root = tmp_path / "site"
    shutil.copytree(Path(redisvss.__file__).parent, root / "redisvss", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def call(root: Path, **environment: str) -> list[object]:
    import json

    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", CALL], cwd=root, env=inherited | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result: list[object] = json.loads(done.stdout)
    return result


def test_an_upgrade_in_place_of_a_called_kernel_is_noticed(installed: Path) -> None:
    first, second = call(installed), call(installed)
    assert first[:2] == [16.0, 0] and second[:2] == [16.0, 1]
    beside = installed / "redisvss/index/kernels/__pycache__"
    assert Path(str(first[2])).parent == beside

    arith = installed / "redisvss/index/kernels/arith.py"
    text = arith.read_text("utf-8")
    assert text.count("total += gap * gap") == 1
    arith.write_text(text.replace("total += gap * gap", "total += 3 * gap * gap"), "utf-8")
    assert call(installed)[:2] == [48.0, 0]
    assert len(list(beside.glob("redisvss-kernels-*"))) == 1  # the earlier texts' code is gone


def test_a_directory_of_the_users_own_serves_where_the_package_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = Path(cache.__file__).parent / "__pycache__"
    before = cache._writable
    monkeypatch.setattr(cache, "_writable", lambda folder: beside not in folder.parents and before(folder))
    monkeypatch.setattr(cache._config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    chosen = cache.directory.__wrapped__()
    assert chosen is not None and chosen.parent == tmp_path / "redisvss" and chosen.is_dir()


def test_a_directory_given_to_numba_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache._config, "CACHE_DIR", str(tmp_path))
    assert cache.directory.__wrapped__() == tmp_path / f"redisvss-kernels-{cache.text_print(cache._HERE)}"


def test_without_any_writable_directory_kernels_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_writable", lambda folder: False)
    assert cache.directory.__wrapped__() is None
    monkeypatch.setattr(cache, "directory", lambda: None)
    with cache.kept() as usable:
        assert not usable


def test_the_print_follows_names_and_texts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x")
    one = cache.text_print(tmp_path)
    (tmp_path / "a.py").write_text("y")
    two = cache.text_print(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({one, two, cache.text_print(tmp_path)}) == 3
