"""Which of a query's terms each document matched: what `matched_terms()` shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from redisvss.fields.base import contains
from redisvss.fields.tag import TagExpansion, TagLeaf
from redisvss.query.bound import And, BoundNode, Opt, Or
from redisvss.query.text_leaves import AffixLeaf, TermLeaf

Ids = NDArray[np.uint32]


def matched_terms(root: BoundNode, ids: Ids, maximum: int) -> list[list[bytes]]:
    """For each of `ids` up to `maximum` terms, in the order of the query; what stands under NOT matches nothing."""
    order = np.argsort(ids)
    ascending = ids[order]
    found: list[list[bytes]] = [[] for _ in range(len(ids))]
    for position, term in _matches(root, ascending):
        terms = found[order[position]]
        if len(terms) < maximum:
            terms.append(term)
    return found


def _matches(node: BoundNode, ids: Ids) -> Iterator[tuple[int, bytes]]:
    """(position in `ids`, term) pairs."""
    match node:
        case TermLeaf():
            yield from ((int(at), node.term) for at in np.flatnonzero(contains(node.docs, ids)))
        case TagLeaf():
            value = node.value.encode("utf-8", "surrogateescape")
            yield from ((int(at), value) for at in np.flatnonzero(contains(node.docs, ids)))
        case AffixLeaf():
            for position, child in enumerate(node.chosen(ids).tolist()):
                if child >= 0:
                    yield position, node.children[child].term
        case TagExpansion():
            for position, child in enumerate(node.chosen(ids).tolist()):
                if child >= 0:
                    yield position, node.children[child].value.encode("utf-8", "surrogateescape")
        case And() | Or():
            for part in node.children:
                yield from _matches(part, ids)
        case Opt():
            yield from _matches(node.child, ids)
