"""The names a pipeline knows at one point, in the order a reply shows them.

RediSearch's rules for what is known: a SORTABLE attribute always, any other field of a document once it is loaded, and
what a step computed. Reading a SORTABLE attribute adds it to the rows shown. A GROUPBY starts a new table.
"""

from __future__ import annotations

from dataclasses import dataclass

from redisvss.aggregate.source import Schema
from redisvss.schema import FieldSpec


@dataclass(frozen=True, slots=True)
class Fetch:
    """Where a row's value comes from: `sortable`, an attribute's sorting vector; else the document, at `path`."""

    path: str
    sortable: bool = False


@dataclass(slots=True)
class _Key:
    loaded: bool = False  # from the document
    computed: bool = False  # by the query or a step
    held: bool = False  # its sorting vector holds the document's very value


class Lookup:
    """schema: None behind a GROUPBY, where documents are out of reach."""

    def __init__(self, schema: Schema | None = None) -> None:
        self.schema = schema
        self.everything_loaded = False  # LOAD * on hashes: attributes count as known
        self._keys: dict[str, _Key] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def spec(self, name: str) -> FieldSpec | None:
        return None if self.schema is None else self.schema.field(name)

    def read(self, name: str) -> bool:
        """Whether a step may use `name`."""
        if name in self._keys:
            return True
        spec = self.spec(name)
        if spec is None or not (spec.sortable or self.everything_loaded):
            return False
        self._keys[name] = _Key(held=_is_held(spec))
        return True

    def load(self, name: str, path: str) -> Fetch | None:
        """Where to take `name` from from now on; None where the rows have it already."""
        key, forced = self._keys.get(name), self._must_load()
        if key is not None and (key.loaded or key.computed or (key.held and not forced)):
            return None
        spec = self.spec(path)
        held = spec is not None and _is_held(spec)
        if held and not forced:
            self._keys[name] = _Key(held=True)
            return Fetch(path, sortable=True)
        self._keys[name] = _Key(loaded=True, held=held)
        return Fetch(path)

    def write(self, name: str, override: bool = False) -> bool:
        """Whether a step may give `name` to the rows; it keeps its place where it replaces another."""
        if name in self._keys and not override:
            return False
        self._keys[name] = _Key(computed=True)
        return True

    def is_computed(self, name: str) -> bool:
        return name in self._keys and self._keys[name].computed

    def _must_load(self) -> bool:
        """Under dialects 1 and 2 a JSON index keeps less than the document holds."""
        return self.schema is not None and self.schema.is_json and self.schema.dialect < 3


def _is_held(spec: FieldSpec) -> bool:
    return spec.sortable and (spec.unf or spec.type == "NUMERIC")
