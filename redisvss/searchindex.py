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
from enum import Enum
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
from redisvss.index.text import TextIndex, WordLengths
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


@dataclass(frozen=True)
class _Slot:
    """A field and what is kept beside it. column: SORTABLE strings; searchable: not NOINDEX, or kept for sorting.

    lists: of SORTABLE JSON, documents with a list or several values; present: documents with a value to index; missing:
    of INDEXMISSING, those without any, a JSON null being one.
    """

    position: int
    field: Field
    column: StringColumn | None
    lists: BitMap | None
    present: BitMap
    missing: BitMap | None
    searchable: bool
    is_text: bool


@dataclass
class _Change:
    """A document to be indexed. prints: of what it was decoded from; values: of the slots that changed, if any."""

    prints: tuple[int, ...]
    special: Special
    slots: list[_Slot]
    values: list[Any] = field(default_factory=list)
    raws: list[Any] = field(default_factory=list)
    skipped: list[Failure] = field(default_factory=list)


class _Unchanged(Enum):
    """The document is indexed as it is."""

    UNCHANGED = "unchanged"


@dataclass
class _Batch:
    """Field changes of one `apply`, collected so that each field is called once."""

    removed: dict[int, list[int]] = field(default_factory=dict)
    replaced: dict[int, tuple[list[int], list[Any]]] = field(default_factory=dict)


class SearchIndex:
    """See `apply` for writing; readers hold `lock.read()` while they use `table`, `fields` or `text`."""

    def __init__(self, definition: IndexDefinition, lengths: WordLengths | None = None) -> None:
        """lengths: of the words that are stemmed and heard, which FT.CONFIG may change for all indexes."""
        self._lengths = lengths
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
        self.text = TextIndex(self._lengths)
        self.fields: list[Field] = []
        self.by_name: dict[str, Field] = {}
        self.sort_columns: dict[str, StringColumn] = {}
        self.sort_lists: dict[str, BitMap] = {}
        self.present: list[BitMap] = []
        self.missing: dict[str, BitMap] = {}
        self._slots: list[_Slot] = []
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
        if spec.index_missing:
            self.missing[spec.name] = BitMap()
        if spec.sortable and spec.type != "NUMERIC":
            self.sort_columns[spec.name] = StringColumn()
        if spec.sortable and self.definition.key_type == "JSON":
            self.sort_lists[spec.name] = BitMap()
        self._slots.append(
            _Slot(
                position=len(self._slots),
                field=made,
                column=self.sort_columns.get(spec.name),
                lists=self.sort_lists.get(spec.name),
                present=self.present[-1],
                missing=self.missing.get(spec.name),
                searchable=not spec.noindex or spec.type == "NUMERIC",
                is_text=isinstance(made, TextField),
            )
        )

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

        Idempotent: applying the same documents again changes nothing, in whatever order. Of a key that is named twice
        the last document counts.
        """
        latest = dict(zip(keys, documents, strict=True))
        keys, documents = list(latest), list(latest.values())
        started, self.last_used = time.perf_counter(), time.monotonic()
        with self._writer:
            belonging = self._belonging(keys, documents)
            changes = [self._decode(key, document) for key, document in zip(keys, belonging, strict=True)]
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

    def _belonging(self, keys: Sequence[bytes], stored: Sequence[Any]) -> list[Any]:
        """The parsed documents; None for what is no document of this index, or does not pass its FILTER."""
        documents = [None if part is None else self.reader.parse(part) for part in stored]
        if self._filter is None:
            return documents
        known = [position for position, document in enumerate(documents) if document is not None]
        verdicts = self._filter.passing([self.reader.properties(keys[p], documents[p]) for p in known])
        for position, passes in zip(known, verdicts, strict=True):
            if not passes:
                documents[position] = None
        return documents

    def _decode(self, key: bytes, document: Any) -> _Change | Failure | _Unchanged | None:
        """What is to be done with a document. Only fields whose stored bytes changed are decoded."""
        if document is None:
            return None
        raws, special = self.reader.raws(document), self.reader.special(document)
        prints = (*map(_print_of, raws), hash(special))
        doc_id = self.table.id_of(key)
        known = None if doc_id is None else self._prints.get(doc_id)
        if known == prints:
            return _Unchanged.UNCHANGED
        change = _Change(prints, special, self._changed_slots(known, prints))
        for slot in change.slots:
            raw = raws[slot.position]
            try:
                value = None if raw is None else self.reader.decode(slot.field, raw)
            except SkippedValue as invalid:
                change.skipped.append(Failure(key, slot.field.spec.attribute, str(invalid)))
                value = None
            except InvalidValue as invalid:
                return Failure(key, slot.field.spec.attribute, str(invalid))
            change.values.append(value)
            change.raws.append(raw)
        return change

    def _changed_slots(self, known: tuple[int, ...] | None, prints: tuple[int, ...]) -> list[_Slot]:
        """TEXT fields share one structure and change together; so do they when the document's language may have."""
        if known is None:
            return self._slots
        changed = [slot.position for slot in self._slots if known[slot.position] != prints[slot.position]]
        together = known[-1] != prints[-1] or any(self._slots[position].is_text for position in changed)
        return [slot for slot in self._slots if slot.position in changed or (together and slot.is_text)]

    def _score_of(self, special: Special) -> float:
        """RediSearch takes the number as it is, without clamping it to 0..1."""
        score = None if special.score is None else parse_float(special.score)
        return self.definition.score if score is None else score

    def _stage(self, key: bytes, change: _Change | Failure | _Unchanged | None, batch: _Batch) -> None:
        if isinstance(change, _Unchanged):
            return
        if not isinstance(change, _Change):
            self._stage_removal(key, change, batch)
            return
        self._note_failures(key, change.skipped)
        doc_id = self.table.id_of(key)
        if doc_id is None:
            doc_id = self.table.add(key)
        if change.special.language is not None or self.definition.language_field is not None:
            self.text.name_language(doc_id, _language_of(change.special))
        for slot, value, raw in zip(change.slots, change.values, change.raws, strict=True):
            self._stage_value(doc_id, slot, value, raw, batch)
        self.table.touch(doc_id, self._score_of(change.special))
        self._prints[doc_id] = change.prints
        self.payloads.pop(doc_id, None)
        if change.special.payload:  # an empty one is none
            self.payloads[doc_id] = change.special.payload

    def _stage_value(self, doc_id: int, slot: _Slot, value: Any, raw: Any, batch: _Batch) -> None:
        if slot.column is not None:
            slot.column.remove(doc_id)
            text = None if value is None else self.reader.sort_key(slot.field.spec, raw)
            if text is not None:
                slot.column.put(doc_id, text)
        if slot.lists is not None:
            (slot.lists.add if raw is not None and self.reader.is_list(raw) else slot.lists.discard)(doc_id)
        if slot.missing is not None:
            (slot.missing.add if raw is None else slot.missing.discard)(doc_id)
        if value is not None:
            slot.present.add(doc_id)
            if slot.searchable:
                replaced = batch.replaced.get(slot.position)
                if replaced is None:
                    replaced = batch.replaced[slot.position] = ([], [])
                replaced[0].append(doc_id)
                replaced[1].append(value)
        elif doc_id in slot.present:
            slot.present.discard(doc_id)
            batch.removed.setdefault(slot.position, []).append(doc_id)

    def _stage_removal(self, key: bytes, failure: Failure | None, batch: _Batch) -> None:
        self._note_failures(key, [] if failure is None else [failure])
        if key not in self.table:
            return
        doc_id = self.table.remove(key)
        self._prints.pop(doc_id, None)
        self.payloads.pop(doc_id, None)
        for column in self.sort_columns.values():
            column.remove(doc_id)
        for noted in (*self.missing.values(), *self.sort_lists.values()):
            noted.discard(doc_id)
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
        texts = [slot.position for slot in self._slots if slot.is_text]
        stale = {doc_id for position in texts for doc_id in batch.removed.get(position, ())}
        stale.update(doc_id for position in texts for doc_id in batch.replaced.get(position, ((), ()))[0])
        if stale:
            self.text.remove(sorted(stale))  # the structure all TEXT fields share
        for slot in self._slots:
            if (gone := batch.removed.get(slot.position)) and not slot.is_text:
                slot.field.remove(gone)
            if new := batch.replaced.get(slot.position):
                (slot.field.put if slot.is_text else slot.field.replace)(*new)

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
