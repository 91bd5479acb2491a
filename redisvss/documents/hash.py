"""Hashes as documents: a field is a hash field, its raw value the bytes stored there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redisvss.documents.base import ABSENT, NO_SPECIAL, Absent, DocumentReader, Special
from redisvss.fields.base import Field
from redisvss.schema import FieldSpec, IndexDefinition

Hash = Mapping[bytes, bytes]


class HashReader(DocumentReader):
    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._identifiers = [spec.identifier for spec in definition.fields]
        self._by_attribute = {spec.attribute: spec.identifier for spec in definition.fields}
        self._has_special = any((definition.language_field, definition.score_field, definition.payload_field))
        self._hidden = {definition.language_field, definition.score_field, definition.payload_field}

    def parse(self, stored: Hash) -> Hash:
        return stored

    def raws(self, document: Hash) -> list[bytes | None]:
        return list(map(document.get, self._identifiers))

    def decode(self, field: Field, raw: bytes) -> object:
        return field.decode(raw)

    def special(self, document: Hash) -> Special:
        if not self._has_special:
            return NO_SPECIAL
        definition = self.definition
        names = (definition.score_field, definition.payload_field, definition.language_field)
        return Special(*(document.get(name) if name else None for name in names))

    def properties(self, key: bytes, document: Hash) -> Mapping[str, bytes]:
        named = {name.decode("utf-8", "surrogateescape"): value for name, value in document.items()}
        return {**named, "__key": key}

    def sort_key(self, spec: FieldSpec, raw: bytes) -> str:
        text = raw.decode("utf-8", "surrogateescape")
        return text if spec.unf else text.casefold()

    def compared(self, document: Hash, name: bytes, dialect: int) -> bytes | None:
        return document.get(self._by_attribute.get(name, name))

    def needed(self, names: Sequence[bytes]) -> Sequence[bytes]:
        return list(dict.fromkeys(self._by_attribute.get(name, name) for name in names))

    def whole(self, document: Hash, dialect: int, expand: bool = False) -> list[tuple[bytes, bytes]]:
        return [item for item in document.items() if item[0] not in self._hidden]

    def typed(self, document: Hash, name: bytes, dialect: int) -> bytes | Absent:
        return self.value(document, name, dialect)

    def value(self, document: Hash, name: bytes, dialect: int, expand: bool = False) -> bytes | Absent:
        return document.get(self._by_attribute.get(name, name), ABSENT)
