"""The FILTER of an index: an expression over one document that says whether the document belongs.

A comparison with a property the document lacks is false, and an expression that cannot be evaluated does not hold: the
rule of RediSearch 8.2. Before, such a document was taken in when written and left out by the creation scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redisvss.expression.columns import Column, objects
from redisvss.expression.evaluate import evaluate_or_null
from redisvss.expression.frame import Frame, truths
from redisvss.expression.parser import parse_expression
from redisvss.expression.tree import Node, properties


@dataclass(frozen=True)
class CompiledFilter:
    """`properties`: the names the expression asks for, without repetition, in the order written."""

    properties: tuple[str, ...]
    _tree: Node

    def passes(self, values: Mapping[str, bytes]) -> bool:
        """Whether a document with these values belongs; a name that is not in `values` has none."""
        return self.passing([values])[0]

    def passing(self, documents: Sequence[Mapping[str, bytes]]) -> list[bool]:
        """`passes` of many documents: a tenth of the time each, from a hundred on (15 µs against 190)."""
        verdicts: list[bool] = []
        batch = len(documents)
        while len(verdicts) < len(documents):
            found = self._until_error(documents[len(verdicts) : len(verdicts) + batch])
            # Starting small after an error keeps a run of failing documents from being evaluated again and again.
            batch = batch * 2 if len(found) == batch else 1
            verdicts += found
        return verdicts

    def _until_error(self, documents: Sequence[Mapping[str, bytes]]) -> list[bool]:
        """The verdicts up to the first document the expression fails on, whose verdict is False."""
        frame = Frame(len(documents), lambda name: _column(name, documents), lenient=True)
        holds = truths(evaluate_or_null(self._tree, frame), frame.size)
        return [*holds[: frame.limit].tolist(), *([False] if frame.limit < frame.size else [])]


def _column(name: str, documents: Sequence[Mapping[str, bytes]]) -> Column:
    values = [document.get(name) for document in documents]
    return Column(objects(values, len(values)), np.array([value is not None for value in values]))


def compile_filter(text: str) -> CompiledFilter:
    """Raises ExpressionError where `text` is no expression."""
    tree = parse_expression(text.encode("utf-8", "surrogateescape"))
    return CompiledFilter(tuple(dict.fromkeys(found.name for found in properties(tree))), tree)
