"""How an index reads one kind of document: the raw value of each field, and what replies show of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from redisvss.expression.values import Value
from redisvss.fields.base import Field
from redisvss.schema import FieldSpec, IndexDefinition


class Absent(Enum):
    """The document has no such value; None is a value (JSON's null)."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True)
class Special:
    """The document's own score, payload and language, None where it states none."""

    score: bytes | None = None
    payload: bytes | None = None
    language: bytes | None = None


NO_SPECIAL: Final = Special()


class DocumentReader(ABC):
    """One per index. Pure: reads what the store fetched, changes nothing."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.definition = definition

    # ---- for the index ---------------------------------------------------------------------------------------------

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

    def is_list(self, raw: Any) -> bool:
        """Whether SORTABLE keeps no more of the value than its first part."""
        return False

    @abstractmethod
    def compared(self, document: Any, name: bytes, dialect: int) -> bytes | None:
        """What SORTBY compares of an attribute that is not SORTABLE; None where there is nothing."""

    def unordered(self, spec: FieldSpec) -> bool:
        """Whether the field's values come in no order that SLOP and INORDER could go by."""
        return False

    # ---- for replies -----------------------------------------------------------------------------------------------

    @abstractmethod
    def needed(self, names: Sequence[bytes]) -> Sequence[bytes] | None:
        """What to ask the store for so that `value` can answer these names; None: the whole document."""

    @abstractmethod
    def whole(self, document: Any, dialect: int, expand: bool = False) -> list[tuple[bytes, Any]]:
        """The document as a reply without RETURN shows it, its score, language and payload fields left out.

        expand: FORMAT EXPAND, which only JSON documents have: values as the protocol's own, not as text.
        """

    @abstractmethod
    def typed(self, document: Any, name: bytes, dialect: int) -> Value | Absent:
        """What an aggregation works with under a name: as `value`, with JSON's numbers as numbers."""

    @abstractmethod
    def value(self, document: Any, name: bytes, dialect: int, expand: bool = False) -> Any:
        """What RETURN shows under a name: an attribute of the schema first, then a field or path of the document."""
