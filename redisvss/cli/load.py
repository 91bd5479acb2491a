"""`redisvss load`: documents from CSV or JSON lines, vectors from .npy files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track

from redisvss.cli.console import DEFAULT_URL, Url, connect, err, out
from redisvss.cli.vectors import encode

_BATCH = 500  # documents per round trip

Row = dict[str, Any]


def load(
    file: Annotated[Path, typer.Argument(help="A .csv file with a header, or .jsonl: one object a line.", exists=True)],
    prefix: Annotated[str, typer.Option(help="What keys start with, e.g. 'product:'.")] = "doc:",
    key: Annotated[str | None, typer.Option(help="The column that names a document; default: the line number.")] = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option("--vectors", help="FIELD=FILE.npy: row i is the vector of document i; may be repeated."),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="How vectors are stored: FLOAT32, FLOAT64, FLOAT16, BFLOAT16 …")
    ] = "FLOAT32",
    as_json: Annotated[bool, typer.Option("--as-json", help="Write JSON documents instead of hashes.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Load documents into Redis; an index over their prefix sees them as they come."""
    columns = {name: _read_vectors(path) for name, path in map(_named, vectors or ())}
    total = _count(file)
    for name, matrix in columns.items():
        if len(matrix) != total:
            raise ValueError(f"{name} has {len(matrix)} vectors for {total} documents")
    client = connect(url)
    rows = track(_rows(file), "loading", total=total, console=err, transient=True)
    written = 0
    documents = enumerate(rows)
    while batch := list(islice(documents, _BATCH)):
        pipeline = client.pipeline(transaction=False)
        for number, row in batch:
            name = prefix + str(row[key] if key else number + 1)
            found = {field: matrix[number] for field, matrix in columns.items()}
            _write(pipeline, name, row, found, dtype, as_json)
        pipeline.execute()
        written += len(batch)
    out.print(f"Loaded {written} documents as {prefix}…")


def _write(pipeline: Any, name: str, row: Row, vectors: Mapping[str, NDArray[Any]], dtype: str, as_json: bool) -> None:
    if as_json:
        pipeline.json().set(name, "$", {**row, **{field: vector.tolist() for field, vector in vectors.items()}})
        return
    mapping = {field: _scalar(value) for field, value in row.items() if value not in (None, "")}
    pipeline.hset(name, mapping={**mapping, **{field: encode(vector, dtype) for field, vector in vectors.items()}})


def _scalar(value: Any) -> str | int | float:
    return json.dumps(value) if isinstance(value, (dict, list, bool)) else value


def _named(assignment: str) -> tuple[str, str]:
    name, equals, path = assignment.partition("=")
    if not equals:
        raise ValueError(f"--vectors takes FIELD=FILE.npy, not {assignment!r}")
    return name, path


def _read_vectors(path: str) -> NDArray[Any]:
    matrix: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    if matrix.ndim != 2:
        raise ValueError(f"{path} holds an array of shape {matrix.shape}; vectors are rows of a matrix")
    return matrix


def _rows(file: Path) -> Iterator[Row]:
    with file.open(newline="", encoding="utf-8") as lines:
        if file.suffix.lower() == ".csv":
            yield from csv.DictReader(lines)
        else:
            yield from (json.loads(line) for line in lines if line.strip())


def _count(file: Path) -> int:
    return sum(1 for _ in _rows(file))
