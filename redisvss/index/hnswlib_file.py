"""hnswlib's index files (as its version 0.8 writes them): a field's graph saved as one, and one loaded as a field.

Owns the file's layout; the library's own package is not needed. Labels are doc ids, vectors float32, as stored: of unit
length under COSINE, which hnswlib calls the space "cosine" or "ip". A file does not say its space: the reader must.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redisvss.index.distance import INTEGER_TYPES, Array, Metric, widen
from redisvss.index.matrix import Ints, RowStore
from redisvss.index.tiered import TieredGraph
from redisvss.index.vectors import VectorIndex, VectorParams

_HEADER = np.dtype(
    [
        ("level0_at", "<u8"), ("capacity", "<u8"), ("count", "<u8"), ("entry_bytes", "<u8"), ("label_at", "<u8"),
        ("vector_at", "<u8"), ("top", "<i4"), ("entry", "<u4"), ("upper_links", "<u8"), ("links", "<u8"), ("m", "<u8"),
        ("level_scale", "<f8"), ("ef_construction", "<u8"),
    ]
)  # fmt: skip
_LARGEST_ID = 2**31 - 1


def _element(m: int, dim: int) -> np.dtype[np.void]:
    """A row: its links at level 0, its vector, its label."""
    links = [("count", "<u2"), ("deleted", "u1"), ("unused", "u1"), ("links", "<u4", (2 * m,))]
    return np.dtype([*links, ("vector", "<f4", (dim,)), ("label", "<u8")])


def _upper_list(m: int) -> np.dtype[np.void]:
    """A row's links at one of the levels above; these follow the rows, after their size in bytes (uint32) each time."""
    return np.dtype([("count", "<u4"), ("links", "<u4", (m,))])


def save(index: VectorIndex, path: Path) -> None:
    """Write the graph of an HNSW field, finishing what it had deferred. Needs the owner's exclusive lock, as writes do.

    Vectors no graph can hold (NaN, infinite, of length zero under COSINE) are left out. Raises ValueError for FLAT
    fields, fields kept by hnswlib itself, and where a document has several vectors (a label stands for one).
    """
    tiers, store = index._tiers, index._store
    if not isinstance(tiers, TieredGraph):
        raise ValueError("only HNSW fields with a graph of our own can be saved")
    if store.many:
        raise ValueError("documents with several vectors have no place in an hnswlib file")
    index.warm()
    with index._changing():
        graph = tiers.completed()
    levels, links, upper, starts = graph.parts()
    rows = np.flatnonzero(levels >= 0)
    number = np.full(len(levels) + 1, 0, np.int64)  # row → element; the last entry is for the end of a list, −1
    number[rows] = np.arange(len(rows))
    elements = np.zeros(len(rows), _element(index.params.m, index.params.dim))
    elements["vector"] = _as_float32(store, rows)
    elements["label"] = store.row_doc[rows]
    _put_lists(elements, links[rows], number)
    with path.open("wb") as file:
        file.write(_header(index.params, len(rows), int(number[graph.entry]), graph.top).tobytes())
        file.write(elements.tobytes())
        for row in rows.tolist():
            lists = np.zeros(levels[row], _upper_list(index.params.m))
            _put_lists(lists, upper[starts[row] : starts[row] + levels[row]], number)
            file.write(np.uint32(lists.nbytes).tobytes() + lists.tobytes())


def _as_float32(store: RowStore, rows: Ints) -> NDArray[np.float32]:
    wide: NDArray[np.float32] = widen(store.vectors[rows], store.dtype).astype(np.float32)
    if store.metric is Metric.COSINE and store.dtype in INTEGER_TYPES:
        wide /= store.norms[rows][:, None]
    return wide


def _put_lists(target: Array, lists: NDArray[np.int32], number: Ints) -> None:
    target["count"] = (lists >= 0).sum(axis=1)
    target["links"] = number[lists] * (lists >= 0)


def _header(params: VectorParams, count: int, entry: int, top: int) -> Array:
    element, m = _element(params.m, params.dim), params.m
    places = [element.fields[name][1] for name in ("label", "vector")] if element.fields else []
    values = (
        0,
        count,
        count,
        element.itemsize,
        *places,
        top,
        entry,
        m,
        2 * m,
        m,
        1 / np.log(m),
        params.ef_construction,
    )
    return np.array([values], _HEADER)


def load(path: Path, metric: Metric, ef_runtime: int = 10) -> VectorIndex:
    """A FLOAT32 HNSW field with the vectors and the graph of a file, its labels as doc ids.

    metric: the space of the index the file was saved from. Elements marked deleted are removed. Waits until compiled
    kernels are there. Raises ValueError where the file is no hnswlib index, a label is no doc id (0 … 2³¹ − 1; ids
    should be dense, as arrays are indexed by them), or a vector is not one a graph can hold.
    """
    content = np.fromfile(path, np.uint8)
    head = _read_header(content)
    m, count = int(head["m"]), int(head["count"])
    element = _element(m, (int(head["label_at"]) - int(head["vector_at"])) // 4)
    end = _HEADER.itemsize + count * element.itemsize
    elements = content[_HEADER.itemsize : end].view(element)
    params = VectorParams(
        "HNSW", "FLOAT32", elements["vector"].shape[1], metric, m, int(head["ef_construction"]), ef_runtime
    )
    index = VectorIndex(params)
    index.warm()
    labels = _doc_ids(elements)
    hashes = [hash(vector.tobytes()) for vector in elements["vector"]]
    index._store.add(labels, elements["vector"], np.array(hashes, np.int64))
    if len(index._store.odd):
        raise ValueError(f"{path}: {len(index._store.odd)} vectors are not finite, or have no direction")
    levels, upper = _read_upper(content[end:], count, m)
    assert isinstance(index._tiers, TieredGraph)
    index._tiers.adopt(levels, _rows(elements), upper, int(head["entry"]), int(head["top"]))
    index.remove(labels[elements["deleted"] & 1 > 0])
    return index


def _read_header(content: NDArray[np.uint8]) -> np.void:
    if len(content) < _HEADER.itemsize:
        raise ValueError("too short for an hnswlib index")
    head: np.void = content[: _HEADER.itemsize].view(_HEADER)[0]
    m, dim = int(head["m"]), (int(head["label_at"]) - int(head["vector_at"])) // 4
    plausible = 0 < m < 2**15 and dim > 0 and int(head["links"]) == 2 * m and int(head["upper_links"]) == m
    if not plausible or int(head["entry_bytes"]) != _element(m, dim).itemsize:
        raise ValueError("not an hnswlib index of float32 vectors")
    if len(content) < _HEADER.itemsize + int(head["count"]) * int(head["entry_bytes"]):
        raise ValueError("the hnswlib index is cut short")
    return head


def _doc_ids(elements: Array) -> Ints:
    labels: Ints = elements["label"].astype(np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() <= _LARGEST_ID:
        raise ValueError("labels are doc ids: 0 to 2147483647")
    return labels


def _rows(lists: Array) -> NDArray[np.int32]:
    """Neighbour lists as the kernels read them: −1 ends a list."""
    links: NDArray[np.int32] = lists["links"].astype(np.int32)
    links[np.arange(links.shape[1]) >= lists["count"][:, None]] = -1
    return links


def _read_upper(content: NDArray[np.uint8], count: int, m: int) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """(level of each row, the lists above level 0, row after row)."""
    kind, view = _upper_list(m), content.data
    levels, lists, at = np.zeros(count, np.int8), [content[:0]], 0
    for row in range(count):
        size = int.from_bytes(view[at : at + 4], "little")
        at += 4 + size
        if at > len(content) or size % kind.itemsize:
            raise ValueError("the hnswlib index is cut short")
        if size:
            lists.append(content[at - size : at])
            levels[row] = size // kind.itemsize
    return levels, _rows(np.concatenate(lists).view(kind))
