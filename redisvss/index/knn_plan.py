"""Which way to answer a nearest-neighbour query, chosen from sizes alone; printable by FT.PROFILE."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

# Shares of documents a filter lets through, between which each strategy is the quickest way to the same recall.
_SWEEP_FROM = 0.15
_WALK_FROM = 0.015
_ROWS_PER_EF = 50  # a walk of width ef reads about this many rows per unit of ef: fewer survivors are read outright
_SURVIVORS_PER_EF = 65  # under a filter, where a walk reads less than 25 per ef, but at 2.5 times a scan's cost
# Widths that reach recall .95, which EF_RUNTIME 10 does not. A sweep that collects ef of the rows it meets has met
# ef / share, and needs to meet 20 at 20,000 rows of 384 dimensions, 36 at 200,000 (.965 to .98), as an unfiltered walk
# would. Between two hops the fewer pass, the worse they are linked: 16 reach .965 to .99 at a share of .1 and .94 at
# .05, where 32 reach .95 (44,000 embeddings of product names) and .995 (200,000 rows).
_EF_PER_DECADE = 16
_FIRST_DECADES = 3.05
_UNFILTERED = 1.8  # times as many where no doc fails: that walk descends greedily, and one in 12 ended astray at 36
_NEARBY = 1.3  # times as many by the share around the query, a guess: without, .94 on 12,000 rows of 24 dimensions
_TWO_HOP_EF = 16
_TWO_HOP_PASSING = 1.6  # ef · share
# Elements of survivors from which the surroundings of the query are looked at before they are all read. At 4,000 of
# 200,000 rows of 384 dimensions a sweep took .3 of a scan where the filter keeps what is near the query; elsewhere the
# look added a quarter to the scan.
_LOOK_FROM = 1 << 20


@dataclass(frozen=True)
class KnnPlan:
    """What was (or would be) done.

    mode: RediSearch's word, as FT.PROFILE shows it;  strategy: "exact", "graph" (no doc fails the filter), "sweep" or
    "two-hop" (of these two the walk decides, by what it finds around the query);
    candidates: rows whose distance is (estimated to be) computed;  exact: the answer equals a full scan's;
    batches: how many batches RediSearch would fetch for the k, at the filter's share of all docs (the walk itself is
    one pass), 0 without a walk;  ef: width of the walk, 0 without one;  sweep_ef: that of a sweep, or more where the
    filter is dense around the query: so that it meets `meet` rows.  "exact" with `meet`: unless the filter is so dense
    there that a sweep is quicker.
    """

    mode: str
    strategy: str
    candidates: int
    exact: bool
    batches: int = 0
    ef: int = 0
    sweep_ef: int = 0
    meet: float = 0.0

    @property
    def walk(self) -> str:
        """The walk that carries it out, as `TieredGraph.walk` names them; only a dense one where all is to be read."""
        return {"graph": "graph", "exact": "dense"}.get(self.strategy, "either")


class Sizes(NamedTuple):
    """What a plan depends on: documents and rows with a vector, rows to be read besides a walk, documents allowed.

    allowed: None without a filter.  graph: whether there is one.  dim: elements of a row.
    """

    docs: int
    rows: int
    loose: int
    allowed: int | None
    graph: bool
    dim: int


@lru_cache(maxsize=256)  # the same question comes with every query: 30 of the 300 µs of a small one
def choose(sizes: Sizes, k: int, ef_runtime: int, policy: str | None = None, batch_size: int | None = None) -> KnnPlan:
    """The quickest strategy expected to find the k nearest; `policy` (HYBRID_POLICY) overrides.

    batch_size: BATCH_SIZE. RediSearch would read that many of the nearest documents and then apply the filter: the
    walk is made wide enough to meet as many.
    """
    survivors = sizes.docs if sizes.allowed is None else sizes.allowed
    filtered, share = sizes.allowed is not None, survivors / max(1, sizes.docs)
    asked = max(ef_runtime, k)
    if filtered and batch_size is not None:
        asked = max(asked, math.ceil(min(batch_size, sizes.docs) * share))
    widths = _widths(sizes.docs, share, asked) if filtered and survivors else (asked, asked)
    # several vectors per document: more rows for as many documents
    ef, sweep_ef = (-(-width * sizes.rows // max(1, sizes.docs)) for width in widths)
    meet = _NEARBY * _met(sizes.docs) * sizes.rows / max(1, sizes.docs) if filtered and sizes.graph else 0.0
    strategy = _strategy(sizes, survivors, ef, policy)
    if strategy == "exact":
        read = exact(survivors, filtered)
        looks = policy is None and meet > 0 and survivors * sizes.dim >= _LOOK_FROM
        return replace(read, ef=ef, sweep_ef=sweep_ef, meet=meet) if looks else read
    batches = 1 if batch_size is None else _batches(sizes.docs, survivors, k, batch_size)
    candidates = _ROWS_PER_EF * ef + sizes.loose
    return KnnPlan(mode(filtered, strategy), strategy, candidates, False, batches, ef, sweep_ef, meet)


@lru_cache(maxsize=256)
def taken(plan: KnnPlan, strategy: str, width: int) -> KnnPlan:
    """The plan as a walk under a filter, which looked around the query, carried it out."""
    if plan.strategy != "exact":
        return replace(plan, strategy=strategy, sweep_ef=width if strategy == "sweep" else plan.sweep_ef)
    return KnnPlan(mode(True, strategy), strategy, _ROWS_PER_EF * width, False, 1, width, width, plan.meet)


def _met(docs: int) -> float:
    """Rows a sweep has to meet, allowed or not."""
    return max(0.0, _EF_PER_DECADE * (math.log10(max(1, docs)) - _FIRST_DECADES))


def _widths(docs: int, share: float, asked: int) -> tuple[int, int]:
    """Widths of a walk in two hops and of a sweep, under a filter; `asked` at least."""
    met = _met(docs)
    if share >= 1:
        return max(asked, math.ceil(_UNFILTERED * met)), asked
    sweep = max(asked, math.ceil(met * share))
    return max(sweep, _TWO_HOP_EF, math.ceil(_TWO_HOP_PASSING / share)), sweep


def _batches(docs: int, survivors: int, k: int, batch_size: int) -> int:
    """Batches of the nearest documents that hold k survivors, the filter being as dense near the query as elsewhere."""
    reached = docs if survivors <= k else docs * k / survivors
    return math.ceil(reached / batch_size)


@lru_cache(maxsize=256)
def exact(candidates: int, filtered: bool) -> KnnPlan:
    """The plan of reading all candidates."""
    return KnnPlan(mode(filtered, "exact"), "exact", candidates, True)


def _strategy(sizes: Sizes, survivors: int, ef: int, policy: str | None) -> str:
    share = survivors / max(1, sizes.docs)
    filtered = sizes.allowed is not None
    if not sizes.graph or policy == "ADHOC_BF" or not survivors:
        return "exact"
    if policy != "BATCHES" and survivors <= (_SURVIVORS_PER_EF if filtered else _ROWS_PER_EF) * ef:
        return "exact"
    if share >= 1:
        return "graph"
    if policy != "BATCHES" and share < _WALK_FROM:
        return "exact"
    return "sweep" if share >= _SWEEP_FROM else "two-hop"


def mode(filtered: bool, strategy: str) -> str:
    """RediSearch's name for the way a query is answered."""
    if not filtered:
        return "STANDARD_KNN"
    return "HYBRID_ADHOC_BF" if strategy == "exact" else "HYBRID_BATCHES"
