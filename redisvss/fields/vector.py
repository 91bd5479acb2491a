"""VECTOR: raw little-endian blobs (JSON: arrays of numbers), asked by distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss import ast
from redisvss.fields.base import BindContext, Field, InvalidValue, Leaf, QueryError, field_type
from redisvss.fields.json_types import wrong_type
from redisvss.index.bitmaps import bitmap_of
from redisvss.index.distance import encode
from redisvss.index.ivf import IvfIndex, IvfParams
from redisvss.index.vectors import ELEMENT_SIZE, KnnHits, Metric, VectorIndex, VectorParams
from redisvss.numbers import parse_float, parse_integer
from redisvss.schema import FieldSpec, IndexDefinition

_PARSING_QUERY = "Error parsing vector similarity query: "
_PARSING_PARAMETERS = "Error parsing vector similarity parameters: "
Vectors = NDArray[np.float64]
_NUMBERS = frozenset({int, float})  # of JSON: a boolean is none

_HYBRID_ONLY = frozenset({"hybrid_policy", "batch_size"})
_VECTOR_ATTRIBUTES = frozenset({"yield_distance_as", "ef_runtime", "epsilon", "hybrid_policy", "batch_size"})
_ATTRIBUTES = _VECTOR_ATTRIBUTES | {"weight", "slop", "inorder", "phonetic"}


@dataclass(frozen=True)
class SearchOptions:
    """What a query asks of the vector search itself; None: the index's own."""

    ef_runtime: int | None = None
    epsilon: float | None = None
    policy: str | None = None
    batch_size: int | None = None
    nprobe: int | None = None


@dataclass(frozen=True)
class KnnRequest:
    """`KNN k @field $blob …`, checked against the field; `score_as` names the distance it yields."""

    field: VectorField
    k: int
    blob: bytes
    options: SearchOptions
    score_as: str

    def run(self, allowed: BitMap | None, deadline: float | None) -> KnnHits:
        options = self.options
        return self.field.index.knn(
            self.blob,
            self.k,
            allowed,
            ef_runtime=options.ef_runtime,
            policy=options.policy,
            batch_size=options.batch_size,
            deadline=deadline,
            **({"nprobe": options.nprobe} if options.nprobe else {}),
        )


class VectorRangeLeaf(Leaf):
    kind = "metric"

    def __init__(
        self,
        field: VectorField,
        blob: bytes,
        radius: float,
        epsilon: float | None,
        yield_as: str | None,
        deadline: float | None,
    ):
        self.field = field
        self.blob = blob
        self.radius = radius
        self.epsilon = epsilon
        self.yield_as = yield_as
        self.deadline = deadline

    @cached_property
    def hits(self) -> KnnHits:
        return self.field.index.range(self.blob, self.radius, epsilon=self.epsilon, deadline=self.deadline)

    @property
    def timed_out(self) -> bool:
        """Whether time was up while it looked; a leaf nobody asked has not looked."""
        return "hits" in vars(self) and self.hits.timed_out

    def estimate(self) -> int:
        return len(self.field.index)

    def _docs(self) -> BitMap:
        return bitmap_of(self.hits.doc_ids)

    def explain(self) -> str:
        name = self.field.spec.name
        yields = f", yields distance as `{self.yield_as}`" if self.yield_as else ""
        return (
            f"VECTOR {{Vectors that are within {self.radius:g} distance radius from `$blob`"
            f" in vector index associated with field @{name}{yields}}}"
        )

    def profile(self) -> dict[str, Any]:
        return {"Type": "METRIC - VECTOR DISTANCE", "Vector search mode": "RANGE_QUERY"}


@field_type
class VectorField(Field):
    type_name: ClassVar[str] = "VECTOR"
    nodes = (ast.VectorRange,)

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        super().__init__(spec, definition)
        self.params = vector_params(spec)
        self.blob_size = self.params.dim * ELEMENT_SIZE[self.params.dtype]
        self.index = IvfIndex(self.params) if isinstance(self.params, IvfParams) else VectorIndex(self.params)

    def decode(self, raw: bytes) -> bytes:
        if len(raw) != self.blob_size:
            raise InvalidValue(f"Could not add vector with blob size {len(raw)} (expected size {self.blob_size})")
        return raw

    def decode_json(self, matches: Sequence[Any]) -> bytes | Vectors | None:
        """One vector as the blob a hash would hold, which is put in bulk; (n, dim) numbers for several."""
        match matches:
            case [[list(), *_] as several] if all(isinstance(item, list) for item in several):
                found = several
            case _:
                found = [match for match in matches if match is not None]
        if len(found) > 1:
            return np.stack([self._vector(value) for value in found])
        return encode(self._vector(found[0]), self.params.dtype).tobytes() if found else None

    def _vector(self, value: Any) -> Vectors:
        if not isinstance(value, list):
            raise wrong_type(value)
        if not value:
            raise InvalidValue("Empty array for vector field on JSON document")
        return self._numbers(value)

    def _numbers(self, items: list[Any]) -> Vectors:
        if len(items) != self.params.dim:
            raise InvalidValue(f"Invalid vector length. Expected {self.params.dim}, got {len(items)}")
        if not _NUMBERS.issuperset(map(type, items)):
            wrong = next(position for position, item in enumerate(items) if type(item) not in _NUMBERS)
            raise InvalidValue(f"Invalid vector element at index {wrong}")
        return np.array(items, np.float64)

    def put(self, doc_ids: Sequence[int], values: Sequence[bytes | Vectors]) -> None:
        """JSON's vectors by twos and more one document at a time, which takes 200 times as long for each."""
        blobs = [(doc_id, value) for doc_id, value in zip(doc_ids, values, strict=True) if isinstance(value, bytes)]
        if blobs:
            self.index.put_blobs([doc_id for doc_id, _ in blobs], [blob for _, blob in blobs])
        for doc_id, value in zip(doc_ids, values, strict=True):
            if not isinstance(value, bytes):
                self.index.put_multi(doc_id, value)

    def replace(self, doc_ids: Sequence[int], values: Sequence[bytes | Vectors]) -> None:
        """The index replaces in place: cheaper than taking a node out of the graph and linking it anew."""
        self.put(doc_ids, values)

    def remove(self, doc_ids: Sequence[int]) -> None:
        self.index.remove(doc_ids)

    def docs(self) -> BitMap:
        return self.index.docs()

    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        assert isinstance(node, ast.VectorRange)
        radius = _radius(node.radius, context)
        blob = self._query_blob(node.blob, context)
        named = [(name, context.text(value)) for name, value in own_attributes(node)]
        yields = [value for name, value in named if name == "yield_distance_as"]
        options = self._options([pair for pair in named if pair[0] != "yield_distance_as"], "range")
        return [
            VectorRangeLeaf(self, blob, radius, options.epsilon, yields[-1] if yields else None, context.timeout_at)
        ]

    def knn(self, node: ast.Knn, context: BindContext, hybrid: bool) -> KnnRequest:
        """The KNN clause checked and its parameters filled in; raises QueryError."""
        k = count_of(node, context)
        blob = self._query_blob(node.blob, context)
        written = [(name.lower(), context.text(value)) for name, value in node.options]
        named = written + [(name, context.text(value)) for name, value in own_attributes(node)]
        yields = [value for name, value in named if name == "yield_distance_as"]
        options = self._options([pair for pair in named if pair[0] != "yield_distance_as"], "hybrid" if hybrid else "")
        return KnnRequest(self, k, blob, options, self._score_name(node, yields, context))

    def _score_name(self, node: ast.Knn, yields: list[str], context: BindContext) -> str:
        default = f"__{self.spec.name}_score"
        named = default if node.score_as is None else context.text(node.score_as)
        if yields and named != default:
            raise QueryError(f"Distance field was specified twice for vector query: {named} and {yields[-1]}")
        return yields[-1] if yields else named

    def _query_blob(self, param: ast.Param, context: BindContext) -> bytes:
        blob = context.blob(param)
        if len(blob) != self.blob_size:
            raise QueryError(
                f"{_PARSING_QUERY}query vector blob size ({len(blob)})"
                f" does not match index's expected size ({self.blob_size})."
            )
        return blob

    def _options(self, named: list[tuple[str, str]], query: str) -> SearchOptions:
        """query: "range", "hybrid" (KNN with a filter) or "" (KNN alone)."""
        seen: dict[str, Any] = {}
        for name, value in named:
            if name in seen:
                raise _refused("Parameter was specified twice")
            seen[name] = self._option(name, value, query)
        policy = seen.get("hybrid_policy")
        if policy == "ADHOC_BF" and "batch_size" in seen:
            raise _refused("'batch size' is irrelevant for 'ADHOC_BF' policy")
        if policy == "ADHOC_BF" and "ef_runtime" in seen:
            raise _refused("'EF_RUNTIME' is irrelevant for 'ADHOC_BF' policy")
        return SearchOptions(
            seen.get("ef_runtime"), seen.get("epsilon"), policy, seen.get("batch_size"), seen.get("nprobe")
        )

    def _option(self, name: str, value: str, query: str) -> Any:
        graph = self.params.algorithm == "HNSW"
        if name in _HYBRID_ONLY and query != "hybrid":
            raise _refused("hybrid query attributes were sent for a non-hybrid query")
        match name:
            case "hybrid_policy":
                if value.upper() not in ("ADHOC_BF", "BATCHES"):
                    raise _refused("invalid hybrid policy was given")
                return value.upper()
            case "batch_size":
                return _positive(value)
            case "ef_runtime" if graph and query != "range":
                return _positive(value)
            case "nprobe" if self.params.algorithm == "IVF_FLAT" and query != "range":
                return _positive(value)
            case "epsilon" if graph and query == "range":
                return _positive_float(value)
            case "epsilon" if graph:
                raise _refused("range query attributes were sent for a non-range query")
            case _:
                raise _refused("Invalid option")

    def info(self) -> dict[str, Any]:
        params = self.params
        shown: dict[str, Any] = {
            "algorithm": params.algorithm.encode(),
            "data_type": params.dtype.encode(),
            "dim": params.dim,
            "distance_metric": params.metric.value.encode(),
        }
        if params.algorithm == "HNSW":
            shown |= {"M": params.m, "ef_construction": params.ef_construction}
        if isinstance(params, IvfParams):
            shown |= {"nlist": params.nlist, "nprobe": params.nprobe}
        return shown

    def memory_bytes(self) -> int:
        return self.index.memory_bytes()


def own_attributes(node: ast.Knn | ast.VectorRange) -> list[tuple[str, ast.Text]]:
    """The `=>{…}` that are for the vector search; the others any clause may have, and change nothing here."""
    for name, _ in node.attributes.items:
        if name not in _ATTRIBUTES:
            raise QueryError(f"Invalid attribute {name}")
    return [item for item in node.attributes.items if item[0] in _VECTOR_ATTRIBUTES]


def vector_params(spec: FieldSpec) -> VectorParams:
    options = {**spec.options, "metric": Metric(spec.options["metric"])}
    return IvfParams(**options) if options["algorithm"] == "IVF_FLAT" else VectorParams(**options)


def _refused(reason: str) -> QueryError:
    return QueryError(_PARSING_PARAMETERS + reason)


def _positive(text: str) -> int:
    value = parse_integer(text.encode("utf-8", "surrogateescape"))
    if value is None or value <= 0:
        raise _refused("Invalid value was given")
    return value


def _positive_float(text: str) -> float:
    value = parse_float(text.encode("utf-8", "surrogateescape"))
    if value is None or value <= 0:
        raise _refused("Invalid value was given")
    return value


def count_of(node: ast.Knn, context: BindContext) -> int:
    """k with its parameter filled in; raises QueryError."""
    if isinstance(node.k, int):
        return node.k
    raw, param = context.blob(node.k), node.k
    value = parse_integer(raw)
    if value is None or value < 0:
        raise QueryError(f"Invalid numeric value ({raw.decode('utf-8', 'replace')}) for parameter `{param.name}`")
    return value


def _radius(radius: float | ast.Param, context: BindContext) -> float:
    number = context.number(radius)
    if number < 0:
        raise QueryError(f"{_PARSING_QUERY}negative radius ({number:g}) given in a range query")
    return number
