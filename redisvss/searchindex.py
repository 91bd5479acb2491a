"""One search index in memory: its documents and the fields that hold their values.

Takes documents as the stores read them and keeps every structure in step; says which field failed and why. Knows
nothing of where documents come from or of the query language.
"""

from __future__ import annotations

import marshal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from redisvss.documents import READERS, Special
from redisvss.expression import CompiledFilter, compile_filter
from redisvss.fields import FIELD_TYPES
from redisvss.fields.base import Field, InvalidValue, SkippedValue
from redisvss.fields.text import TextField
from redisvss.index.columns import StringColumn
from redisvss.index.doctable import DocTable
from redisvss.index.stemming import LANGUAGES
from redisvss.index.text import TextIndex
from redisvss.locks import ReadWriteLock
from redisvss.numbers import parse_float
from redisvss.schema import FieldSpec, IndexDefinition


@dataclass(frozen=True)
class Failure:
    """Why a document is not in the index."""

    key: bytes
    attribute: bytes
    text: str


@dataclass
class FailureCount:
    """Failures so far, of an index or of one of its fields; counters never go back."""

    count: int = 0
    last: Failure | None = None

    def add(self, failure: Failure) -> None:
        self.count += 1
        self.last = failure


@dataclass
class _Decoded:
    """A document ready to be indexed: per field position its value, and a print of what it was decoded from."""

    prints: tuple[int, ...]
    score: float
    payload: bytes | None
    language: str | None
    values: dict[int, Any] = field(default_factory=dict)
    sort_keys: dict[int, str | None] = field(default_factory=dict)
    skipped: list[Failure] = field(default_factory=list)


@dataclass
class _Batch:
    """Field changes of one `apply`, collected so that each field is called once."""

    removed: dict[int, list[int]] = field(default_factory=dict)
    replaced: dict[int, list[tuple[int, Any]]] = field(default_factory=dict)


class SearchIndex:
    """See `apply` for writing; readers hold `lock.read()` while they use `table`, `fields` or `text`."""

    def __init__(self, definition: IndexDefinition) -> None:
        self.lock = ReadWriteLock()
        self._writer = threading.Lock()  # one `apply` at a time, decoding included: it reads the field list
        self.scanning = False
        self.scanned = 0
        self.to_scan = 0
        self.created = time.monotonic()
        self.last_used = self.created
        self.uses = 0
        self.dialects_used: set[int] = set()
        self.indexing_seconds = 0.0
        self.failures = FailureCount()
        self.failing: dict[bytes, Failure] = {}
        self._reset(definition)

    def _reset(self, definition: IndexDefinition) -> None:
        self.definition = definition
        self.table = DocTable()
        self.text = TextIndex()
        self.fields: list[Field] = []
        self.by_name: dict[str, Field] = {}
        self.sort_columns: dict[str, StringColumn] = {}
        self.present: list[BitMap] = []
        self.field_failures: list[FailureCount] = []
        self.payloads: dict[int, bytes] = {}
        self._prints: dict[int, tuple[int, ...]] = {}
        self.reader = READERS[definition.key_type](definition)
        self._filter: CompiledFilter | None = compile_filter(definition.filter) if definition.filter else None
        for spec in definition.fields:
            self._add_field(spec)

    def _add_field(self, spec: FieldSpec) -> None:
        made = FIELD_TYPES[spec.type](spec, self.definition)
        if isinstance(made, TextField):
            made.attach(self.text, sum(isinstance(f, TextField) for f in self.fields))
        self.fields.append(made)
        self.by_name[spec.name] = made
        self.present.append(BitMap())
        self.field_failures.append(FailureCount())
        if spec.sortable and spec.type != "NUMERIC":
            self.sort_columns[spec.name] = StringColumn()

    @property
    def name(self) -> bytes:
        return self.definition.name

    # ---- what the change feed needs to know ------------------------------------------------------------------------

    def __contains__(self, key: bytes) -> bool:
        return key in self.table

    def __len__(self) -> int:
        return len(self.table)

    def keys(self) -> list[bytes]:
        return self.table.keys()

    def wanted_fields(self) -> tuple[bytes, ...] | None:
        """The hash fields a refresh has to fetch; None: all of them, since a FILTER may name any."""
        if self._filter is not None:
            return None
        special = (self.definition.language_field, self.definition.score_field, self.definition.payload_field)
        names = [spec.identifier for spec in self.definition.fields] + [name for name in special if name]
        return tuple(dict.fromkeys(names))

    # ---- writing ---------------------------------------------------------------------------------------------------

    def apply(self, keys: Sequence[bytes], documents: Sequence[Any]) -> None:
        """Bring the index in step with the documents as they are now; None: gone, or of another type.

        Idempotent: applying the same documents again changes nothing, in whatever order.
        """
        started = time.perf_counter()
        with self._writer:
            changes = [self._decode(key, document) for key, document in zip(keys, documents, strict=True)]
            with self.lock.write():
                batch = _Batch()
                for key, change in zip(keys, changes, strict=True):
                    self._stage(key, change, batch)
                self._commit(batch)
        self.indexing_seconds += time.perf_counter() - started

    def clear(self) -> None:
        """Forget every document, keeping the definition and the failure counters."""
        with self._writer, self.lock.write():
            counts = self.field_failures
            self._reset(self.definition)
            self.field_failures = counts
            self.failing.clear()

    def redefine(self, definition: IndexDefinition) -> None:
        """Take over a definition with more fields or other synonyms; documents need a rescan."""
        with self._writer, self.lock.write():
            new = definition.fields[len(self.fields) :]
            self.definition = definition
            self.reader = READERS[definition.key_type](definition)
            self.text.set_synonyms(definition.synonyms)
            for indexed in self.fields:
                indexed.definition = definition
            for spec in new:
                self._add_field(spec)
            self._prints.clear()

    def _decode(self, key: bytes, stored: Any) -> _Decoded | Failure | None:
        document = None if stored is None else self.reader.parse(stored)
        if document is None:
            return None
        if self._filter is not None and not self._filter.passes(self.reader.properties(key, document)):
            return None
        raws = self.reader.raws(document)
        special = self.reader.special(document)
        decoded = _Decoded(
            prints=(*map(_print_of, raws), hash(special)),
            score=self._score_of(special),
            payload=special.payload,
            language=_language_of(special),
        )
        for position, raw in enumerate(raws):
            if raw is None:
                continue
            spec = self.fields[position].spec
            try:
                self._decode_value(position, raw, decoded)
            except SkippedValue as invalid:
                decoded.skipped.append(Failure(key, spec.attribute, str(invalid)))
            except InvalidValue as invalid:
                return Failure(key, spec.attribute, str(invalid))
        return decoded

    def _decode_value(self, position: int, raw: Any, decoded: _Decoded) -> None:
        indexed = self.fields[position]
        value = self.reader.decode(indexed, raw)
        if value is None:
            return
        decoded.values[position] = value
        if indexed.spec.name in self.sort_columns:
            decoded.sort_keys[position] = self.reader.sort_key(indexed.spec, raw)

    def _score_of(self, special: Special) -> float:
        """RediSearch takes the number as it is, without clamping it to 0..1."""
        score = None if special.score is None else parse_float(special.score)
        return self.definition.score if score is None else score

    def _stage(self, key: bytes, change: _Decoded | Failure | None, batch: _Batch) -> None:
        if not isinstance(change, _Decoded):
            self._stage_removal(key, change, batch)
            return
        self._note_failures(key, change.skipped)
        doc_id = self.table.id_of(key)
        known = () if doc_id is None else self._prints.get(doc_id, ())
        if known == change.prints:
            return
        if doc_id is None:
            doc_id = self.table.add(key)
        self._stage_fields(doc_id, change, known, batch)
        self.table.touch(doc_id, change.score)
        self._prints[doc_id] = change.prints
        self.payloads.pop(doc_id, None)
        if change.payload is not None:
            self.payloads[doc_id] = change.payload

    def _stage_fields(self, doc_id: int, change: _Decoded, known: tuple[int, ...], batch: _Batch) -> None:
        """Only fields whose stored bytes changed are touched; TEXT fields share one structure and move together."""
        texts_changed = any(
            isinstance(f, TextField) and (not known or known[p] != change.prints[p]) for p, f in enumerate(self.fields)
        )
        relanguaged = not known or known[-1] != change.prints[-1]
        if relanguaged:
            self.text.name_language(doc_id, change.language)
            texts_changed = True
        for position, indexed in enumerate(self.fields):
            same = bool(known) and known[position] == change.prints[position]
            if same and not (texts_changed and isinstance(indexed, TextField)):
                continue
            self._stage_value(doc_id, position, change, batch)

    def _stage_value(self, doc_id: int, position: int, change: _Decoded, batch: _Batch) -> None:
        spec = self.fields[position].spec
        present = self.present[position]
        if spec.name in self.sort_columns:
            column = self.sort_columns[spec.name]
            column.remove(doc_id)
            if (text := change.sort_keys.get(position)) is not None:
                column.put(doc_id, text)
        had = doc_id in present
        if position in change.values:
            present.add(doc_id)
            if not spec.noindex or spec.type == "NUMERIC":
                batch.replaced.setdefault(position, []).append((doc_id, change.values[position]))
        elif had:
            present.discard(doc_id)
            batch.removed.setdefault(position, []).append(doc_id)

    def _stage_removal(self, key: bytes, failure: Failure | None, batch: _Batch) -> None:
        self._note_failures(key, [] if failure is None else [failure])
        if key not in self.table:
            return
        doc_id = self.table.remove(key)
        self._prints.pop(doc_id, None)
        self.payloads.pop(doc_id, None)
        for column in self.sort_columns.values():
            column.remove(doc_id)
        for position, present in enumerate(self.present):
            if doc_id in present:
                present.discard(doc_id)
                batch.removed.setdefault(position, []).append(doc_id)

    def _note_failures(self, key: bytes, failures: list[Failure]) -> None:
        """What is wrong with a document now; the same as before is not counted again."""
        before = self.failing.pop(key, None)
        for failure in failures:
            self.failing[key] = failure
            if failure != before:
                self._count(failure)

    def _count(self, failure: Failure) -> None:
        self.failures.add(failure)
        for counted, indexed in zip(self.field_failures, self.fields, strict=True):
            if indexed.spec.attribute == failure.attribute:
                counted.add(failure)

    def _commit(self, batch: _Batch) -> None:
        texts = [p for p, f in enumerate(self.fields) if isinstance(f, TextField)]
        stale = {doc_id for p in texts for doc_id in batch.removed.get(p, ())}
        stale.update(doc_id for p in texts for doc_id, _ in batch.replaced.get(p, ()))
        self.text.remove(sorted(stale))
        for position, indexed in enumerate(self.fields):
            shared = position in texts  # its old values just left the structure all TEXT fields share
            if (gone := batch.removed.get(position)) and not shared:
                indexed.remove(gone)
            if new := batch.replaced.get(position):
                put = indexed.put if shared else indexed.replace
                put([doc_id for doc_id, _ in new], [value for _, value in new])

    # ---- measures --------------------------------------------------------------------------------------------------

    def memory_bytes(self) -> int:
        return (
            self.table.memory_bytes()
            + sum(f.memory_bytes() for f in self.fields)
            + sum(c.memory_bytes() for c in self.sort_columns.values())
        )


def _language_of(special: Special) -> str | None:
    """The document's own language; an unknown one counts as none."""
    if special.language is None:
        return None
    language = special.language.decode("utf-8", "replace").lower()
    return language if language in LANGUAGES else None


def _print_of(raw: Any) -> int:
    """A print of a stored value: 64 bits, so two different ones pass for the same once in 10^19 updates."""
    if raw is None or isinstance(raw, bytes):
        return hash(raw)
    return hash(marshal.dumps(raw, _PLAIN_MARSHAL))  # JSON values; five times faster than their repr


_PLAIN_MARSHAL = 2  # the last format whose output depends on the value alone
