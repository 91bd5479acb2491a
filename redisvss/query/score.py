"""Scorers: what each matching document is worth, for all documents at once, and how a score came about.

A score follows the bound tree: leaves by a formula, groups by the sum of what matched, as RediSearch 2.10.33 does (a
document without text scores 0 there, in 2.10.5 `inf` or `nan`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.fields.base import Ids, Leaf, contains
from redisvss.fields.tag import TagExpansion
from redisvss.index.bitmaps import ids_of
from redisvss.query.bound import AllDocs, And, BoundNode, Not, Nothing, Opt, Or
from redisvss.query.collect import best_first
from redisvss.query.formulas import Bm25, Bm25Std, DisMax, Floats, ScoreContext, Term, TfIdf
from redisvss.query.proximity import collapsed, ordered, slop_factor
from redisvss.query.text_leaves import AffixLeaf, Expansion

__all__ = ["SCORERS", "Explanation", "ScoreContext", "Scorer", "explain"]

# ---- the tree --------------------------------------------------------------------------------------------------------


def _value(formula: TfIdf, node: BoundNode, ids: Ids, weight: float | None = None) -> Floats:
    """The node's worth in each document, 0 where it does not match. weight: in place of the node's own."""
    node = collapsed(node)
    weight = _weight_of(node) if weight is None else weight
    match node:
        case And(children):
            total = formula.combine([_value(formula, child, ids) for child in ordered(node)])
            return weight * np.where(contains(node.docs, ids), total, 0.0)
        case Or(children):
            return weight * formula.combine_union([_value(formula, child, ids) for child in children])
        case Opt(child):
            return _optional_value(formula, child, ids, weight)
        case AllDocs():
            return formula.other(ids, weight, np.ones(len(ids)), True)
        case Not() | Nothing():
            return np.zeros(len(ids))
        case _:
            return _leaf_value(formula, node, ids, weight)


def _optional_value(formula: TfIdf, child: BoundNode, ids: Ids, weight: float) -> Floats:
    """Nothing where the child does not match; but an optional child always does, as `*` where its own does not."""
    value = _value(formula, child, ids, weight)
    if not isinstance(child, Opt):
        return value
    return np.where(contains(child.child.docs, ids), value, formula.other(ids, weight, np.ones(len(ids)), True))


def _leaf_value(formula: TfIdf, leaf: Leaf, ids: Ids, weight: float) -> Floats:
    match leaf.kind:
        case "term":
            return formula.term(_term(leaf, ids, weight))
        case "metric":
            return np.zeros(len(ids))
        case _:
            return formula.other(ids, weight, leaf.frequencies(ids), False)


def _term(leaf: Leaf, ids: Ids, weight: float) -> Term:
    return Term(ids, weight, leaf.frequencies(ids), leaf.document_counts(ids))


def _weight_of(node: BoundNode) -> float:
    return 1.0 if isinstance(node, Expansion) else node.weight


# ---- scorers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scorer:
    """What each of the ascending ids is worth; `by_distance`: divided by how far apart its matches stand."""

    worth: Callable[[BoundNode, Ids, ScoreContext], Floats]
    by_distance: bool = False

    def __call__(self, root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
        worth = self.worth(root, ids, context)
        return self._nearer(root, ids, worth, context) if self.by_distance and worth.any() else worth

    def best(
        self, root: BoundNode, ids: Ids, context: ScoreContext, ties: NDArray[np.int64], need: int
    ) -> tuple[NDArray[np.int64], Floats]:
        """Positions of the `need` best ids, best first, ties by `ties`, and the scores of those.

        A distance only lessens a score, so it is measured for the worthiest until no other can be among the best:
        of 20,000 documents with two common words for 256.
        """
        worth = self.worth(root, ids, context)

        def among(pool: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
            """The best of the ascending positions in `pool`."""
            scores = worth[pool]
            if self.by_distance and scores.any():
                scores = self._nearer(root, ids[pool], scores, context)
            order = best_first(-scores, ties[pool], need)
            return pool[order], scores[order]

        if self.by_distance and need and len(ids) and (worth >= 0).all():
            size = max(_MEASURED, 4 * need)
            while 4 * size < len(ids):
                pool = best_first(-worth, ties, size)
                order, scores = among(np.sort(pool))
                if (-scores[-1], ties[order[-1]]) <= (-worth[pool[-1]], ties[pool[-1]]):
                    return order, scores
                size *= 4
        return among(np.arange(len(ids)))

    def _nearer(self, root: BoundNode, ids: Ids, worth: Floats, context: ScoreContext) -> Floats:
        """A KNN pairs its filter with a distance, which has no positions: nothing to be near to."""
        return worth if context.knn else worth / slop_factor(root, ids)


_MEASURED = 256  # documents whose matches' distances cost about as much as a call of numpy does


def _tree(formula: TfIdf, root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    """A KNN without a filter has nothing to score."""
    if context.knn and isinstance(root, AllDocs):
        return np.zeros(len(ids))
    return _value(formula, root, ids)


def _norms(name: str, ids: Ids, context: ScoreContext) -> NDArray[np.uint32]:
    return context.text.lengths(ids) if name == "TFIDF.DOCNORM" else context.text.peaks(ids)


def _tfidf(name: str) -> Scorer:
    def worth(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
        norms = _norms(name, ids, context)
        raw = context.document_scores(ids) * _tree(TfIdf(context), root, ids, context)
        return np.where(norms > 0, raw / np.maximum(norms, 1), 0.0)

    return Scorer(worth, by_distance=True)


def _bm25(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    return context.document_scores(ids) * _tree(Bm25(context), root, ids, context)


def _bm25std(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    return context.document_scores(ids) * _tree(Bm25Std(context), root, ids, context)


def _bm25std_norm(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    """Against the best of `ids`, which are all the matches."""
    scores = _bm25std(root, ids, context)
    best = scores.max(initial=0.0)
    return scores / best if best else scores


def _bm25std_tanh(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    return np.asarray(np.tanh(_bm25std(root, ids, context) / context.tanh_factor))


def _dismax(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    return _tree(DisMax(context), root, ids, context)


def _docscore(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    return context.document_scores(ids)


def _hamming(root: BoundNode, ids: Ids, context: ScoreContext) -> Floats:
    """1 / (1 + bits that differ) between the query's payload and the document's, where their lengths agree."""
    bits = (_differing_bits(context, doc_id) for doc_id in ids.tolist())
    return np.array([0.0 if count is None else 1 / (1 + count) for count in bits])


def _differing_bits(context: ScoreContext, doc_id: int) -> int | None:
    stored, asked = context.payloads.get(doc_id), context.payload
    if not stored or not asked or len(stored) != len(asked):
        return None
    return (int.from_bytes(stored, "big") ^ int.from_bytes(asked, "big")).bit_count()


SCORERS: dict[str, Scorer] = {
    "TFIDF": _tfidf("TFIDF"),
    "TFIDF.DOCNORM": _tfidf("TFIDF.DOCNORM"),
    "BM25": Scorer(_bm25, by_distance=True),
    "BM25STD": Scorer(_bm25std),
    "BM25STD.NORM": Scorer(_bm25std_norm),
    "BM25STD.TANH": Scorer(_bm25std_tanh),
    "DISMAX": Scorer(_dismax),
    "DOCSCORE": Scorer(_docscore),
    "HAMMING": Scorer(_hamming),
}


# ---- EXPLAINSCORE ----------------------------------------------------------------------------------------------------

Explanation = str | list[Any]  # a line, or [line, [explanation of each part …]]


def explain(name: str, root: BoundNode, doc_id: int, context: ScoreContext) -> Explanation:
    """How one document came to its score, in the lines and nesting of EXPLAINSCORE."""
    ids = np.array([doc_id], np.uint32)
    match name:
        case "TFIDF" | "TFIDF.DOCNORM":
            return _explain_tfidf(name, root, ids, context)
        case "BM25":
            return _explain_bm25(root, ids, context)
        case "DISMAX":
            return _explain_node(DisMax(context), root, ids)
        case "DOCSCORE":
            return f"Document's score is {context.document_scores(ids)[0]:.2f}"
        case "HAMMING":
            return _explain_hamming(doc_id, context)
        case _:
            return _explain_bm25std(name, root, ids, context)


def _slop(root: BoundNode, ids: Ids, context: ScoreContext) -> int:
    return 1 if context.knn else int(slop_factor(root, ids)[0])


def _explain_tfidf(name: str, root: BoundNode, ids: Ids, context: ScoreContext) -> Explanation:
    score, norm = context.document_scores(ids)[0], _norms(name, ids, context)[0]
    if score == 0:
        return "Document score is 0"
    if norm == 0:
        return f"Document {'length' if name == 'TFIDF.DOCNORM' else 'max frequency'} is 0"
    formula = TfIdf(context)
    words, slop = _tree(formula, root, ids, context)[0], _slop(root, ids, context)
    line = f"Final TFIDF : words TFIDF {words:.2f} * document score {score:.2f} / norm {norm} / slop {slop}"
    return [line, [_explain_node(formula, root, ids)]]


def _explain_bm25(root: BoundNode, ids: Ids, context: ScoreContext) -> Explanation:
    formula = Bm25(context)
    words, score, slop = (
        _tree(formula, root, ids, context)[0],
        context.document_scores(ids)[0],
        _slop(root, ids, context),
    )
    line = f"Final BM25 : words BM25 {words:.2f} * document score {score:.2f} / slop {slop}"
    return [line, [_explain_node(formula, root, ids)]]


def _explain_bm25std(name: str, root: BoundNode, ids: Ids, context: ScoreContext) -> Explanation:
    formula = Bm25Std(context)
    words, score = _tree(formula, root, ids, context)[0], context.document_scores(ids)[0]
    line = f"Final BM25 : words BM25 {words:.2f} * document score {score:.2f}"
    plain: Explanation = [line, [_explain_node(formula, root, ids)]]
    match name:
        case "BM25STD.TANH":
            stretch = f"stretch factor 1/{context.tanh_factor} * Final BM25 {words * score:.2f}"
            return [f"Final Normalized BM25 : tanh({stretch})", [plain]]
        case "BM25STD.NORM":
            best = _bm25std(root, ids_of(root.docs), context).max(initial=0.0)
            share = words * score / best if best else 0.0
            parts = f"Original Score: {words * score:.2f} / Max Score: {best:.2f}"
            return [f"Final BM25STD.NORM: {share:.2f} = {parts}", [plain]]
        case _:
            return plain


def _explain_hamming(doc_id: int, context: ScoreContext) -> str:
    count = _differing_bits(context, doc_id)
    if count is None:
        return "Payloads provided to scorer vary in length"
    length = len(context.payload or b"")
    return f"String length is {length}. Bit count is {count}. Result is (1 / count + 1) = {1 / (1 + count):.2f}"


def _explain_node(formula: TfIdf, node: BoundNode, ids: Ids, weight: float | None = None) -> Explanation:
    node, given = collapsed(node), weight
    weight = _weight_of(node) if weight is None else weight
    match node:
        case And() | Or():
            parts = [child for child in ordered(node) if contains(child.docs, ids)[0]]
            return _explain_group(formula, node, parts, ids, weight)
        case Opt(child) if contains(child.docs, ids)[0]:
            return _explain_node(formula, child, ids, weight)
        case Opt():  # a weight is given by an optional around it
            return formula.explain_other(ids, given or 0.0, 1, True)
        case AllDocs():
            return formula.explain_other(ids, weight, 1, True)
        case Not() | Nothing():
            return formula.explain_other(ids, weight, 0, True)
        case _:
            return _explain_leaf(formula, node, ids, weight)


def _explain_group(formula: TfIdf, node: And | Or, parts: Sequence[BoundNode], ids: Ids, weight: float) -> Explanation:
    combine = formula.combine if isinstance(node, And) else formula.combine_union
    inner = float(combine([_value(formula, part, ids) for part in parts])[0]) if parts else 0.0
    return [formula.explain_group(weight, inner), [_explain_node(formula, part, ids) for part in parts]]


def _explain_leaf(formula: TfIdf, leaf: Leaf, ids: Ids, weight: float) -> Explanation:
    if leaf.kind != "term":
        return formula.explain_other(ids, weight, 0 if leaf.kind == "metric" else leaf.frequencies(ids)[0], False)
    if isinstance(leaf, AffixLeaf | TagExpansion):
        chosen = leaf.children[int(leaf.chosen(ids)[0])]
        inner = float(_value(formula, chosen, ids)[0])
        return [formula.explain_group(weight, inner), [_explain_node(formula, chosen, ids)]]
    return formula.explain_term(_term(leaf, ids, weight), str(leaf.profile()["Term"]))
