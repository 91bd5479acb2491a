"""Data sets and truth for the vector benchmarks: made here, from fixed seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def embeddings(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Unit vectors (n, dim) float32 shaped like text embeddings: clusters in a space of low intrinsic dimension."""
    shape = np.random.default_rng(12345)
    basis = shape.normal(size=(32, dim)).astype(np.float32)
    centres = 1.5 * shape.normal(size=(100, 32)).astype(np.float32)
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 32)).astype(np.float32) + centres[rng.integers(0, 100, n)]
    vectors = latent @ basis + 0.3 * rng.normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def hostile(kind: str, n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Vectors (n, dim) float32 on which approximate arithmetic goes wrong most easily."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim))
    match kind:
        case "clustered":
            vectors = rng.normal(size=(20, dim))[rng.integers(0, 20, n)] * 3 + vectors * 0.01
        case "offset":
            vectors = vectors + 1000
        case "one huge dimension":
            vectors[:, dim // 2] *= 1e5
        case "lognormal":
            vectors = np.exp(2 * vectors)
    return vectors.astype(np.float32)


HOSTILE = ("random", "clustered", "offset", "one huge dimension", "lognormal")


def independent(n: int, share: float, seed: int = 1) -> np.ndarray:
    """Ids of a filter that has nothing to do with the query."""
    return np.sort(np.random.default_rng(seed).permutation(n)[: max(1, int(n * share))])


def correlated(vectors: np.ndarray, query: np.ndarray, share: float, away: bool, seed: int = 1) -> np.ndarray:
    """Ids of a filter that keeps the half of the rows far from (or near) the query, thinned to a share of all."""
    n = len(vectors)
    order = np.argsort(vectors @ query)  # far first
    wide = order[: n - n // 4] if away else order[-max(int(1.5 * share * n), 20) :]
    picked = np.random.default_rng(seed).permutation(wide)[: max(1, int(n * share))]
    return np.sort(picked)


def nearest_by_dot(vectors: np.ndarray, query: np.ndarray, ids: np.ndarray, k: int) -> set[int]:
    """Exact answer among `ids` for unit vectors."""
    return set(ids[np.argsort(-(vectors[ids].astype(np.float64) @ query))[:k]].tolist())


def recall_of(vectors: np.ndarray, query: np.ndarray, found: np.ndarray, truth: set[int]) -> float:
    """Share of the nearest that were found; others as near are as good (real data hold copies)."""
    farthest = (vectors[list(truth)] @ query).min() - 1e-6
    return min(1.0, float((vectors[np.asarray(found, np.int64)] @ query >= farthest).sum()) / len(truth))


def from_files(directory: Path, rows: int) -> np.ndarray:
    """Unit vectors (≤ rows, dim) float32 in random order: the first array of vectors among DIR/*.npy."""
    for path in sorted(directory.glob("*.npy")):
        array = np.load(path, mmap_mode="r")
        if array.ndim == 2 and array.dtype.kind == "f":
            vectors = np.array(array, np.float32)[np.random.default_rng(3).permutation(len(array))[:rows]]
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    raise SystemExit(f"no array of vectors in {directory}/*.npy")
