"""A search index over a few documents, asked at the level of the core: parse, bind, score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from redisvss.fields.base import BindContext
from redisvss.index.bitmaps import ids_of
from redisvss.query.bind import bind
from redisvss.query.bound import BoundNode
from redisvss.query.parser import parse_query
from redisvss.query.score import SCORERS, Explanation, ScoreContext, explain
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex


class Corpus:
    """Documents d1, d2, … in the order given."""

    def __init__(self, fields: Sequence[FieldSpec], documents: Sequence[Mapping[str, str]], **definition: Any) -> None:
        self.index = SearchIndex(IndexDefinition(b"i", tuple(fields), **definition))
        for number, document in enumerate(documents, 1):
            self.put(f"d{number}", document)

    def put(self, key: str, document: Mapping[str, str] | None) -> None:
        stored = None if document is None else {name.encode(): value.encode() for name, value in document.items()}
        self.index.apply([key.encode()], [stored])

    def bound(self, query: str, params: Mapping[str, bytes] | None = None, **options: Any) -> BoundNode:
        tree = parse_query(query.encode(), 2)
        return bind(tree, self.index, BindContext(params or {}, 2, **options)).root

    def keys(self, query: str, **options: Any) -> list[str]:
        return [self.index.table.key_of(doc).decode() for doc in self.bound(query, **options).docs]

    def context(self, **more: Any) -> ScoreContext:
        return ScoreContext(self.index.text, self.index.table, self.index.payloads, **more)

    def scores(self, query: str, scorer: str = "TFIDF", **more: Any) -> dict[str, float]:
        root = self.bound(query)
        ids = ids_of(root.docs)
        values = SCORERS[scorer](root, ids, self.context(**more))
        assert values.dtype == np.float64
        return {self.index.table.key_of(i).decode(): v for i, v in zip(ids.tolist(), values.tolist(), strict=True)}

    def explained(self, query: str, key: str, scorer: str = "TFIDF", **more: Any) -> Explanation:
        doc_id = self.index.table.id_of(key.encode())
        assert doc_id is not None
        return explain(scorer, self.bound(query), doc_id, self.context(**more))
