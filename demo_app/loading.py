"""The catalogue into Redis: the index as schemas/fashion.yaml defines it, one hash a product."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from demo_app.catalogue import Catalogue
from redisvss.schemafile import create_command, load_schema

INDEX = "fashion"
_MARK = "fashion:loaded"
_BATCH = 200


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


def load(client: Any, catalogue: Catalogue) -> bool:
    """Create the index and write the products; False when this very catalogue is there already."""
    mark = f"{catalogue.name}:{len(catalogue.products)}:{_shape(catalogue)}"
    known = INDEX in {_text(name) for name in client.execute_command("FT._LIST")}
    if known and _text(client.get(_MARK) or b"") == mark:
        return False
    if known:
        client.execute_command("FT.DROPINDEX", INDEX, "DD")
    client.execute_command(*create_command(definition(catalogue)))
    documents = _documents(catalogue)
    while batch := list(islice(documents, _BATCH)):
        pipeline = client.pipeline(transaction=False)
        for key, mapping in batch:
            pipeline.hset(key, mapping=mapping)
        pipeline.execute()
    client.set(_MARK, mark)
    return True


def _shape(catalogue: Catalogue) -> str:
    """Tells catalogues apart that have the same products but other vectors."""
    return ",".join(f"{s.field}={s.vectors.shape[1]}:{float(np.nansum(s.vectors[:50])):.3f}" for s in catalogue.spaces)


def _documents(catalogue: Catalogue) -> Iterator[tuple[str, dict[str, Any]]]:
    for row, product in enumerate(catalogue.products):
        mapping: dict[str, Any] = {name: value for name, value in product.mapping().items() if value != ""}
        for space in catalogue.spaces:
            if not np.isnan(space.vectors[row, 0]):
                mapping[space.field] = space.vectors[row].tobytes()
        yield product.key, mapping


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
