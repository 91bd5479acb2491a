"""The fields of a page's hits: what RETURN asks for, or the whole document, in the order RediSearch shows them.

Distances and the sort field come first, the rest as the document or RETURN lists it. Documents are read from the
store once for the page, and only if something is asked that the index does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from redisvss.numbers import format_number
from redisvss.query.bind import BoundQuery
from redisvss.query.request import Returned, SearchRequest
from redisvss.schema import FieldSpec
from redisvss.searchindex import SearchIndex

if TYPE_CHECKING:
    from redisvss.query.search import Hit

Row = list[tuple[bytes, Any]]


class Loader(Protocol):
    """Reads documents for replies; the engine gives one that goes through its store."""

    def documents(self, index: SearchIndex, keys: Sequence[bytes], names: Sequence[bytes] | None) -> list[Any]:
        """The parsed documents, None where there is none now. names: hash fields wanted, None for all."""

    def column(self, index: SearchIndex, keys: Sequence[bytes], spec: FieldSpec) -> list[bytes | None]:
        """One attribute's stored value for each key, for sorting by a field that is not SORTABLE."""


def project(index: SearchIndex, request: SearchRequest, query: BoundQuery, hits: Sequence[Hit], loader: Loader) -> None:
    """Fill `hit.fields`."""
    wanted = _wanted(index, request, query)
    if wanted == ():
        documents: Sequence[Any] = [{}] * len(hits)
    else:
        documents = loader.documents(index, [hit.key for hit in hits], wanted)
    for hit, document in zip(hits, documents, strict=True):
        if document is not None:
            hit.fields = _row(index, request, query, hit, document)


def _wanted(index: SearchIndex, request: SearchRequest, query: BoundQuery) -> tuple[bytes, ...] | None:
    """The hash fields to read: None for all, () for none."""
    if request.returned is None:
        return None
    known = {name.encode("utf-8", "surrogateescape") for name in query.yields} | {b"__key"}
    names = [_identifier(index, r.name) for r in request.returned if r.name not in known and not _held(index, r)]
    return tuple(dict.fromkeys(names))


def _held(index: SearchIndex, returned: Returned) -> bool:
    """Whether the index itself holds the value: SORTABLE numbers, which are shown as numbers."""
    spec = index.definition.attribute(returned.name)
    return spec is not None and spec.type == "NUMERIC" and spec.sortable


def _identifier(index: SearchIndex, name: bytes) -> bytes:
    """RETURN names an attribute first, then a field of the document."""
    spec = index.definition.attribute(name)
    return name if spec is None else spec.identifier


def _row(index: SearchIndex, request: SearchRequest, query: BoundQuery, hit: Hit, document: Any) -> Row:
    if request.returned is not None:
        row = _chosen(index, request.returned, hit, document)
    else:
        special = {index.definition.language_field, index.definition.score_field, index.definition.payload_field}
        row = [(name, value) for name, value in document.items() if name not in special]
        row = [(_encoded(name), format_number(d)) for name, d in hit.distances.items() if d == d] + row
    return _leading(index, request, query, row)


def _chosen(index: SearchIndex, returned: Sequence[Returned], hit: Hit, document: Any) -> Row:
    row: Row = []
    for wanted in returned:
        name = wanted.name.decode("utf-8", "surrogateescape")
        value: bytes | None
        if name in hit.distances:
            value = format_number(hit.distances[name])
        elif name in hit.numbers:
            value = format_number(hit.numbers[name])
        elif wanted.name == b"__key":
            value = hit.key
        else:
            value = document.get(_identifier(index, wanted.name))
        if value is not None:
            row.append((wanted.alias, value))
    return row


def _leading(index: SearchIndex, request: SearchRequest, query: BoundQuery, row: Row) -> Row:
    """Distances, then the sort field, in front of the rest."""
    first = [_encoded(name) for name in query.yields]
    if request.sortby is not None:
        first.append(_shown_sort_name(index, request))
    rank = {name: position for position, name in enumerate(first)}
    return sorted(row, key=lambda item: rank.get(item[0], len(first)))


def _shown_sort_name(index: SearchIndex, request: SearchRequest) -> bytes:
    assert request.sortby is not None
    name = _encoded(request.sortby)
    return name if request.returned is not None else _identifier(index, name)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
