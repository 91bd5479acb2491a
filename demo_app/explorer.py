"""The Explorer: the vectors on a plane, a search replayed step by step, FLAT beside HNSW."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from redis.exceptions import ResponseError

from demo_app.filters import Filters
from demo_app.finder import By
from demo_app.loading import INDEX
from demo_app.models import Product
from demo_app.pages import looking_at, render, shop_of
from demo_app.traces import Trace, traced

router = APIRouter(include_in_schema=False)

_ROUNDS = 7  # repeats of each search of the comparison, the median of which is shown
_WIDTHS = (10, 40, 160)  # EF_RUNTIME
_SHOWN = ("name", "category", "colour", "gender")  # of a point
_PROBES = (2, 8)  # NPROBE: cells read, of 64
Index = Literal["hnsw", "flat", "ivf"]
_SUFFIX: dict[Index, str] = {"hnsw": "", "flat": "_exact", "ivf": "_cells"}  # of the field that keeps it
_NOT_OURS = ("unknown command", "no such index")  # a module's index: where FT.* is left to it, we know of none


@router.get("/explorer")
def page(request: Request) -> Response:
    shop, looking = shop_of(request), looking_at(request)
    first = shop.catalogue.products[0].product_id
    cells = shop.finder.has(f"{shop.catalogue.images[0].field}_cells")
    facets = shop.finder.facets(Filters())
    return render(request, "explorer.html", looking=looking, first=looking.like or first, cells=cells, facets=facets)


@router.get("/explorer/points")
def points(request: Request, by: By = "image") -> dict[str, Any]:
    """Every product's place on the plane its vectors spread over most, both coordinates in −1 … 1."""
    shop = shop_of(request)
    pipeline = shop.client.pipeline(transaction=False)
    field = (shop.catalogue.images if by == "image" else shop.catalogue.texts)[0].field
    numbers = shop.finder.numbers(Filters())
    for number in numbers:
        pipeline.hmget(Product.make_primary_key(number), field, *_SHOWN)
    known = [(number, *told) for number, told in zip(numbers, pipeline.execute(), strict=True) if told[0]]
    plane = _plane(np.stack([np.frombuffer(vector, np.float32) for _, vector, *_ in known]))
    return {
        "points": [
            [number, x, y, *((value or b"").decode() for value in shown)]
            for (number, _, *shown), (x, y) in zip(known, plane.tolist(), strict=True)
        ]
    }


def _plane(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The first two principal components, each stretched to −1 … 1 by rank and value half and half.

    By value alone most products huddle in the middle; by rank alone clusters lose their shape.
    """
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = (centred @ directions[:, :-3:-1]).astype(np.float64)
    ranks = flat.argsort(axis=0).argsort(axis=0) / max(1, len(flat) - 1) * 2 - 1
    spread = flat / np.abs(flat).max(axis=0).clip(1e-9)
    places: np.ndarray[Any, np.dtype[np.float64]] = (0.5 * ranks + 0.5 * spread).round(4)
    return places


@router.get("/explorer/matching")
def matching(request: Request) -> dict[str, Any]:
    """Products the filters let through."""
    shop, looking = shop_of(request), looking_at(request)
    return {"ids": shop.finder.numbers(looking.filters)}


@router.get("/explorer/trace")
def trace(request: Request, k: int = 10, by: By = "image", index: Index = "hnsw") -> dict[str, Any]:
    """The replay of a search for the products most like one."""
    shop, looking = shop_of(request), looking_at(request)
    name, vector = _question(request, by)
    try:
        told: Trace = traced(
            shop.client, INDEX, name + _SUFFIX[index], looking.filters.expression(), vector, max(1, min(k, 50))
        )
    except ResponseError as error:
        if not any(words in str(error).lower() for words in _NOT_OURS):
            raise
        raise HTTPException(501, "This server answers FT.* with its own engine, which tells no trace.") from None
    return told.shown(len(Product.make_primary_key("")))


@router.get("/explorer/compare")
def compare(request: Request, k: int = 10, by: By = "image") -> dict[str, Any]:
    """FLAT beside HNSW at several widths and, where there are, cells: median time as seen from here, and recall."""
    shop, k = shop_of(request), max(1, min(k, 50))
    name, vector = _question(request, by)
    truth, exact_ms = _measured(shop.client, f"*=>[KNN {k} @{name}_exact $v AS distance]", vector, k)
    rows = [{"name": "FLAT (exact)", "ms": exact_ms, "recall": 1.0}]
    searches = [(f"HNSW, EF_RUNTIME {width}", f"@{name} $v EF_RUNTIME {width}") for width in _WIDTHS]
    if shop.finder.has(f"{name}_cells"):
        searches += [(f"IVF_FLAT, NPROBE {n}", f"@{name}_cells $v NPROBE {n}") for n in _PROBES]
    for title, clause in searches:
        found, milliseconds = _measured(shop.client, f"*=>[KNN {k} {clause} AS distance]", vector, k)
        rows.append({"name": title, "ms": milliseconds, "recall": len(found & truth) / max(1, len(truth))})
    return {"rows": rows, "products": len(shop.catalogue.products)}


def _question(request: Request, by: By) -> tuple[str, bytes]:
    """Field and vector of the product that is asked about."""
    shop, looking = shop_of(request), looking_at(request)
    product = shop.finder.product(looking.like) if looking.like is not None else None
    vector = shop.finder.vector(product, by) if product else None
    if vector is None:
        raise HTTPException(404, "Choose a product first.")
    return (shop.catalogue.images if by == "image" else shop.catalogue.texts)[0].field, vector


def _measured(client: Any, query: str, vector: bytes, k: int) -> tuple[set[bytes], float]:
    command = ("FT.SEARCH", INDEX, query, "NOCONTENT", "SORTBY", "distance", "LIMIT", 0, k, "PARAMS", 2, "v", vector,
               "DIALECT", 2)  # fmt: skip
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        reply = client.execute_command(*command)
        times.append((time.perf_counter() - started) * 1000)
    return set(reply[1:]), sorted(times)[_ROUNDS // 2]
