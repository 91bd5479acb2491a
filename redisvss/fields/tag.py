"""TAG: exact values from a separated list, case-folded unless CASESENSITIVE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss import ast
from redisvss.errors import EMPTY_NOT_INDEXED
from redisvss.fields.base import BindContext, Field, Ids, Leaf, QueryError, Scores, field_type
from redisvss.fields.json_types import json_value, strings_of, wrong_type
from redisvss.index.bitmaps import ids_of
from redisvss.index.patterns import wildcard
from redisvss.index.tags import TagIndex
from redisvss.schema import DEFAULT_TAG_SEPARATOR, FieldSpec, IndexDefinition

MAX_TAG_BYTES = 4096  # longer ones are cut, as RediSearch does


class TagLeaf(Leaf):
    """One value; scored like a term of frequency 1."""

    kind = "term"

    def __init__(self, tags: TagIndex, value: str) -> None:
        self.tags = tags
        self.value = value

    def estimate(self) -> int:
        return len(self.docs)

    def _docs(self) -> BitMap:
        return self.tags.docs(self.value)

    def explain(self) -> str:
        return self.value

    def profile(self) -> dict[str, Any]:
        return {"Type": "TAG", "Term": self.value}


class TagExpansion(Leaf):
    """The values an affix or a pattern stands for: the first of them that a document has counts for it."""

    kind = "term"

    def __init__(self, children: list[TagLeaf], query_type: str) -> None:
        self.children = children
        self.query_type = query_type

    def estimate(self) -> int:
        return sum(child.estimate() for child in self.children)

    def _docs(self) -> BitMap:
        return BitMap.union(*(child.docs for child in self.children)) if self.children else BitMap()

    @cached_property
    def _first(self) -> NDArray[np.int32]:
        """doc id → the first child that has it, or -1."""
        first = np.full(self.docs.max() + 1 if self.docs else 1, -1, np.int32)
        for number, child in reversed(list(enumerate(self.children))):
            first[ids_of(child.docs)] = number
        return first

    def chosen(self, ids: Ids) -> NDArray[np.int32]:
        """The child that counts for each document; -1 where none does."""
        first = self._first
        return np.where(ids < len(first), first[np.minimum(ids, len(first) - 1)], -1)

    def document_counts(self, ids: Ids) -> Scores:
        held = np.array([child.document_count() for child in self.children] + [1], np.float64)
        return held[self.chosen(ids)]  # -1 is the last: 1 where none matches

    def explain(self) -> str:
        return self.query_type

    def profile(self) -> dict[str, Any]:
        return {"Type": "UNION", "Query type": self.query_type}


@field_type
class TagField(Field):
    type_name: ClassVar[str] = "TAG"
    nodes = (ast.Tag,)

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        super().__init__(spec, definition)
        self.tags = TagIndex()
        self.case_sensitive = bool(spec.options.get("casesensitive"))
        default = DEFAULT_TAG_SEPARATOR.decode() if definition.key_type == "HASH" else ""
        self.separator: str = spec.options.get("separator", default)

    def fold(self, text: str) -> str:
        return text if self.case_sensitive else text.lower()

    def decode(self, raw: bytes) -> tuple[str, ...]:
        text = raw.decode("utf-8", "surrogateescape")
        if "\0" in text:  # ends a value in RediSearch
            text = text[: text.index("\0")]
        return self._distinct(text.split(self.separator))

    def decode_json(self, matches: Sequence[Any]) -> tuple[str, ...] | None:
        match json_value(matches):
            case None:
                return None
            case bool(flag):
                return ("true" if flag else "false",)
            case str(text):
                strings = [text]
            case list(items):
                strings = strings_of(items)
            case value:
                raise wrong_type(value)
        if self.separator:
            return self._distinct(part for text in strings for part in text.split(self.separator))
        kept = (self.fold(text) for text in strings if text or self.spec.index_empty)
        return tuple(dict.fromkeys(kept))

    def _distinct(self, parts: Iterable[str]) -> tuple[str, ...]:
        values = [_cut(part.strip()) for part in parts]
        if not self.case_sensitive:
            values = [value.lower() for value in values]
        kept = values if self.spec.index_empty else [value for value in values if value]
        return tuple(kept) if len(kept) < 2 else tuple(dict.fromkeys(kept))

    def put(self, doc_ids: Sequence[int], values: Sequence[tuple[str, ...]]) -> None:
        for doc_id, tags in zip(doc_ids, values, strict=True):
            self.tags.put(doc_id, tags)

    def remove(self, doc_ids: Sequence[int]) -> None:
        for doc_id in doc_ids:
            self.tags.remove(doc_id)

    def docs(self) -> BitMap:
        return self.tags.tagged()

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        assert isinstance(node, ast.Tag)
        return [self._leaf(item, context) for item in node.items]

    def _leaf(self, item: ast.Node, context: BindContext) -> Leaf:
        """One item of `{…}`."""
        limits = context.limits
        match item:
            case ast.Term(text):
                value = self.fold(context.text(text))
                if not value and not self.spec.index_empty:
                    raise QueryError(EMPTY_NOT_INDEXED)
                return TagLeaf(self.tags, value)
            case ast.Phrase(terms):  # words and parameters: one tag with blanks in it
                words = [context.text(term.text) for term in terms if isinstance(term, ast.Term)]
                return TagLeaf(self.tags, self.fold(" ".join(words)))
            case ast.Affix(text, prefix, suffix):
                affix = self.fold(context.text(text))
                long_enough = len(affix.encode("utf-8", "surrogateescape")) >= limits.min_prefix
                found = self.tags.affix(affix, prefix, suffix, limits.max_expansions) if long_enough else []
                return self._expansion(found, f"PREFIX - {affix}")
            case ast.Wildcard(text):
                pattern = self.fold(context.text(text))
                found = self.tags.matching(wildcard(pattern), limits.max_expansions)
                return self._expansion(found, f"WILDCARD - {pattern}")
            case _:
                raise TypeError(f"no tag item: {item}")

    def _expansion(self, values: list[str], query_type: str) -> TagExpansion:
        return TagExpansion([TagLeaf(self.tags, value) for value in values], query_type)

    def info(self) -> dict[str, Any]:
        return {"SEPARATOR": self.separator.encode()}

    def memory_bytes(self) -> int:
        return self.tags.memory_bytes()


def _cut(text: str) -> str:
    if len(text) * 4 <= MAX_TAG_BYTES:
        return text
    return text.encode("utf-8", "surrogateescape")[:MAX_TAG_BYTES].decode("utf-8", "surrogateescape")
