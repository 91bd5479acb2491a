"""The fields of a page's hits: what RETURN asks for, or the whole document, in the order RediSearch shows them.

Distances and the sort field come first, the rest as the document or RETURN lists it. Documents are read from the
store once for the page, and only if something is asked that the index does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from redisvss.documents import ABSENT
from redisvss.documents.jsonreader import MULTI_VALUE_DIALECT
from redisvss.numbers import format_number, plain_number
from redisvss.query.excerpts import listed_fields, shown_apart
from redisvss.query.hits import Hit, SearchResult
from redisvss.query.request import Returned, SearchRequest
from redisvss.schema import FieldSpec
from redisvss.searchindex import SearchIndex


class Loader(Protocol):
    """Reads documents for replies; the engine gives one that goes through its store."""

    def documents(self, index: SearchIndex, keys: Sequence[bytes], names: Sequence[bytes] | None) -> list[Any]:
        """The parsed documents, None where there is none now. names: hash fields wanted, None for all."""

    def column(self, index: SearchIndex, keys: Sequence[bytes], spec: FieldSpec, dialect: int) -> list[bytes | None]:
        """One attribute's stored value for each key, for sorting by a field that is not SORTABLE."""


def project(index: SearchIndex, request: SearchRequest, result: SearchResult, loader: Loader) -> None:
    """Fill `hit.fields` of every hit."""
    if request.returned is None:
        _whole(index, request, result, loader)
    else:
        _chosen(index, request, request.returned, result, loader)


def _whole(index: SearchIndex, request: SearchRequest, result: SearchResult, loader: Loader) -> None:
    """Distances, the sort field, then the rest of the document."""
    yielded = [(_encoded(name), values) for name, values in result.distances.items()]
    sorted_by = index.definition.attribute(_encoded(request.sortby or ""))  # None for a distance
    listed, number = listed_fields(request), _number_shape(request)
    documents = loader.documents(index, [hit.key for hit in result.hits], None)
    for row, (hit, document) in enumerate(zip(result.hits, documents, strict=True)):
        if document is None:
            continue
        shown: list[tuple[bytes, Any]] = [
            (name, number(value)) for name, values in yielded if (value := values[row]) is not None
        ]
        rest = index.reader.whole(document, request.dialect, request.expand)
        apart = ((name, _read(index, request, document, name)) for name in shown_apart(index.definition, request))
        rest = [*((name, value) for name, value in apart if value not in (ABSENT, None)), *rest]
        if listed:
            rest = sorted(rest, key=lambda pair: listed.index(pair[0]) if pair[0] in listed else len(listed))
        if sorted_by is not None:
            first = _sort_pair(index, request, sorted_by, hit, document, rest)
            if not _renamed(index, sorted_by):
                rest = [pair for pair in rest if pair[0] != sorted_by.identifier]
            shown += first
        hit.fields = shown + rest


def _sort_pair(
    index: SearchIndex,
    request: SearchRequest,
    spec: FieldSpec,
    hit: Hit,
    document: Any,
    rest: Sequence[tuple[bytes, Any]],
) -> list[tuple[bytes, Any]]:
    """The sort field as the document has it; of a JSON document, as RETURN would show it."""
    found = [pair for pair in rest if pair[0] == spec.identifier]
    if _renamed(index, spec):
        return _under_attribute(spec, hit, found)
    if hit.sort_value is None and (found or spec.sortable):
        return found  # a null that is not kept for sorting is shown
    if found and not spec.sortable:
        hit.sort_value = found[0][1]  # what was compared gives way to the document's own text
    if found:
        return found
    if spec.sortable and request.shown_dialect < MULTI_VALUE_DIALECT and isinstance(hit.sort_value, str):
        return [(spec.attribute, _encoded(hit.sort_value))]
    value = _read(index, request, document, spec.attribute)
    return [] if value is ABSENT else [(spec.attribute, value)]


def _renamed(index: SearchIndex, spec: FieldSpec) -> bool:
    """A hash's field under another name: it is shown twice, as what was compared and as the document has it."""
    return index.definition.key_type == "HASH" and spec.identifier != spec.attribute


def _under_attribute(spec: FieldSpec, hit: Hit, found: Sequence[tuple[bytes, Any]]) -> list[tuple[bytes, Any]]:
    match hit.sort_value:
        case None:
            return []
        case _ if not spec.sortable and found:
            return [(spec.attribute, found[0][1])]
        case float(number):
            return [(spec.attribute, format_number(number))]
        case str(text):
            return [(spec.attribute, _encoded(text))]
        case raw:
            return [(spec.attribute, raw)]


def _chosen(
    index: SearchIndex, request: SearchRequest, returned: Sequence[Returned], result: SearchResult, loader: Loader
) -> None:
    """What RETURN names; distances, the sort field and FIELDS come first unless they are renamed."""
    leading = [*map(_encoded, result.distances), _encoded(request.sortby or ""), *listed_fields(request)]
    hidden = index.definition.special
    visible = [wanted for wanted in returned if wanted.alias not in hidden]
    ordered = sorted(visible, key=lambda r: leading.index(r.alias) if r.name == r.alias in leading else len(leading))
    columns = [(wanted, _held(wanted, result, _number_shape(request))) for wanted in ordered]
    loaded = [wanted.name for wanted, values in columns if values is None]
    documents = _load(index, loaded, result, loader)
    for row, (hit, document) in enumerate(zip(result.hits, documents, strict=True)):
        if document is None:
            continue
        hit.fields = []
        for wanted, values in columns:
            value = values[row] if values is not None else _read(index, request, document, wanted.name)
            if value is not ABSENT:
                hit.fields.append((wanted.alias, value))


def _load(index: SearchIndex, names: Sequence[bytes], result: SearchResult, loader: Loader) -> list[Any]:
    if not names:
        return [{}] * len(result.hits)
    return loader.documents(index, [hit.key for hit in result.hits], index.reader.needed(names))


def _read(index: SearchIndex, request: SearchRequest, document: Any, name: bytes) -> Any:
    return index.reader.value(document, name, request.dialect, request.expand)


def _number_shape(request: SearchRequest) -> Callable[[float], Any]:
    return plain_number if request.expand else format_number


def _held(wanted: Returned, result: SearchResult, number: Callable[[float], Any]) -> Sequence[Any] | None:
    """The column of values that need no document: distances, a hash's numbers and the key; None where one does."""
    name = wanted.name.decode("utf-8", "surrogateescape")
    distances = result.distances.get(name) if wanted.name == wanted.alias else None  # renamed, it is a field's name
    numbers = distances or result.numbers.get(name)
    if numbers is not None:
        return [ABSENT if value is None else number(value) for value in numbers]
    if wanted.name == b"__key":
        return [hit.key for hit in result.hits]
    return None


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
