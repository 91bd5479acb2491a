"""Products of codes are whole numbers: the same on every processor, whichever instructions it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest

pytestmark = pytest.mark.timeout(600)  # each way compiles two small kernels

SCRIPT = """
import json
import numpy as np
from numba import njit
from redisvss.index.kernels.products import BIAS, MOST_STEPS, QUERIES, ROWS, products

@njit
def run(codes, block, queries, group, out):
    products(codes, block, queries, group, out)

rng = np.random.default_rng(1)
width, wrong = 40, 0
rows = rng.choice([-127, 127, 0, 5, -90], (3 * ROWS, width)).astype(np.int8)
codes = np.ascontiguousarray(rows.reshape(3, ROWS, width // 4, 4).transpose(0, 2, 1, 3)).reshape(3, -1)
wide = rng.choice([-32767, 32767, 0, 1], (2, width)).astype(np.int16)
narrow = rng.choice([-MOST_STEPS, MOST_STEPS, 0, 3], (2 * QUERIES, width)).astype(np.int8)
groups = narrow.reshape(2, QUERIES, width // 4, 4).transpose(0, 2, 1, 3)
groups = np.ascontiguousarray(groups).reshape(2, -1)
for block in range(3):
    mine = rows[block * ROWS : (block + 1) * ROWS].astype(np.int64)
    for group in range(2):
        one, eight = np.zeros((1, ROWS), np.int32), np.zeros((QUERIES, ROWS), np.int32)
        run(codes, block, wide, group, one)
        run(codes, block, groups, group, eight)
        few = narrow[group * QUERIES : (group + 1) * QUERIES].astype(np.int64)
        wrong += int((one[0] != mine @ wide[group].astype(np.int64)).sum())
        wrong += int((eight != few @ (mine + BIAS).T).sum())
text = "".join(run.inspect_asm().values())
print(json.dumps({"wrong": wrong, "pairs": "pmaddubsw" in text, "zmm": "%zmm" in text}))
"""


def ways() -> list[str | None]:
    """NUMBA_CPU_FEATURES for each way this machine can take: what it has, AVX2 alone, none."""
    features = llvm.get_host_cpu_features()
    return [None] + (["+avx,+avx2"] if features.get("avx2") else []) + ["-avx"]


@pytest.mark.parametrize("features", ways())
def test_every_way_gives_the_same_whole_numbers(features: str | None, tmp_path: Path) -> None:
    forced = {} if features is None else {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    environment = os.environ | forced | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == 0
    host = llvm.get_host_cpu_features()
    assert found["pairs"] == (bool(host.get("avx2")) if features is None else "+avx2" in features)
    assert found["zmm"] == (bool(host.get("avx512bw")) and features is None)
