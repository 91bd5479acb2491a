"""What 2.10.5 gets wrong, answers without a rule, or 2.10.33 otherwise: searches that `search.py` cannot compare.

COMPATIBILITY.md names these faults for users; here are the shapes of query by which the tester meets them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from search_cases import STOPPED, Case, Clause, World, lossy, regrouped


class Scored(Protocol):
    """A row of a reply."""

    @property
    def score(self) -> float | None: ...


def skipped(world: World, case: Case) -> bool:
    """What the reference answers wrongly or without a rule."""
    expanding = case.option("VERBATIM") is None
    if world.forgets and case.clause.has("affix"):
        return True  # what garbage collection leaves of its dictionary can miss documents
    if (case.option("SUMMARIZE") or case.option("HIGHLIGHT")) and case.option("WITHSORTKEYS"):
        return True  # it writes the excerpt into the key
    if any(f.has("PHONETIC") for f in world.fields) and any(f.has("NOINDEX") for f in world.of_type("TEXT")):
        return True  # which it counts where it looks for sounds
    if case.damaged is not None and "-" in case.damaged and expanding:
        return True  # it stems no word behind a `-`
    if _denies_scoped(case.clause, bool(case.option("INFIELDS"))) and (_filtered(case) or case.clause.kind != "not"):
        return True  # and may deny a document for a word in another field
    if any(case.option(name) for name in ("HIGHLIGHT", "SUMMARIZE")) and any("" in write for write in world.writes):
        return True  # an empty text shifts the marks of the fields behind it
    if case.damaged is not None and any(case.option(name) for name in ("SLOP", "INORDER")):
        return True
    if case.option("INFIELDS") == ("INFIELDS", "1", "nosuch") and case.clause.has("and"):
        return True  # where no field is left, an intersection is empty, whatever of
    if case.option("DIALECT") == ("DIALECT", "1") and case.clause.has("none") and case.clause.has("and"):
        return True  # so it is in the scope of a field the index lacks, which goes on behind `|` there
    if ("STOPWORDS", "2", *STOPPED) in world.options and _loses_branch(case.clause):
        return True
    if _misplaces_shape(case.clause) or (_filtered(case) and _is_phrase(case.clause)):
        return True  # where anything else narrows the query, the one may match and the other may not
    near = any(case.option(name) for name in ("SLOP", "INORDER")) or "$slop" in case.query or "$inorder" in case.query
    return near and (_filtered(case) or _has_no_place(case.clause) or lossy(case.clause, expanding, inside=True))


def _filtered(case: Case) -> bool:
    return any(case.option(name) is not None for name in ("FILTER", "GEOFILTER", "INKEYS"))


def _denies_scoped(clause: Clause, scoped: bool) -> bool:
    denied = clause.kind == "not" and (scoped or clause.has("scope"))
    return denied or any(_denies_scoped(child, scoped) for child in clause.children)


def _loses_branch(clause: Clause) -> bool:
    """Whether a stop word stands before other branches of a union, of which the last is then lost."""
    several = clause.kind == "or" and len(clause.children) > 2
    stopped = several and any(map(_is_stopped, clause.children[:-1]))
    return stopped or any(map(_loses_branch, clause.children))


def _is_stopped(clause: Clause) -> bool:
    wrapped = clause.kind in ("scope", "group", "attribute")
    return clause.text in STOPPED or (wrapped and _is_stopped(clause.children[0]))


def _misplaces_shape(clause: Clause) -> bool:
    """Whether the reference may lose documents: two shapes together match nothing, one that is denied may match."""
    together = clause.kind == "and" and sum(child.has("shape") for child in clause.children) > 1
    denied = clause.kind == "not" and clause.has("shape")
    return together or denied or any(map(_misplaces_shape, clause.children))


def _is_phrase(clause: Clause) -> bool:
    """Whether a quoted phrase is all there is; other clauses of the query would become its parts."""
    wrapped = clause.kind in ("scope", "group", "attribute")
    return clause.kind == "phrase" or (wrapped and _is_phrase(clause.children[0]))


def _has_no_place(clause: Clause) -> bool:
    """Whether a part has no positions in a text: what stands near it is decided by accident."""
    return clause.kind in ("not", "opt", "metric", "shape", "tag", "range", "all") or any(
        map(_has_no_place, clause.children)
    )


def scores_compare(world: World, case: Case, wanted: Sequence[Scored]) -> bool:
    expanding = case.option("VERBATIM") is None
    if case.damaged is not None or case.option("DIALECT") in (("DIALECT", "1"), ("DIALECT", "4")):
        return False
    scorer = (case.option("SCORER") or ("", "TFIDF"))[1]
    if world.forgets and str(scorer).startswith("BM25"):
        return False  # 2.10.5 never takes the length of a document that is gone off the average
    if world.of_type("VECTOR") and scorer == "TFIDF":
        return False  # in 2.10.5 a vector counts as an occurrence of every term of its document
    if "weight" in case.query and any(child.kind != "term" for child in _weighted(case.clause)):
        return False  # a union of which one part exists loses its weight
    if case.option("FILTER") is not None or case.option("GEOFILTER") is not None:
        return False  # a range in a group is at a distance that depends on its tree
    if scorer != "DOCSCORE" and regrouped(case.clause):
        return False
    if case.clause.has("affix") and any(f.has("WITHSUFFIXTRIE") for f in world.of_type("TEXT")):
        return False  # which of several words counts is up to the trie
    if case.knn or lossy(case.clause, expanding, inside=_filtered(case)):
        return False
    return not any(row.score is None or not math.isfinite(row.score) for row in wanted)


def _weighted(clause: Clause) -> list[Clause]:
    """What attributes are written on."""
    inner = [found for child in clause.children for found in _weighted(child)]
    return [*clause.children, *inner] if clause.kind == "attribute" else inner


def walks_graph(world: World, case: Case) -> bool:
    """Whether the reference goes along a graph that may not lead to all vectors in range."""
    return "VECTOR_RANGE" in case.query and any("HNSW" in f.words for f in world.of_type("VECTOR"))
