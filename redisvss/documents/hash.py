"""Hashes as documents: a field is a hash field, its raw value the bytes stored there."""

from __future__ import annotations

from collections.abc import Mapping

from redisvss.documents.base import DocumentReader, Special
from redisvss.fields.base import Field
from redisvss.schema import FieldSpec

Hash = Mapping[bytes, bytes]


class HashReader(DocumentReader):
    def parse(self, stored: Hash) -> Hash:
        return stored

    def raws(self, document: Hash) -> list[bytes | None]:
        get = document.get
        return [get(spec.identifier) for spec in self.definition.fields]

    def decode(self, field: Field, raw: bytes) -> object:
        return field.decode(raw)

    def special(self, document: Hash) -> Special:
        definition = self.definition
        names = (definition.score_field, definition.payload_field, definition.language_field)
        return Special(*(document.get(name) if name else None for name in names))

    def properties(self, key: bytes, document: Hash) -> Mapping[str, bytes]:
        named = {name.decode("utf-8", "surrogateescape"): value for name, value in document.items()}
        return {**named, "__key": key}

    def sort_key(self, spec: FieldSpec, raw: bytes) -> str:
        text = raw.decode("utf-8", "surrogateescape")
        return text if spec.unf else text.lower()
