"""Some consecutive rows of a pipeline: their positions among the matches, what was computed for them, what to fetch.

Values are fetched when somebody first asks: `LOAD` costs nothing for a row that a FILTER or LIMIT drops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.aggregate.lookup import Fetch
from redisvss.aggregate.source import Source
from redisvss.expression.columns import Column, Rows, absent_column, column_of, concatenate, overlay
from redisvss.expression.values import Value

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class End:
    """Why no row follows. error: RediSearch's text, "" for the plain end; read: matches read until then."""

    read: int
    error: str = ""
    timed_out: bool = False


@dataclass
class Chunk:
    """`size` rows. rows: positions in the source, None behind a GROUPBY.

    read: (size,) how many matches had been read when each row came out, which is what RediSearch calls the total.
    behind: after a LOAD *, where names came from before it: the document's own value goes in front. None: no LOAD *.
    fresh: straight from the query, which still knows the terms each row matched. end: set on the last chunk.
    """

    size: int
    source: Source
    rows: Rows | None
    read: Counts
    columns: dict[str, Column] = field(default_factory=dict)
    fetches: Mapping[str, Fetch] = field(default_factory=dict)
    behind: Mapping[str, Fetch] | None = None
    fresh: bool = True
    end: End | None = None
    _documents: Sequence[Mapping[str, Value]] | None = None

    def column(self, name: str) -> Column:
        """The rows' values, absent where nothing gives them one."""
        if name not in self.columns:
            self.columns[name] = self._fetch(name)
        return self.columns[name]

    def prepare(self, names: Iterable[str]) -> None:
        """Fetch what documents hold of these names in one go, rather than once for each when it is asked for."""
        wanted = [name for name in dict.fromkeys(names) if name not in self.columns and self._is_stored(name)]
        if self.rows is None or not wanted:
            return
        paths = [self.fetches[name].path for name in wanted]
        self.columns.update(zip(wanted, self.source.load(paths, self.rows), strict=True))

    def _is_stored(self, name: str) -> bool:
        return name in self.fetches and not self.fetches[name].sortable

    def _fetch(self, name: str) -> Column:
        if self.rows is None:
            return absent_column(self.size)
        fetch = self.fetches.get(name)
        if fetch is not None or self.behind is None or name in self.source.yields:
            return self._take_from(name, fetch, self.rows)
        own = self._from_documents(name)
        return own if own.mask().all() else overlay(own, self._take_from(name, self.behind.get(name), self.rows))

    def _take_from(self, name: str, fetch: Fetch | None, rows: Rows) -> Column:
        if fetch is not None and not fetch.sortable:
            return self.source.load([fetch.path], rows)[0]
        if fetch is None and name in self.source.yields:
            return self.source.computed(name, rows)
        spec = self.source.field(name if fetch is None else fetch.path)
        if spec is None or not spec.sortable:
            return absent_column(self.size)
        return self.source.sort_values(spec, rows)

    def _from_documents(self, name: str) -> Column:
        found = [document.get(name, _ABSENT) for document in self.documents()]
        present = [value is not _ABSENT for value in found]
        return column_of([value if there else None for value, there in zip(found, present, strict=True)], present)

    def documents(self) -> Sequence[Mapping[str, Value]]:
        if self._documents is None:
            assert self.rows is not None
            self._documents = self.source.documents(self.rows)
        return self._documents

    def take(self, which: Rows | slice) -> Chunk:
        """Some of the rows, in the order given; the end stays with the original."""
        read = self.read[which]
        columns = {name: column.take(which) for name, column in self.columns.items()}
        rows = None if self.rows is None else self.rows[which]
        return replace(self, size=len(read), rows=rows, read=read, columns=columns, end=None, _documents=None)

    def loading(self, fetches: Mapping[str, Fetch]) -> Chunk:
        """The same rows, with some names taken from elsewhere from now on."""
        columns = {name: column for name, column in self.columns.items() if name not in fetches}
        if self.behind is None:
            return replace(self, columns=columns, fetches={**self.fetches, **fetches})
        held = {name: fetch for name, fetch in fetches.items() if fetch.sortable}  # not read again after LOAD *
        read = {name: fetch for name, fetch in fetches.items() if not fetch.sortable}
        return replace(self, columns=columns, fetches={**self.fetches, **read}, behind={**self.behind, **held})

    def loading_documents(self, computed: frozenset[str]) -> Chunk:
        """The same rows; every name but the computed ones comes from the whole document if that has it."""
        columns = {name: column for name, column in self.columns.items() if name in computed}
        return replace(self, columns=columns, fetches={}, behind={**(self.behind or {}), **self.fetches})

    def with_column(self, name: str, column: Column) -> Chunk:
        return replace(self, columns={**self.columns, name: column})


_ABSENT: Any = object()


def merge(chunks: Sequence[Chunk]) -> Chunk:
    """All rows of the chunks as one, which keeps the last one's end. At least one chunk."""
    if len(chunks) == 1:
        return chunks[0]
    names = {name for chunk in chunks for name in chunk.columns}
    columns = {name: concatenate([chunk.column(name) for chunk in chunks]) for name in names}
    parts = [chunk.rows for chunk in chunks if chunk.rows is not None]
    rows = np.concatenate(parts) if parts else None
    read = np.concatenate([chunk.read for chunk in chunks])
    return replace(chunks[-1], size=len(read), rows=rows, read=read, columns=columns, _documents=None)
