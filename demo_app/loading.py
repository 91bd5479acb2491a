"""The catalogue into Redis: the index as schemas/fashion.yaml defines it, one hash a product."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from redis.exceptions import ResponseError

from demo_app.catalogue import Catalogue, Space
from demo_app.models import Product
from redisvss.schemafile import create_command, load_schema

INDEX = "fashion"
_MARK = "fashion:loaded"
_BATCH = 100
_CELLS = 64  # about the square root of the products
_PATIENCE = 3.0  # seconds to wait for a first visitor


def schema() -> dict[str, Any]:
    """schemas/fashion.yaml, which a wheel carries inside this package."""
    inside = Path(__file__).with_name("fashion.yaml")
    return load_schema(inside if inside.exists() else Path(__file__).parent.parent / "schemas" / "fashion.yaml")


def definition(catalogue: Catalogue) -> dict[str, Any]:
    """The schema with the catalogue's own vector fields and their dimensions."""
    shape = copy.deepcopy(schema())
    fields = {field["name"]: field for field in shape["fields"]}
    plain = [field for field in shape["fields"] if field["type"] != "vector"]
    vectors = []
    for space in catalogue.spaces:
        for suffix in ("", "_exact"):
            field = copy.deepcopy(fields[f"image_vector{suffix}"])
            field |= {"name": space.field + suffix, "path": space.field}
            field["attrs"]["dims"] = space.vectors.shape[1]
            vectors.append(field)
    return {**shape, "fields": [*plain, *vectors]}


class Loading:
    """Products on their way into the store.

    done: how many are there;  total: how many there will be;  visited: to be set when a first page has been served.
    """

    def __init__(self, client: Any, catalogue: Catalogue) -> None:
        self.done = self.total = len(catalogue.products)
        self.visited = threading.Event()
        self._batches = batches(client, catalogue)

    def first(self) -> None:
        """The first batch, a page's worth and more: then visitors may come."""
        self.done = next(self._batches, self.total)

    def rest(self) -> None:
        """The other batches, once the first visitor has been served: both at once would take turns."""
        self.visited.wait(_PATIENCE)
        for done in self._batches:
            self.done = done


def load(client: Any, catalogue: Catalogue) -> bool:
    """All of it at once; False when this very catalogue was there already."""
    return bool(list(batches(client, catalogue)))


def batches(client: Any, catalogue: Catalogue) -> Iterator[int]:
    """Create the index and write the products; after each batch, how many are there. Nothing when all are."""
    mark = f"2:{catalogue.name}:{len(catalogue.products)}:{_shape(catalogue)}"
    known = INDEX in {_text(name) for name in client.execute_command("FT._LIST")}
    if known and _text(client.get(_MARK) or b"") == mark:
        return
    client.delete(_MARK)  # until all are there: a load that is cut short begins again
    if known:
        client.execute_command("FT.DROPINDEX", INDEX, "DD")
    _create(client, catalogue)
    documents = _documents(catalogue)
    done = 0
    while batch := list(islice(documents, _BATCH)):
        pipeline = client.pipeline(transaction=False)
        for product, vectors in batch:
            product.save(pipeline, vectors)
        pipeline.execute_command("FT.SEARCH", INDEX, "*", "LIMIT", 0, 0)  # indexed here, not in a visitor's search
        pipeline.execute()
        done += len(batch)
        yield done
    client.set(_MARK, mark)


def _create(client: Any, catalogue: Catalogue) -> None:
    """With cells (IVF_FLAT) beside each graph, for the Explorer, where the server knows them: RediSearch does not."""
    command = create_command(definition(catalogue))
    try:
        client.execute_command(*command, *(part for space in catalogue.spaces for part in _cells(space)))
    except ResponseError as error:
        if "algorithm" not in str(error).lower():
            raise
        client.execute_command(*command)


def _cells(space: Space) -> tuple[str | int, ...]:
    shape = ("TYPE", "FLOAT32", "DIM", space.vectors.shape[1], "DISTANCE_METRIC", "COSINE", "NLIST", _CELLS)
    return (space.field, "AS", f"{space.field}_cells", "VECTOR", "IVF_FLAT", len(shape), *shape)


def _shape(catalogue: Catalogue) -> str:
    """Tells catalogues apart that have the same products but other vectors."""
    return ",".join(f"{s.field}={s.vectors.shape[1]}:{float(np.nansum(s.vectors[:50])):.3f}" for s in catalogue.spaces)


def _documents(catalogue: Catalogue) -> Iterator[tuple[Product, dict[str, bytes]]]:
    """Each product, and its vectors by field."""
    for row, product in enumerate(catalogue.products):
        known = (space for space in catalogue.spaces if not np.isnan(space.vectors[row, 0]))
        yield product, {space.field: space.vectors[row].tobytes() for space in known}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
