"""`redisvss tour`: hybrid vector search over a product catalogue, in seconds, with no server unless one is named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.progress import track

from redisvss.cli.console import err, out, plain, table

INDEX, PREFIX, FIELD = "products", "product:", "embedding"


@dataclass(frozen=True)
class Stop:
    """One query of the tour: what it shows, the filter, and the text whose like is looked for."""

    title: str
    filter: str
    like: str
    columns: tuple[str, ...]


STOPS = (
    Stop("Tag + KNN", "@gender:{Women} @colour:{Red|Pink}", "Printed Red Dress", ("name", "gender", "colour")),
    Stop("Text + numeric + KNN", "@name:(vintage|classic) @price:[20 80]", "Navy Blue Jeans", ("name", "price")),
    Stop("Geo + KNN", "@shop:[2.3522 48.8566 15 km]", "Evening Black Heels", ("name", "shop")),
)


def tour(
    count: Annotated[int, typer.Option(help="How many products to make up.", min=10, max=1_000_000)] = 1000,
    url: Annotated[
        str | None, typer.Option(envvar="REDISVSS_URL", help="A Redis to keep them in; default: this process.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave index and products there afterwards.")] = False,
) -> None:
    """Load a made-up catalogue and run three hybrid queries: their hits, their plan, their time."""
    started = time.perf_counter()
    client = _client(url)
    if INDEX in [plain(name) for name in client.execute_command("FT._LIST")]:
        raise ValueError(f"There is an index {INDEX!r} already; drop it first: redisvss index drop {INDEX}")
    _create(client)
    _load(client, count)
    where = url or "this process (no server)"
    out.print(
        f"[bold]{count} products[/] loaded and indexed in {time.perf_counter() - started:.1f} s, kept in {where}.\n"
    )
    try:
        for stop in STOPS:
            _show(client, stop)
    finally:
        if not keep:
            client.ft(INDEX).dropindex(delete_documents=True)
    out.print(
        f"Done in {time.perf_counter() - started:.1f} s. The same program on a Redis: redisvss tour --url redis://…"
    )


def _client(url: str | None) -> Any:
    from redisvss import Redis

    return Redis.from_url(url) if url else Redis()


def _create(client: Any) -> None:
    from redis.commands.search.field import GeoField, NumericField, TagField, TextField, VectorField
    from redis.commands.search.index_definition import IndexDefinition

    from redisvss.samples import DIM

    fields = [
        TextField("name", weight=2.0),
        *(TagField(name) for name in ("gender", "category", "article", "colour", "season")),
        NumericField("year", sortable=True),
        NumericField("price", sortable=True),
        GeoField("shop"),
        VectorField(FIELD, "HNSW", {"TYPE": "FLOAT32", "DIM": DIM, "DISTANCE_METRIC": "COSINE"}),
    ]
    definition = IndexDefinition(prefix=[PREFIX])  # type: ignore[no-untyped-call]
    client.ft(INDEX).create_index(fields, definition=definition)


def _load(client: Any, count: int) -> None:
    from redisvss.samples import products

    pipeline = client.pipeline(transaction=False)
    for number, item in enumerate(track(products(count), "loading", total=count, console=err, transient=True), 1):
        pipeline.hset(item.key, mapping=item.mapping())
        if number % 500 == 0:
            pipeline.execute()
    pipeline.execute()


def _show(client: Any, stop: Stop) -> None:
    from redis.commands.search.query import Query

    from redisvss.samples import embed

    text = f"({stop.filter})=>[KNN 5 @{FIELD} $like AS distance]"
    query = Query(text).sort_by("distance").return_fields("distance", *stop.columns).paging(0, 5).dialect(2)
    params = {"like": embed(stop.like).tobytes()}
    client.ft(INDEX).search(query, params)  # the first run reads what was just loaded
    started = time.perf_counter()
    found = client.ft(INDEX).search(query, params)
    milliseconds = (time.perf_counter() - started) * 1000
    rows = [[f"{float(hit.distance):.4f}", *(getattr(hit, name, "") for name in stop.columns)] for hit in found.docs]
    table(f"{stop.title}: like “{stop.like}”", ("distance", *stop.columns), rows)
    out.print(f"[dim]{plain(text)}[/]".replace("=>[", "=>\\["))
    out.print(f"[dim]plan: {_plan(client, text, params)} · {milliseconds:.2f} ms[/]\n")


def _plan(client: Any, text: str, params: dict[str, bytes]) -> str:
    """How the neighbours were found, from FT.PROFILE."""
    words = [part for pair in params.items() for part in pair]
    command = ("FT.PROFILE", INDEX, "SEARCH", "QUERY", text, "NOCONTENT", "PARAMS", len(words), *words, "DIALECT", 2)
    return _find(client.execute_command(*command), "Plan") or "not reported"


def _find(reply: Any, name: str) -> str | None:
    """The value behind a name, wherever it stands in a nested reply of either protocol."""
    match reply:
        case dict():
            pairs = list(reply.items())
        case list():
            pairs = list(pairwise(reply))
        case _:
            return None
    for key, value in pairs:
        if plain(key) == name:
            return str(plain(value))
    children = list(reply.values()) if isinstance(reply, dict) else reply
    return next((found for child in children if (found := _find(child, name)) is not None), None)
