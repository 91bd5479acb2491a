"""FT.SEARCH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.commands.search_args import parse_search
from redisvss.query.hits import Hit, SearchResult
from redisvss.query.request import SearchRequest
from redisvss.reply import Name, Ready, Reply, Session, format_double

if TYPE_CHECKING:
    from redisvss.engine import Engine


# RESP3's names, made once
_ATTRIBUTES = Name(b"attributes")
_FORMAT = Name(b"format")
_RESULTS = Name(b"results")
_TOTAL = Name(b"total_results")
_WARNING = Name(b"warning")
_ID = Name(b"id")
_SCORE = Name(b"score")
_RAWID = Name(b"rawid")
_PAYLOAD = Name(b"payload")
_SORTKEY = Name(b"sortkey")
_EXTRA_ATTRIBUTES = Name(b"extra_attributes")
_VALUES = Name(b"values")
_STRING = Name(b"STRING")
_EXPAND = Name(b"EXPAND")


@command(
    "FT.SEARCH",
    arity=-2,
    summary="Searches the index with a textual query, returning either documents or just ids",
)
def ft_search(engine: Engine, session: Session, args: Args) -> Reply:
    index = engine.search_index(args.next())
    request = parse_search(args, engine.config, session.protocol)
    return search_reply(request, engine.search(index, request), session.protocol)


def search_reply(request: SearchRequest, result: SearchResult, protocol: int) -> Reply:
    return _as_map(request, result) if protocol >= 3 else _as_array(request, result)


def _as_array(request: SearchRequest, result: SearchResult) -> list[Any]:
    """RESP2: total, then id, [score], [raw id], [payload], [sort key], [fields] of each hit."""
    reply: list[Any] = [result.total]
    for hit in result.hits:
        reply.append(hit.key)
        if request.withscores:
            score: Any = format_double(hit.score)
            reply.append([score, hit.explanation] if request.explainscore else score)
        if request.withrawids:
            reply.append(hit.revision)
        if request.withpayloads:
            reply.append(hit.payload)
        if request.withsortkeys:
            reply.append(_sort_key(hit))
        if _shows_fields(request):
            reply.append(None if hit.fields is None else [part for pair in hit.fields for part in pair])
    return reply


def _as_map(request: SearchRequest, result: SearchResult) -> dict[Name, Any]:
    reply: dict[Name, Any] = {
        _ATTRIBUTES: [],
        _FORMAT: _EXPAND if request.expand else _STRING,
        _RESULTS: [_hit_map(request, hit) for hit in result.hits],
        _TOTAL: result.total,
        _WARNING: [Name(text.encode()) for text in result.warnings],
    }
    return reply if request.expand or request.explainscore else Ready(reply)


def _hit_map(request: SearchRequest, hit: Hit) -> dict[Name, Any]:
    shown: dict[Name, Any] = {_ID: hit.key}
    if request.withscores:
        shown[_SCORE] = [hit.score, hit.explanation] if request.explainscore else hit.score
    if request.withrawids:
        shown[_RAWID] = hit.revision
    if request.withpayloads:
        shown[_PAYLOAD] = hit.payload
    if request.withsortkeys:
        shown[_SORTKEY] = _sort_key(hit)
    if _shows_fields(request):
        shown[_EXTRA_ATTRIBUTES] = None if hit.fields is None else dict(hit.fields)
    shown[_VALUES] = []
    return shown


def _shows_fields(request: SearchRequest) -> bool:
    return not request.nocontent and request.returned != ()


def _sort_key(hit: Hit) -> bytes | None:
    match hit.sort_value:
        case None:
            return None
        case float(number):
            return b"#%.17g" % number
        case str(text):
            return b"$" + text.encode("utf-8", "surrogateescape")
        case raw:
            return b"$" + raw
