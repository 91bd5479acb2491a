"""What an index is: its definition and its fields, as FT.CREATE states them and FT.INFO shows them.

Values only. Parsing an FT.CREATE lives in `commands/create.py`, storing a definition in `sync/catalog.py`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

DEFAULT_SCORE = 1.0
DEFAULT_TAG_SEPARATOR = b","  # HASH only: a JSON string is one tag unless SEPARATOR is given


@dataclass(frozen=True)
class FieldSpec:
    """One attribute of an index.

    identifier: hash field name or JSONPath; attribute: the name queries use. `options` holds what only this
    type knows (TEXT: weight, nostem, phonetic; TAG: separator, casesensitive; VECTOR: the parameters of
    `VectorParams`; GEOSHAPE: coord_system), with plain JSON-able values.
    """

    identifier: bytes
    attribute: bytes
    type: str
    options: dict[str, Any] = field(default_factory=dict)
    sortable: bool = False
    unf: bool = False
    noindex: bool = False
    with_suffix_trie: bool = False
    index_empty: bool = False
    index_missing: bool = False

    @cached_property
    def name(self) -> str:
        """The attribute as query text spells it."""
        return self.attribute.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class IndexDefinition:
    """FT.CREATE, resolved: defaults filled in, last repetition of an option won."""

    name: bytes
    fields: tuple[FieldSpec, ...]
    key_type: str = "HASH"
    prefixes: tuple[bytes, ...] = (b"",)
    filter: str | None = None
    language: str = "english"
    language_field: bytes | None = None
    score: float = DEFAULT_SCORE
    score_field: bytes | None = None
    payload_field: bytes | None = None
    stopwords: tuple[str, ...] | None = None  # None: the built-in list
    temporary: int | None = None  # seconds of idleness after which the index and its documents go
    nooffsets: bool = False
    nohl: bool = False
    nofields: bool = False
    nofreqs: bool = False
    maxtextfields: bool = False
    skip_initial_scan: bool = False
    synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)  # term -> group ids

    def attribute(self, name: bytes) -> FieldSpec | None:
        return next((f for f in self.fields if f.attribute == name), None)

    @property
    def special(self) -> tuple[bytes, ...]:
        """The fields that hold a document's language, score and payload; replies do not show them."""
        return tuple(name for name in (self.language_field, self.score_field, self.payload_field) if name)

    def adding(self, fields: tuple[FieldSpec, ...]) -> IndexDefinition:
        return dataclasses.replace(self, fields=self.fields + fields)
