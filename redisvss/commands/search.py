"""FT.SEARCH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.commands.search_args import parse_search
from redisvss.query.request import SearchRequest
from redisvss.query.search import Hit, SearchResult
from redisvss.reply import Reply, Session, format_double

if TYPE_CHECKING:
    from redisvss.engine import Engine


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


def _as_map(request: SearchRequest, result: SearchResult) -> dict[str, Any]:
    return {
        "attributes": [],
        "format": "EXPAND" if request.expand else "STRING",
        "results": [_hit_map(request, hit) for hit in result.hits],
        "total_results": result.total,
        "warning": list(result.warnings),
    }


def _hit_map(request: SearchRequest, hit: Hit) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": hit.key}
    if request.withscores:
        shown["score"] = [hit.score, hit.explanation] if request.explainscore else hit.score
    if request.withrawids:
        shown["rawid"] = hit.revision
    if request.withpayloads:
        shown["payload"] = hit.payload
    if request.withsortkeys:
        shown["sortkey"] = _sort_key(hit)
    if _shows_fields(request):
        shown["extra_attributes"] = None if hit.fields is None else dict(hit.fields)
    shown["values"] = []
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
