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
from redisvss.query.request import SearchRequest
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


def excerpts_of(definition: IndexDefinition, request: SearchRequest) -> dict[bytes, Excerpt]:
    """The excerpts of a page by the name the reply shows; raises QueryError. JSON documents have none in 2.10."""
    if request.highlight is None and request.summarize is None:
        return {}
    if definition.key_type != "HASH":
        return {}
    if request.returned is not None:
        named = {wanted.alias: (wanted.name, "Property `{}` is not in schema") for wanted in request.returned}
    elif listed := listed_fields(request):
        named = {_identifier(definition, name): (name, "No such property `{}`") for name in listed}
    else:
        named = {spec.identifier: (spec.attribute, "") for spec in definition.fields}
    found = {shown: _excerpt(definition, request, *wanted) for shown, wanted in named.items()}
    return {shown: excerpt for shown, excerpt in found.items() if excerpt is not None}


def listed_fields(request: SearchRequest) -> tuple[bytes, ...]:
    """What FIELDS name; without RETURN these come first in a reply."""
    asked = (request.summarize, request.highlight)
    return tuple(dict.fromkeys(name for option in asked if option is not None for name in option.fields or ()))


def _identifier(definition: IndexDefinition, name: bytes) -> bytes:
    spec = definition.attribute(name)
    return name if spec is None else spec.identifier


def _excerpt(definition: IndexDefinition, request: SearchRequest, name: bytes, unknown: str) -> Excerpt | None:
    tags = summary = None
    if (marks := request.highlight) is not None and (marks.fields is None or name in marks.fields):
        tags = Tags(_bytes(marks.open_tag), _bytes(marks.close_tag))
    if (short := request.summarize) is not None and (short.fields is None or name in short.fields):
        summary = Summary(short.fragments, short.length, _bytes(short.separator))
    if tags is None and summary is None:
        return None
    spec = definition.attribute(name)
    if spec is None:
        raise QueryError(unknown.format(name.decode("utf-8", "surrogateescape")))
    return Excerpt(_number(definition, spec), tags, summary) if spec.type == "TEXT" else None


def _number(definition: IndexDefinition, spec: FieldSpec) -> int:
    return [other for other in definition.fields if other.type == "TEXT"].index(spec)


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
    out: list[tuple[bytes, Any]] = []
    for name, value in row:
        excerpt = excerpts.get(name)
        if excerpt is not None and isinstance(value, bytes):
            words = partial(index.text.terms_of, excerpt.number, doc_id=doc_id)
            value = _shortened(excerpt, value, terms, words)
        out.append((name, value))
    return out


def _shortened(excerpt: Excerpt, text: bytes, terms: Mapping[bytes, float], words: Any) -> bytes:
    if excerpt.summary is not None:
        return summarize(text, terms, words, excerpt.summary, excerpt.tags)
    assert excerpt.tags is not None
    return highlight(text, terms, words, excerpt.tags)
