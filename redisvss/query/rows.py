"""The documents FT.AGGREGATE's pipeline works on: a query's matches and where their values come from.

The matches are decided under the index's read lock; values are read afterwards, chunk by chunk, each time checking
that a document is still the one that matched. One that has changed or gone since then has no values any more, as a
document RediSearch fails to load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.config import Config
from redisvss.documents import ABSENT
from redisvss.documents.jsonreader import MULTI_VALUE_DIALECT
from redisvss.errors import CommandError
from redisvss.expression import Column, Text, Value, column_of
from redisvss.expression.columns import Rows, objects
from redisvss.expression.values import name_of
from redisvss.fields.numeric import NumericField
from redisvss.index.bitmaps import ids_of
from redisvss.query.bind import BoundQuery, bind
from redisvss.query.profile import Profiler
from redisvss.query.projection import Loader
from redisvss.query.request import SearchRequest
from redisvss.query.score import explain
from redisvss.query.search import TIMED_OUT, Search
from redisvss.query.terms import matched_terms
from redisvss.schema import FieldSpec
from redisvss.searchindex import SearchIndex

SCORE = "__score"
KEY = "__key"


class MatchedRows(Search):
    """An `aggregate.Source`. KNN hits flow nearest first, everything else in indexing order.

    `doc_ids` are the documents' places in the indexing order, RediSearch's internal ids.
    """

    def __init__(
        self,
        index: SearchIndex,
        request: SearchRequest,
        config: Config,
        loader: Loader,
        addscores: bool = False,
        profiler: Profiler | None = None,
    ) -> None:
        """Runs the query; raises CommandError or QueryError if it cannot be."""
        super().__init__(index, request, config, loader, profiler)
        self.is_json = index.definition.key_type == "JSON"
        self.dialect = request.shown_dialect
        self.hidden = hidden_fields(index)
        tree = self.parse(request.query)
        self.clock.lap("parse")
        with index.lock.read():
            self.query: BoundQuery = self._restricted(bind(tree, index, self._context()))
            self.clock.lap("bind")
            self.matches = matches = self._execute(self.query)
            if matches.timed_out and config.fail_on_timeout:
                raise CommandError(TIMED_OUT)
            revisions = index.table.revision[matches.ids]
            order = matches.nearest if matches.nearest is not None else np.argsort(revisions)
            self._ids: NDArray[np.uint32] = matches.ids[order]
            self.doc_ids: NDArray[np.int64] = revisions[order]
            self._numbers_of = {name: distances[order] for name, distances in matches.distances.items()}
            if addscores or request.withscores:
                self._scores_of = self._scores(self.query, matches)[order]
        if addscores:
            self._numbers_of[SCORE] = self._scores_of
        self.yields: Sequence[str] = [*self.query.yields, *([SCORE] if addscores else [])]

    def field(self, name: str) -> FieldSpec | None:
        indexed = self.index.by_name.get(name)
        return None if indexed is None else indexed.spec

    def computed(self, name: str, rows: Rows) -> Column:
        values = self._numbers_of[name][rows]
        return Column(values, ~np.isnan(values)) if name != SCORE else Column(values)

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = self._scores_of[rows]
        return scores

    def explanations(self, rows: Rows) -> list[Any]:
        with self.index.lock.read():
            context = self._score_context(self.query)
            return [
                explain(self.request.scorer, self.query.root, doc_id, context) for doc_id in self._ids[rows].tolist()
            ]

    def payloads(self, rows: Rows) -> list[bytes | None]:
        return [self.index.payloads.get(doc_id) for doc_id in self._ids[rows].tolist()]

    def matched_terms(self, rows: Rows, maximum: int) -> list[list[bytes]]:
        with self.index.lock.read():
            return matched_terms(self.query.root, self._ids[rows], maximum)

    # ---- values the index holds --------------------------------------------------------------------------------------

    def sort_values(self, spec: FieldSpec, rows: Rows) -> Column:
        kept, lists = self._kept_values(spec, rows), self.index.sort_lists.get(spec.name)
        if self.dialect < MULTI_VALUE_DIALECT or not lists:
            return kept
        with self.index.lock.read():
            places = np.flatnonzero(np.isin(self._ids[rows], ids_of(lists)))
        return self._with_lists(kept, places, spec, rows[places]) if len(places) else kept

    def _with_lists(self, kept: Column, places: NDArray[np.intp], spec: FieldSpec, rows: Rows) -> Column:
        """The documents' own lists, of which SORTABLE keeps the first value, at `places`."""
        loaded = self._stored([spec.name], rows)[0]
        values, mask = kept.values.astype(object), kept.mask().copy()
        values[places], mask[places] = loaded.values.astype(object), loaded.mask()
        return Column(values, mask)

    def _kept_values(self, spec: FieldSpec, rows: Rows) -> Column:
        with self.index.lock.read():
            current = self._current(rows)
            indexed = self.index.by_name[spec.name]
            if isinstance(indexed, NumericField):
                return self._column_numbers(indexed, rows, current)
            column = self.index.sort_columns[spec.name]
            codes = column.codes(self._ids[rows])
            distinct, places = np.unique(codes, return_inverse=True)
            words = objects((Text(_raw(column.word(c))) if c >= 0 else None for c in distinct.tolist()), len(distinct))
        return Column(words[places], current & (codes >= 0))

    def _column_numbers(self, indexed: NumericField, rows: Rows, current: NDArray[np.bool_]) -> Column:
        values = indexed.column.values(self._ids[rows])
        return Column(values, current & ~np.isnan(values))

    def _current(self, rows: Rows) -> NDArray[np.bool_]:
        """Which documents have not been indexed again since they matched."""
        same: NDArray[np.bool_] = self.index.table.revision[self._ids[rows]] == self.doc_ids[rows]
        return same

    # ---- values only the documents hold ------------------------------------------------------------------------------

    def load(self, paths: Sequence[str], rows: Rows) -> list[Column]:
        found: dict[str, Column] = {}
        stored = [path for path in dict.fromkeys(paths) if not self._from_index(path, rows, found)]
        if stored:
            found.update(zip(stored, self._stored(stored, rows), strict=True))
        return [found[path] for path in paths]

    def _from_index(self, path: str, rows: Rows, found: dict[str, Column]) -> bool:
        """Take a hash's number from the index: it holds every one, as it was read."""
        indexed = self.index.by_name.get(path)
        if self.is_json or not isinstance(indexed, NumericField):
            return False
        with self.index.lock.read():
            found[path] = self._column_numbers(indexed, rows, self._current(rows))
        return True

    def _stored(self, paths: list[str], rows: Rows) -> list[Column]:
        keys = self._keys_of(rows)
        if paths == [KEY]:
            return [self._key_column(keys)]
        documents = self._documents(keys, [_raw(path) for path in paths])
        return [self._key_column(keys) if path == KEY else self._path_column(path, documents) for path in paths]

    def _key_column(self, keys: Sequence[bytes | None]) -> Column:
        kind = Text if self.is_json else bytes
        return column_of([kind(key or b"") for key in keys], [key is not None for key in keys])

    def _path_column(self, path: str, documents: Sequence[Any]) -> Column:
        reader, name = self.index.reader, _raw(path)
        values = [ABSENT if doc is None else reader.typed(doc, name, self.dialect) for doc in documents]
        present = [value is not ABSENT for value in values]
        return column_of([value if value is not ABSENT else None for value in values], present)

    def documents(self, rows: Rows) -> list[Mapping[str, Value]]:
        reader = self.index.reader
        found = self._documents(self._keys_of(rows), None)
        if self.is_json:
            values = [ABSENT if document is None else reader.typed(document, b"$", self.dialect) for document in found]
            return [{} if value is ABSENT else {"$": value} for value in values]
        whole = ([] if document is None else reader.whole(document, self.dialect) for document in found)
        return [{name_of(name): value for name, value in pairs} for pairs in whole]

    def _documents(self, keys: Sequence[bytes | None], names: Sequence[bytes] | None) -> list[Any]:
        """Each key's document, None where there is no key or nothing is stored there."""
        wanted = None if names is None else self.index.reader.needed(names)
        known = [key for key in keys if key is not None]
        loaded = iter(self.loader.documents(self.index, known, wanted))
        return [None if key is None else next(loaded) for key in keys]

    def _keys_of(self, rows: Rows) -> list[bytes | None]:
        """The documents' keys, None for those that are not what matched any more."""
        with self.index.lock.read():
            current = self._current(rows).tolist()
            ids = self._ids[rows].tolist()
            return [self._key(doc_id) if same else None for doc_id, same in zip(ids, current, strict=True)]

    def _key(self, doc_id: int) -> bytes | None:
        try:
            return self.index.table.key_of(doc_id)
        except KeyError:  # deleted, and its id not given away yet
            return None


def hidden_fields(index: SearchIndex) -> frozenset[str]:
    definition = index.definition
    special = (definition.language_field, definition.score_field, definition.payload_field)
    return frozenset(name_of(name) for name in special if name)


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
