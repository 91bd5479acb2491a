"""Which way to answer a nearest-neighbour query, chosen from sizes alone; printable by FT.PROFILE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnnPlan:
    """What was (or would be) done.

    mode: RediSearch's word, as FT.PROFILE shows it;  strategy: "exact", "graph" (no filter), "sweep" or "two-hop";
    candidates: rows whose distance is (estimated to be) computed;  exact: the answer equals a full scan's;
    batches: passes over the graph, 0 without one.
    """

    mode: str
    strategy: str
    candidates: int
    exact: bool
    batches: int = 0


def mode_of(filtered: bool, strategy: str) -> str:
    """RediSearch's name for the way a query is answered."""
    if not filtered:
        return "STANDARD_KNN"
    return "HYBRID_ADHOC_BF" if strategy == "exact" else "HYBRID_BATCHES"
