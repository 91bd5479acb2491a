"""HIGHLIGHT and SUMMARIZE on a page of hits: which fields they are for, and their texts replaced.

How a text is marked or cut is `highlight`'s affair. Only TEXT fields are touched; RediSearch's SUMMARIZE also cuts
the end off tags, numbers and vectors when no FIELDS are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from redisvss.fields.base import QueryError
from redisvss.query.highlight import Summary, Tags, highlight, summarize
from redisvss.query.request import Returned, SearchRequest
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex

_NO_OFFSETS = "Cannot use highlight/summarize because NOOFSETS was specified at index level"  # sic


@dataclass(frozen=True)
class Excerpt:
    """What is done to one field; `number` is its place among the TEXT fields."""

    number: int
    tags: Tags | None
    summary: Summary | None


def check_excerpts(definition: IndexDefinition, request: SearchRequest) -> None:
    """Before the query is looked at, and whether or not fields are shown. Raises QueryError."""
    asked = request.highlight is not None or request.summarize is not None
    if asked and (definition.nohl or definition.nooffsets):
        raise QueryError(_NO_OFFSETS)


def excerpts_of(
    definition: IndexDefinition, request: SearchRequest, yields: Sequence[str] = ()
) -> dict[bytes, Excerpt]:
    """The excerpts of a page by the name the reply shows, which has to be an attribute's.

    yields: names of the query's distances. Raises QueryError for names that RETURN or FIELDS may not hold.
    """
    if request.highlight is None and request.summarize is None:
        return {}
    if request.returned is not None:
        shown = _returned(definition, request.returned, listed_fields(request))
    else:
        shown, listed = _visible(definition, request), listed_fields(request)
        for name in listed:
            if _text(name) in yields:
                raise QueryError(f"Property `{_text(name)}` is not in schema")
            if name not in shown and (definition.key_type == "JSON" or definition.attribute(name) is None):
                raise QueryError(f"No such property `{_text(name)}`")
        shown = [name for name in listed if name in shown] if listed else shown
    found = {name: _excerpt(definition, request, name) for name in shown}
    return {name: excerpt for name, excerpt in found.items() if excerpt is not None}


def _returned(definition: IndexDefinition, returned: Sequence[Returned], listed: Sequence[bytes]) -> list[bytes]:
    """Names RETURN shows; all of them have to be the schema's, whatever FIELDS says."""
    for wanted in returned:
        renamed = wanted.alias in listed and definition.attribute(wanted.alias) is None
        if renamed or definition.attribute(wanted.name) is None:
            raise QueryError(f"Property `{_text(wanted.alias)}` is not in schema")
    return [wanted.alias for wanted in returned]


def _visible(definition: IndexDefinition, request: SearchRequest) -> list[bytes]:
    """Attributes that a whole document shows under their own names; see `shown_apart` for JSON."""
    sortby = _bytes(request.sortby or "")
    if definition.key_type == "JSON":
        return [*shown_apart(definition, request), *(s.attribute for s in definition.fields if s.attribute == sortby)]
    return [s.attribute for s in definition.fields if s.attribute in (sortby, s.identifier)]


def shown_apart(definition: IndexDefinition, request: SearchRequest) -> list[bytes]:
    """What a JSON document shows beside itself because FIELDS names it: SORTABLE attributes."""
    if definition.key_type != "JSON":
        return []
    sortable = {spec.attribute for spec in definition.fields if spec.sortable}
    return [name for name in listed_fields(request) if name in sortable and name != _bytes(request.sortby or "")]


def listed_fields(request: SearchRequest) -> tuple[bytes, ...]:
    """What FIELDS name; without RETURN these come first in a reply."""
    asked = (request.summarize, request.highlight)
    return tuple(dict.fromkeys(name for option in asked if option is not None for name in option.fields or ()))


def _excerpt(definition: IndexDefinition, request: SearchRequest, name: bytes) -> Excerpt | None:
    tags = summary = None
    if (marks := request.highlight) is not None and (marks.fields is None or name in marks.fields):
        tags = Tags(_bytes(marks.open_tag), _bytes(marks.close_tag))
    if (short := request.summarize) is not None and (short.fields is None or name in short.fields):
        summary = Summary(short.fragments, short.length, _bytes(short.separator))
    if tags is None and summary is None:
        return None
    spec = definition.attribute(name)
    return Excerpt(_number(definition, spec), tags, summary) if spec is not None and spec.type == "TEXT" else None


def _number(definition: IndexDefinition, spec: FieldSpec) -> int:
    return [other for other in definition.fields if other.type == "TEXT"].index(spec)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def excerpt_row(
    index: SearchIndex,
    excerpts: Mapping[bytes, Excerpt],
    doc_id: int,
    terms: Mapping[bytes, float],
    row: Sequence[tuple[bytes, Any]],
) -> list[tuple[bytes, Any]]:
    """A hit's fields with their texts replaced. terms: what the document matched by, with its IDF.

    The caller holds the index's read lock.
    """
    is_json = index.definition.key_type == "JSON"  # where only a string is a text
    out: list[tuple[bytes, Any]] = []
    for name, value in row:
        excerpt = excerpts.get(name)
        if excerpt is not None and isinstance(value, bytes) and not (is_json and value[:1] in (b"[", b"{")):
            words = partial(index.text.terms_of, excerpt.number, doc_id=doc_id)
            value = _shortened(excerpt, value, terms, words)
        out.append((name, value))
    return out


def _shortened(excerpt: Excerpt, text: bytes, terms: Mapping[bytes, float], words: Any) -> bytes:
    if excerpt.summary is not None:
        return summarize(text, terms, words, excerpt.summary, excerpt.tags)
    assert excerpt.tags is not None
    return highlight(text, terms, words, excerpt.tags)
