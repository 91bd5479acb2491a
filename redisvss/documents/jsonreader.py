"""JSON documents as an index reads them: a field is a path, its raw value what the path finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redisvss.documents.base import ABSENT, Absent, DocumentReader, Special
from redisvss.documents.json import CompiledPath, compile_path, parse, serialize, to_text, values_at
from redisvss.errors import CommandError
from redisvss.expression.values import Multi, Text, Value
from redisvss.fields.base import Field
from redisvss.numbers import plain_number
from redisvss.schema import FieldSpec, IndexDefinition

MULTI_VALUE_DIALECT = 3  # from here on RETURN shows all a path finds, as a JSON array


class JsonReader(DocumentReader):
    """A document is wrapped in a list of one, so that a root of null is told from no document."""

    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._paths = [_path(spec.identifier) for spec in definition.fields]
        self._by_attribute = dict(zip((spec.attribute for spec in definition.fields), self._paths, strict=True))
        self._sortable = frozenset(spec.attribute for spec in definition.fields if spec.sortable)

    def parse(self, stored: bytes) -> list[Any] | None:
        try:
            return [parse(stored)]
        except CommandError:  # a string that is no JSON is no document
            return None

    def raws(self, document: list[Any]) -> list[list[Any] | None]:
        return [values_at(document[0], path) or None for path in self._paths]

    def decode(self, field: Field, raw: list[Any]) -> Any:
        return field.decode_json(raw)

    def special(self, document: list[Any]) -> Special:
        definition = self.definition
        names = (definition.score_field, definition.payload_field, definition.language_field)
        return Special(*(self._first(document, _path(name)) if name else None for name in names))

    def properties(self, key: bytes, document: list[Any]) -> Mapping[str, bytes]:
        found = {
            spec.name: self._first(document, path)
            for spec, path in zip(self.definition.fields, self._paths, strict=True)
        }
        return {**{name: value for name, value in found.items() if value is not None}, "__key": key}

    def sort_key(self, spec: FieldSpec, raw: list[Any]) -> str | None:
        """The first value; SORTABLE on JSON never folds."""
        value = raw[0]
        if isinstance(value, list):
            value = value[0] if value else None
        text = _kept_for_sorting(value)
        return None if text is ABSENT else text.decode("utf-8", "surrogateescape")

    def is_list(self, raw: list[Any]) -> bool:
        return len(raw) > 1 or isinstance(raw[0], list)

    def compared(self, document: list[Any], name: bytes, dialect: int) -> bytes | None:
        """A list's JSON text, from dialect 3 on its first value."""
        found = self._found(document, name)
        if found and dialect >= MULTI_VALUE_DIALECT and isinstance(found[0], list):
            found = found[0]
        return to_text(found[0]) if found else None

    def unordered(self, spec: FieldSpec) -> bool:
        return not self._by_attribute[spec.attribute].is_single

    def needed(self, names: Sequence[bytes]) -> None:
        return None

    def whole(self, document: list[Any], dialect: int, expand: bool = False) -> list[tuple[bytes, Any]]:
        if expand:
            return [(b"$", _expanded(document))]
        return [(b"$", serialize(document if dialect >= MULTI_VALUE_DIALECT else document[0]))]

    def typed(self, document: list[Any], name: bytes, dialect: int) -> Value | Absent:
        found = self._found(document, name)
        if not found:
            return ABSENT
        if dialect < MULTI_VALUE_DIALECT:
            return _scalar(found[0])
        if found[0] == []:
            return ABSENT
        first = found[0][0] if isinstance(found[0], list) else found[0]
        return Multi(_scalar(first), serialize(found), _expanded(found))

    def value(self, document: list[Any], name: bytes, dialect: int, expand: bool = False) -> Any:
        found = self._found(document, name)
        if not found:
            return ABSENT
        if dialect < MULTI_VALUE_DIALECT and not expand:
            return to_text(found[0])
        if found[0] == []:  # in 2.10.5, and so for several values of which the first is empty
            return ABSENT
        if name in self._sortable and len(found) == 1 and not isinstance(found[0], list | dict):
            return _expanded(found[0]) if expand and _is_number(found[0]) else _kept_for_sorting(found[0])
        return _expanded(found) if expand else serialize(found)

    def _found(self, document: list[Any], name: bytes) -> list[Any]:
        """What an attribute's path, or the name itself as a path, finds."""
        path = self._by_attribute.get(name)
        if path is None and not name.startswith(b"$"):
            return []
        return values_at(document[0], path or _path(name))

    def _first(self, document: list[Any], path: CompiledPath) -> bytes | None:
        found = values_at(document[0], path)
        return to_text(found[0]) if found else None


def _path(identifier: bytes) -> CompiledPath:
    return compile_path(identifier.decode("utf-8", "surrogateescape"))


def _kept_for_sorting(value: Any) -> bytes | Absent:
    """A SORTABLE field's one value, which RediSearch shows bare in every dialect, and does not show if it is null."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    text = to_text(value)
    return ABSENT if text is None else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scalar(value: Any) -> Value:
    """A JSON value in an expression: booleans are 1 and 0, what has parts is its text."""
    match value:
        case str():
            return Text(value.encode("utf-8", "surrogateescape"))
        case int() | float():
            return float(value)
        case None:
            return None
        case _:
            return serialize(value)


def _expanded(value: Any) -> Any:
    """A JSON value as FORMAT EXPAND replies with it."""
    match value:
        case str():
            return value.encode("utf-8", "surrogateescape")
        case bool():
            return int(value)
        case float():
            return plain_number(value)
        case list():
            return [_expanded(item) for item in value]
        case dict():
            return {_expanded(name): _expanded(item) for name, item in value.items()}
        case _:
            return value
