"""The contract of a field type, the leaf a query asks it for, and the registry that joins them.

A field type is one file here: it decodes a stored value, keeps it in structures of `index/`, and answers the query
nodes that address it. Nobody else switches on the type. Knows nothing of commands, of the network or of Redis.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss import ast
from redisvss.errors import CommandError
from redisvss.index.bitmaps import ids_of, is_among
from redisvss.numbers import parse_float
from redisvss.schema import FieldSpec, IndexDefinition

Ids = NDArray[np.uint32]
Scores = NDArray[np.float64]


class InvalidValue(Exception):
    """A document's value does not fit the field; the text is RediSearch's, shown in FT.INFO."""


class SkippedValue(InvalidValue):
    """As InvalidValue, but the document stays in the index for its other fields (GEOSHAPE in RediSearch)."""


class QueryError(CommandError):
    """The query cannot be bound to this index; the text is RediSearch's reply."""


@dataclass(frozen=True)
class Limits:
    """How far a query may expand, as FT.CONFIG sets it."""

    min_prefix: int = 2  # MINPREFIX: shorter prefixes match nothing
    max_expansions: int = 200  # MAXPREFIXEXPANSIONS: values or terms one affix, fuzzy or wildcard stands for


@dataclass(frozen=True)
class BindContext:
    """What a field needs to know to answer a node: parameter values and query-wide options."""

    params: Mapping[str, bytes]
    dialect: int
    limits: Limits = Limits()
    language: str | None = None  # None: the index's own
    verbatim: bool = False
    nostopwords: bool = False
    slop: int | None = None
    inorder: bool = False
    infields: tuple[str, ...] | None = None
    narrowed: bool = False  # FILTER, GEOFILTER or INKEYS narrow it further: a KNN of `*` is a hybrid query then
    timeout_at: float | None = None  # time.monotonic() after which work should stop

    def text(self, value: ast.Text) -> str:
        """A literal as it is, a parameter's value decoded; raises QueryError for an unknown parameter."""
        if isinstance(value, str):
            return value
        return self.blob(value).decode("utf-8", "surrogateescape")

    def blob(self, param: ast.Param) -> bytes:
        try:
            return self.params[param.name]
        except KeyError:
            raise QueryError(f"No such parameter `{param.name}`") from None

    def number(self, value: float | ast.Param) -> float:
        """A literal as it is, a parameter's value as a number, its sign turned where the query says `-$name`."""
        if not isinstance(value, ast.Param):
            return value
        raw = self.blob(value)
        number = parse_float(raw)
        if number is None:
            shown = raw.decode("utf-8", "replace")
            raise QueryError(f"Invalid numeric value ({shown}) for parameter `{value.name}`")
        return -number if value.negative else number


class Leaf(ABC):
    """One condition that one structure answers, made anew for each execution of a query.

    `kind` tells a scorer how it counts: "term" (TF·IDF by `frequencies` and `document_count`), "virtual" (frequency 1
    where it matches), "metric" (adds nothing to a score).
    """

    kind: ClassVar[str] = "virtual"
    weight: float = 1.0

    @abstractmethod
    def estimate(self) -> int:
        """An upper bound of how many documents match, cheap enough to plan with."""

    @abstractmethod
    def _docs(self) -> BitMap:
        """The matching doc ids. Ask through `docs`, which keeps them; the result is never changed in place."""

    @cached_property
    def docs(self) -> BitMap:
        return self._docs()

    # Three questions a leaf may answer without making the set of all it matches.

    def exists(self) -> bool:
        """Whether any document matches."""
        return bool(self.docs)

    def among(self, docs: BitMap) -> BitMap:
        """Those of `docs` that match."""
        return docs & self.docs

    def holds(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of the ascending doc ids match."""
        return contains(self.docs, ids)

    def frequencies(self, ids: Ids) -> Scores:
        """TF of each document (0 where it does not match); ids: ascending doc ids."""
        return self.holds(ids).astype(np.float64)

    def document_count(self) -> int:
        """How many documents hold the term: n of the IDF."""
        return len(self.docs)

    def document_counts(self, ids: Ids) -> Scores | int:
        """n of the IDF where it depends on the document: a leaf may stand for several terms."""
        return self.document_count()

    @abstractmethod
    def explain(self) -> str:
        """The leaf as one line of FT.EXPLAIN."""

    @abstractmethod
    def profile(self) -> dict[str, Any]:
        """Type, Term, … as FT.PROFILE's iterator tree names them (Time and Counter are added by the caller)."""


class Field(ABC):
    """One attribute's values for all documents of an index.

    Callers hold the index's write lock for `put` and `remove`, its read lock for everything else.
    """

    type_name: ClassVar[str]

    def __init__(self, spec: FieldSpec, definition: IndexDefinition) -> None:
        self.spec = spec
        self.definition = definition

    @abstractmethod
    def decode(self, raw: bytes) -> Any:
        """A hash field's bytes as what `put` takes; raises InvalidValue. Pure: nothing is changed."""

    @abstractmethod
    def decode_json(self, matches: Sequence[Any]) -> Any:
        """The JSON values a path matched, as what `put` takes (None: nothing to index); raises InvalidValue."""

    @abstractmethod
    def put(self, doc_ids: Sequence[int], values: Sequence[Any]) -> None:
        """Index decoded values of documents that have none in this field now."""

    @abstractmethod
    def remove(self, doc_ids: Sequence[int]) -> None:
        """Forget the documents' values; ids without a value are ignored."""

    @abstractmethod
    def docs(self) -> BitMap:
        """The documents that have a value."""

    @abstractmethod
    def leaves(self, node: ast.Node, context: BindContext) -> list[Leaf]:
        """What answers `node`: any of these leaves (none: no document). Raises QueryError.

        Only nodes of `nodes` are asked for.
        """

    nodes: ClassVar[tuple[type[ast.Node], ...]] = ()

    def replace(self, doc_ids: Sequence[int], values: Sequence[Any]) -> None:
        """Index new values in place of those the documents may have."""
        self.remove(doc_ids)
        self.put(doc_ids, values)

    @abstractmethod
    def info(self) -> dict[str, Any]:
        """This type's own entries of FT.INFO's `attributes`, in order, after identifier, attribute and type."""

    @abstractmethod
    def memory_bytes(self) -> int: ...


FIELD_TYPES: dict[str, type[Field]] = {}


def field_type(cls: type[Field]) -> type[Field]:
    """Class decorator: a field type enters the registry under its RediSearch name."""
    FIELD_TYPES[cls.type_name] = cls
    return cls


def contains(docs: BitMap, ids: Ids) -> NDArray[np.bool_]:
    """Which of the ascending `ids` are in `docs`."""
    if len(ids) < _PROBE_BELOW:
        return np.fromiter((i in docs for i in ids.tolist()), np.bool_, len(ids))
    return is_among(ids, ids_of(docs))


_PROBE_BELOW = 64  # a page of hits is probed one by one; the bitmap behind it may be large
