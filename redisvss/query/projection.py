"""The fields of a page's hits: what RETURN asks for, or the whole document, in the order RediSearch shows them.

Distances and the sort field come first, the rest as the document or RETURN lists it. Documents are read from the
store once for the page, and only if something is asked that the index does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from redisvss.numbers import format_number
from redisvss.query.request import Returned, SearchRequest
from redisvss.schema import FieldSpec
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.query.search import SearchResult


class Loader(Protocol):
    """Reads documents for replies; the engine gives one that goes through its store."""

    def documents(self, index: SearchIndex, keys: Sequence[bytes], names: Sequence[bytes] | None) -> list[Any]:
        """The parsed documents, None where there is none now. names: hash fields wanted, None for all."""

    def column(self, index: SearchIndex, keys: Sequence[bytes], spec: FieldSpec) -> list[bytes | None]:
        """One attribute's stored value for each key, for sorting by a field that is not SORTABLE."""


def project(index: SearchIndex, request: SearchRequest, result: SearchResult, loader: Loader) -> None:
    """Fill `hit.fields` of every hit."""
    if request.returned is None:
        _whole(index, request, result, loader)
    else:
        _chosen(index, request, request.returned, result, loader)


def _whole(index: SearchIndex, request: SearchRequest, result: SearchResult, loader: Loader) -> None:
    """Distances, the sort field, then the rest of the document."""
    definition = index.definition
    special = {definition.language_field, definition.score_field, definition.payload_field}
    first = None if request.sortby is None else _identifier(index, _encoded(request.sortby))
    yielded = [(_encoded(name), values) for name, values in result.distances.items()]
    documents = loader.documents(index, [hit.key for hit in result.hits], None)
    for row, (hit, document) in enumerate(zip(result.hits, documents, strict=True)):
        if document is None:
            continue
        shown = [(name, format_number(values[row])) for name, values in yielded if values[row] == values[row]]
        if first is not None and first in document:
            shown.append((first, document[first]))
        shown += [item for item in document.items() if item[0] not in special and item[0] != first]
        hit.fields = shown


def _chosen(
    index: SearchIndex, request: SearchRequest, returned: Sequence[Returned], result: SearchResult, loader: Loader
) -> None:
    """What RETURN names; distances and the sort field come first wherever they stand in it."""
    leading = [_encoded(name) for name in result.distances] + [_encoded(request.sortby or "")]
    ordered = sorted(returned, key=lambda r: leading.index(r.name) if r.name in leading else len(leading))
    columns = [(wanted.alias, _held(wanted, result)) for wanted in ordered]
    identifiers = [
        None if values is not None else _identifier(index, wanted.name)
        for wanted, (_, values) in zip(ordered, columns, strict=True)
    ]
    needed = tuple(dict.fromkeys(name for name in identifiers if name is not None))
    documents = loader.documents(index, [hit.key for hit in result.hits], needed) if needed else [{}] * len(result.hits)
    for row, (hit, document) in enumerate(zip(result.hits, documents, strict=True)):
        if document is None:
            continue
        hit.fields = []
        for (alias, values), identifier in zip(columns, identifiers, strict=True):
            value = document.get(identifier) if values is None else values[row]
            if value is not None:
                hit.fields.append((alias, value))


def _held(wanted: Returned, result: SearchResult) -> list[bytes | None] | None:
    """The column of values that need no document: distances, SORTABLE numbers and the key; None where one does."""
    name = wanted.name.decode("utf-8", "surrogateescape")
    numbers = result.distances.get(name) or result.numbers.get(name)
    if numbers is not None:
        return [format_number(value) if value == value or name in result.distances else None for value in numbers]
    if wanted.name == b"__key":
        return [hit.key for hit in result.hits]
    return None


def _identifier(index: SearchIndex, name: bytes) -> bytes:
    """RETURN names an attribute first, then a field of the document."""
    spec = index.definition.attribute(name)
    return name if spec is None else spec.identifier


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
