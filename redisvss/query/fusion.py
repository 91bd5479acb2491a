"""Two rankings made one: reciprocal rank fusion and linear combination, as FT.HYBRID's COMBINE (Redis 8.4).

Reciprocal rank fusion: Cormack, Clarke, Büttcher (SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redisvss.index.vectors import Metric

WINDOW = 20  # how many of each ranking take part unless the query says otherwise


@dataclass(frozen=True)
class Rrf:
    constant: float = 60.0
    window: int = WINDOW


@dataclass(frozen=True)
class Linear:
    alpha: float = 0.3  # of the text score
    beta: float = 0.7  # of the vector's
    window: int = WINDOW


Combination = Rrf | Linear
Ranking = Sequence[tuple[int, float]]  # (doc id, score), best first


def fuse(combination: Combination, text: Ranking, vector: Ranking) -> dict[int, float]:
    """doc id → fused score; a document in one ranking only gets that one's part."""
    fused: dict[int, float] = {}
    match combination:
        case Rrf(constant):
            for ranking in (text, vector):
                for rank, (doc_id, _) in enumerate(ranking, 1):
                    fused[doc_id] = fused.get(doc_id, 0.0) + 1 / (constant + rank)
        case Linear(alpha, beta):
            for weight, ranking in ((alpha, text), (beta, vector)):
                for doc_id, score in ranking:
                    fused[doc_id] = fused.get(doc_id, 0.0) + weight * score
    return fused


# A distance as a score between 0 and 1 that grows with nearness, by metric.
SIMILARITY: dict[Metric, Callable[[float], float]] = {
    Metric.L2: lambda distance: 1 / (1 + distance),
    Metric.COSINE: lambda distance: (2 - distance) / 2,
    Metric.IP: lambda distance: (1 + distance) / 2,
}
