"""How an index reads one kind of document: the raw value of each field, and what else the definition asks of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redisvss.fields.base import Field
from redisvss.schema import FieldSpec, IndexDefinition


@dataclass(frozen=True)
class Special:
    """The document's own score, payload and language, None where it states none."""

    score: bytes | None = None
    payload: bytes | None = None
    language: bytes | None = None


class DocumentReader(ABC):
    """One per index. Pure: reads what the store fetched, changes nothing."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition

    @abstractmethod
    def parse(self, stored: Any) -> Any:
        """What the store fetched as a document, or None when it is none of this kind."""

    @abstractmethod
    def raws(self, document: Any) -> list[Any]:
        """Each schema field's raw value, in schema order; None where the document has none."""

    @abstractmethod
    def decode(self, field: Field, raw: Any) -> Any:
        """A raw value as `field.put` takes it, None for nothing to index; raises InvalidValue."""

    @abstractmethod
    def special(self, document: Any) -> Special: ...

    @abstractmethod
    def properties(self, key: bytes, document: Any) -> Mapping[str, bytes]:
        """What an index FILTER may name."""

    @abstractmethod
    def sort_key(self, spec: FieldSpec, raw: Any) -> str | None:
        """The string SORTABLE keeps: case-folded unless UNF."""
