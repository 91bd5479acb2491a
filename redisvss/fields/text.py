"""TEXT: words, stemmed and scored. All TEXT fields of an index share one `TextIndex`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Field, Leaf, field_type
from redisvss.fields.json_types import json_value, strings_of, wrong_type
from redisvss.index.dictionary import GAP_TOKEN
from redisvss.index.segmenter import words_of
from redisvss.index.stemming import CHINESE
from redisvss.index.text import FieldTraits, TextIndex
from redisvss.index.tokenizer import tokenize
from redisvss.schema import FieldSpec

STEM_FACTOR = 0.2  # of the field's weight goes to a stem


@field_type
class TextField(Field):
    """Values are token lists. A document's TEXT fields leave together and are put together, in the schema's order:
    positions run on from one field to the next.

    Queries are bound by `query.text_leaves`, since a term may address several fields at once.
    """

    type_name: ClassVar[str] = "TEXT"

    def attach(self, text: TextIndex, number: int) -> None:
        """Join the index all TEXT fields share, as its field `number` (0, 1, … in the schema's order)."""
        self.text = text
        self.number = number
        if not text.traits:
            _configure(text, self)
        text.add_field(number, traits_of(self.spec))

    def decode(self, raw: bytes) -> list[bytes]:
        if not raw:
            return [b""] if self.spec.index_empty else []
        tokens = tokenize(raw)
        if self.definition.language != CHINESE:
            return tokens
        return [word for token in tokens for word in words_of(token)]

    def decode_json(self, matches: Sequence[Any]) -> list[bytes] | None:
        match json_value(matches):
            case None:
                return None
            case str(text):
                return self._decode_string(text)
            case list(items):
                return self._decode_strings(strings_of(items))
            case value:
                raise wrong_type(value)

    def _decode_string(self, text: str) -> list[bytes]:
        return self.decode(text.encode("utf-8", "surrogatepass"))

    def _decode_strings(self, texts: Sequence[str]) -> list[bytes]:
        """The items' tokens, kept apart so that no phrase spans two items."""
        tokens = self._decode_string(texts[0]) if texts else []
        for text in texts[1:]:
            tokens += [GAP_TOKEN, *self._decode_string(text)]
        return tokens

    def put(self, doc_ids: Sequence[int], values: Sequence[list[bytes]]) -> None:
        self.text.put(self.number, doc_ids, values)

    def remove(self, doc_ids: Sequence[int]) -> None:
        """Takes the documents' other TEXT fields along."""
        self.text.remove(doc_ids)

    def docs(self) -> BitMap:
        return self.text.docs(self.number)

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        raise TypeError("text clauses are bound by query.text_leaves")

    def info(self) -> dict[str, Any]:
        return {"WEIGHT": float(self.spec.options.get("weight", 1.0))}

    def memory_bytes(self) -> int:
        """The shared index is counted once, with its first field."""
        return self.text.memory_bytes() if self.number == 0 else 0


def traits_of(spec: FieldSpec) -> FieldTraits:
    weight = np.float32(spec.options.get("weight", 1.0))
    return FieldTraits(
        weight=max(1, int(weight)),
        stem_weight=max(1, int(np.float32(weight * STEM_FACTOR))),
        stem=not spec.options.get("nostem"),
        phonetic=bool(spec.options.get("phonetic")),
        suffixes=spec.with_suffix_trie,
    )


def _configure(text: TextIndex, field: TextField) -> None:
    definition = field.definition
    if definition.stopwords is not None:
        text.set_stopwords(definition.stopwords)
    text.set_language(definition.language)
    text.set_synonyms(definition.synonyms)
    text.offsets = not definition.nooffsets
    text.counts = not definition.nofreqs
