"""FT.PROFILE's view of a search: each clause with its time and its documents, and the steps behind the query.

Names and shapes are RediSearch 2.10.33's. What it calls reading operations are here the documents a clause gave;
a clause that was never asked, because another left nothing to find, has none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from redisvss.fields.base import Leaf
from redisvss.fields.tag import TagExpansion
from redisvss.fields.vector import VectorRangeLeaf
from redisvss.index.ivf import IvfPlan
from redisvss.query.bind import BoundQuery
from redisvss.query.bound import AllDocs, And, BoundNode, Not, Nothing, Opt, Or
from redisvss.query.execute import Matches
from redisvss.query.hits import SearchResult
from redisvss.query.proximity import collapsed, ordered
from redisvss.query.request import SearchRequest
from redisvss.query.text_leaves import AffixLeaf

Profile = dict[str, Any]

_MILLISECONDS = 1000.0
_CHILDREN = "Child iterators"


class Profiler:
    """Asks a bound tree for its documents clause by clause, and keeps how long each took with what lies below it."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}  # by id(): the tree lives as long as its profile

    def evaluate(self, node: BoundNode) -> None:
        """Every node keeps its documents, so that the search that follows does not pay again.

        As in the search, an intersection stops asking once nothing is left.
        """
        started = time.perf_counter()
        match node:
            case And(children):
                self._intersect(sorted(children, key=lambda child: child.estimate()))
            case Or(children=children) | AffixLeaf(children=children) | TagExpansion(children=children):
                for child in children:
                    self.evaluate(child)
            case Not(child) | Opt(child):
                self.evaluate(child)
        node.docs  # noqa: B018  # computed here, kept by the node
        self._seconds[id(node)] = time.perf_counter() - started

    def _intersect(self, children: list[BoundNode]) -> None:
        found = None
        for child in children:
            self.evaluate(child)
            found = child.docs if found is None else found & child.docs
            if not found:
                return

    def measured(self, node: BoundNode) -> Profile:
        evaluated = id(node) in self._seconds
        milliseconds = self._seconds.get(id(node), 0.0) * _MILLISECONDS
        return {"Time": milliseconds, "Number of reading operations": len(node.docs) if evaluated else 0}


def iterators(query: BoundQuery, matches: Matches, seconds: float, profiler: Profiler, limited: bool) -> Profile:
    """The query's tree. seconds: what all of it took; limited: the terms a clause stands for are only counted."""
    if query.knn is None:
        return _clause(query.root, profiler, limited)
    shown: Profile = {
        "Type": "VECTOR",
        "Time": seconds * _MILLISECONDS,
        "Number of reading operations": len(matches.ids),
    }
    if (plan := matches.plan) is not None:
        shown["Vector search mode"] = plan.mode
        if plan.mode == "HYBRID_BATCHES":
            shown["Batches number"] = plan.batches
        if isinstance(plan, IvfPlan):
            shown |= {"Coarse comparisons": plan.coarse, "Fine comparisons": plan.fine}
        shown["Plan"] = f"{plan.strategy}, {plan.candidates} candidates, {'exact' if plan.exact else 'approximate'}"
    if not isinstance(query.root, AllDocs):
        shown["Child iterator"] = _clause(query.root, profiler, limited)
    return shown


def _clause(node: BoundNode, profiler: Profiler, limited: bool) -> Profile:
    node = collapsed(node)
    measured = profiler.measured(node)
    match node:
        case And():
            children = [_clause(child, profiler, limited) for child in ordered(node)]
            return {"Type": "INTERSECT", **measured, _CHILDREN: children}
        case Or(children=children) if not any(child.docs for child in children):
            return {"Type": "EMPTY", **measured}
        case Or(label=label):
            kind = "TAG" if label.startswith("TAG:") else "UNION"
            children = _many(node.children, profiler, limited, kind == "UNION")
            return {"Type": "UNION", "Query type": kind, **measured, _CHILDREN: children}
        case AffixLeaf(children=terms) | TagExpansion(children=terms):
            if not terms:
                return {"Type": "EMPTY", **measured}
            return {**node.profile(), **measured, _CHILDREN: _many(terms, profiler, limited, False)}
        case Not(child):
            return {"Type": "NOT", **measured, "Child iterator": _clause(child, profiler, limited)}
        case Opt(child):
            return {"Type": "OPTIONAL", **measured, "Child iterator": _clause(child, profiler, limited)}
        case AllDocs():
            return {"Type": "WILDCARD", **measured}
        case Nothing():
            return {"Type": "EMPTY", **measured}
        case _:
            return _leaf(node, measured)


def _many(children: Iterable[BoundNode], profiler: Profiler, limited: bool, always: bool) -> Any:
    shown = [_clause(child, profiler, limited) for child in children if child.docs]
    return f"The number of iterators in the union is {len(shown)}" if limited and not always else shown


def _leaf(leaf: Leaf, measured: Profile) -> Profile:
    profile = leaf.profile()
    if isinstance(leaf, VectorRangeLeaf):
        mode = profile.pop("Vector search mode")
        return {**profile, **measured, "Vector search mode": mode}
    if "Term" not in profile and "Field" not in profile:
        return {**profile, **measured}
    if not leaf.estimate():
        return {"Type": "EMPTY", **measured}
    return {**profile, **measured, "Estimated number of matches": leaf.estimate()}


def processors(request: SearchRequest, result: SearchResult) -> list[Profile]:
    """The steps behind the query, as they were needed: sorting by an indexed field, for one, loads nothing."""
    assert result.query is not None and result.matches is not None
    matched, shown, seconds = len(result.matches.ids), len(result.hits), result.seconds
    steps = [("Index", "execute", matched)]
    if result.query.yields:
        steps.append(("Metrics Applier", "", matched))
    if request.limit == 0:
        steps.append(("Counter", "", matched))
    else:
        if request.sortby is None or request.withscores:
            steps.append(("Scorer", "score", matched))
        steps.append(("Sorter", "sort", shown))
        if not request.nocontent and request.returned != ():
            steps.append(("Loader", "load", shown))
        if "highlight" in seconds:
            steps.append(("Highlighter", "highlight", shown))
    return [
        {"Type": name, "Time": seconds.get(lap, 0.0) * _MILLISECONDS, "Results processed": count}
        for name, lap, count in steps
    ]
