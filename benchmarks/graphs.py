"""The same vectors in our graph and in hnswlib's, built by turns so that both see the machine in the same mood.

Kept in a directory, when one is given, as two files in hnswlib's format: a build that ran out of time goes on there.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import hnswlib
import numpy as np

from redisvss.index import hnswlib_file
from redisvss.index.vectors import Metric, VectorIndex, VectorParams

_M, _EF_CONSTRUCTION = 16, 200
_TURN = 10_000  # rows


@dataclass
class Builds:
    """CPU seconds over all threads, and rows, of builds that may have been interrupted."""

    rows: int = 0
    ours: float = 0.0
    theirs: float = 0.0


class Graphs:
    """Both graphs over unit vectors (n, dim) float32: `ours` under COSINE, `theirs` in the space "ip"."""

    def __init__(self, vectors: np.ndarray, keep: Path | None) -> None:
        self.vectors, self._keep = vectors, keep
        self.ours = VectorIndex(VectorParams("HNSW", "FLOAT32", vectors.shape[1], Metric.COSINE))
        self.ours.warm()
        self.theirs = hnswlib.Index("ip", vectors.shape[1])
        self.builds = Builds()
        if keep is not None and (keep / "builds.json").exists():
            self._restore(keep)
        else:
            self.theirs.init_index(len(vectors), M=_M, ef_construction=_EF_CONSTRUCTION)

    def build(self, seconds: float) -> bool:
        """Add what is missing for as long as there is time; whether all of it is there."""
        end = time.monotonic() + seconds
        while self.builds.rows < len(self.vectors) and time.monotonic() < end:
            self._turn()
        if self._keep is not None:
            self._save(self._keep)
        return self.builds.rows == len(self.vectors)

    def _turn(self) -> None:
        first = self.builds.rows
        ids = np.arange(first, min(first + _TURN, len(self.vectors)))
        start = time.process_time()
        self.ours.put(ids, self.vectors[ids])
        self.ours.compact()
        between = time.process_time()
        self.theirs.add_items(self.vectors[ids], ids)
        self.builds.ours += between - start
        self.builds.theirs += time.process_time() - between
        self.builds.rows += len(ids)

    def _restore(self, keep: Path) -> None:
        self.builds = Builds(**json.loads((keep / "builds.json").read_text()))
        self.ours = hnswlib_file.load(keep / "ours.hnsw", Metric.COSINE)
        self.theirs.load_index(str(keep / "theirs.hnsw"), len(self.vectors))

    def _save(self, keep: Path) -> None:
        keep.mkdir(parents=True, exist_ok=True)
        hnswlib_file.save(self.ours, keep / "ours.hnsw")
        self.theirs.save_index(str(keep / "theirs.hnsw"))
        (keep / "builds.json").write_text(json.dumps(asdict(self.builds)))

    def summary(self) -> str:
        """One line: sizes and build times."""
        n, dim = self.vectors.shape
        b = self.builds
        memory = self.ours.memory_bytes() / (self.theirs.index_file_size() + self.vectors.nbytes)
        return (
            f"{b.rows} of {n} × {dim}; build {b.ours:.1f} s CPU, hnswlib {b.theirs:.1f}: ratio {b.ours / b.theirs:.2f}"
            f"; memory / (hnswlib + the vectors once) {memory:.2f}"
        )
