"""The full-text index all TEXT fields of a search index share: term → postings with field bits and positions.

Documents wait as token ids until a search (or enough of them) turns them into a segment: 20-word texts go in at over
100,000 a second, and a search pays for what was written since the last. Knows nothing of queries.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index import segment as segments
from redisvss.index.bitmaps import Ids, bitmap_of
from redisvss.index.dictionary import GAP, SortedTerms, Vocabulary
from redisvss.index.phonetic import MIN_PHONETIC_LENGTH, phonetic
from redisvss.index.segment import NO_POSTINGS, Occurrences, Postings, Segment
from redisvss.index.stemming import MIN_STEM_LENGTH, STEM_PREFIX, stemmer
from redisvss.index.tokenizer import DEFAULT_STOPWORDS

MULTI_TEXT_SLOP = 100  # positions between two values of a multi-value field
_FLUSH_TOKENS = 1 << 18  # so the first search after a bulk load waits for 0.1 s of work at most
_FAN_IN = 8  # segments of about one size before they are merged into one
_KEPT_FROM = 512  # documents of a term from which on its joined postings are kept
_KEPT_DOCS = 1 << 20  # documents of all terms kept together: 20 MB at most
_UNKNOWN, _NONE = -1, 0  # of a derived term that was not looked for yet, that does not exist


@dataclass
class WordLengths:
    """The shortest words of documents that are stemmed and heard, in bytes. Shared, so that all indexes follow it."""

    stemmed: int = MIN_STEM_LENGTH
    heard: int = MIN_PHONETIC_LENGTH


@dataclass(frozen=True)
class FieldTraits:
    """What a field does to its tokens. weight: TF of one occurrence, at least 1; stem_weight: of its stem."""

    weight: int = 1
    stem_weight: int = 1
    stem: bool = True
    phonetic: bool = False
    suffixes: bool = False


@dataclass(frozen=True)
class _Waiting:
    """Values of one field, one per document, as token ids."""

    field: int
    docs: NDArray[np.uint32]
    lengths: NDArray[np.int64]
    tokens: NDArray[np.uint32]


class _KnownPostings(dict[int, Postings]):
    """Postings of common terms, which are asked for again and again, as long as no document changes.

    Joining those of eight segments takes longer than all that a search does with them.
    """

    def __init__(self) -> None:
        self._room = _KEPT_DOCS

    def keep(self, term: int, postings: Postings) -> None:
        """Thread-safe: what two readers keep at once counts twice."""
        self._room -= len(postings.docs)
        if self._room < 0:
            self.clear()
            self._room = _KEPT_DOCS - len(postings.docs)
        self[term] = postings


class TextIndex:
    """Callers hold a write lock for `put` and `remove`, a read lock for everything else.

    `doc_lengths` and `max_frequencies` are indexed by doc id (0 for a document without text).
    """

    def __init__(self, lengths: WordLengths | None = None) -> None:
        self.word_lengths = lengths or WordLengths()
        self.offsets = True  # whether positions are kept, and how often a term occurs in a document
        self.counts = True
        self.traits: dict[int, FieldTraits] = {}
        self.doc_lengths: NDArray[np.uint32] = np.zeros(1024, np.uint32)
        self.max_frequencies: NDArray[np.uint32] = np.zeros(1024, np.uint32)
        self._language = "english"
        self._languages: dict[int, str] = {}
        self._synonyms: dict[bytes, tuple[bytes, ...]] = {}
        self._segments: list[Segment] = []
        self._known = _KnownPostings()
        self._waiting: list[_Waiting] = []
        self._waiting_docs = BitMap()
        self._waiting_tokens = 0
        self._field_docs: dict[int, BitMap] = {}
        self._flushing = threading.Lock()
        self._total_length = 0
        self.set_stopwords(DEFAULT_STOPWORDS)

    # ---- what an index definition says; before any document ---------------------------------------------------------

    def set_stopwords(self, words: Iterable[str]) -> None:
        self.stopwords = frozenset(word.encode("utf-8", "surrogateescape") for word in words)
        self.vocabulary = Vocabulary(self.stopwords)
        self.sorted_terms = SortedTerms(self.vocabulary)
        self._stems: dict[tuple[str, int], NDArray[np.int64]] = {}
        self._sounds: dict[int, NDArray[np.int64]] = {}

    def set_language(self, language: str) -> None:
        """Of documents that do not name their own."""
        self._language = language

    def set_synonyms(self, groups: Mapping[str, Sequence[str]]) -> None:
        """term → ids of its groups, for documents put from now on."""
        self.flush()
        self._synonyms = {
            term.encode("utf-8", "surrogateescape"): tuple(synonym_term(group) for group in ids)
            for term, ids in groups.items()
        }

    def add_field(self, number: int, traits: FieldTraits) -> None:
        self.traits[number] = traits

    # ---- writing -----------------------------------------------------------------------------------------------------

    def name_language(self, doc_id: int, language: str | None) -> None:
        """A document's own language (None: the index's); said before its fields are put."""
        if language is None or language == self._language:
            self._languages.pop(doc_id, None)
        else:
            self._languages[doc_id] = language

    def put(self, number: int, doc_ids: Sequence[int], values: Sequence[Sequence[bytes]]) -> None:
        """One field's tokens for documents that have none in it; a document's fields come in the schema's order."""
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        tokens = np.fromiter(
            map(self.vocabulary.__getitem__, chain.from_iterable(values)), np.uint32, int(lengths.sum())
        )
        docs = np.array(doc_ids, np.uint32)
        self._waiting.append(_Waiting(number, docs, lengths, tokens))
        put = bitmap_of(docs)
        self._waiting_docs |= put
        self._field_docs.setdefault(number, BitMap()).update(put)
        self._waiting_tokens += len(tokens)

    def remove(self, doc_ids: Sequence[int]) -> None:
        """Forget all text of the documents; unknown ids are ignored."""
        if self._waiting_tokens >= _FLUSH_TOKENS:  # here, not in `put`: a document's fields belong into one segment
            self.flush()
        gone = bitmap_of(np.array(doc_ids, np.uint32))
        if not gone.isdisjoint(self._waiting_docs):
            self.flush()
        for held in self._segments:
            if not gone.isdisjoint(held.live):
                held.kill(gone & held.live)
        self._segments = [held for held in self._segments if held.live]
        self._known = _KnownPostings()
        for docs in self._field_docs.values():
            docs -= gone
        self._clear_columns(np.array(doc_ids, np.int64))

    def _clear_columns(self, ids: NDArray[np.int64]) -> None:
        ids = ids[ids < len(self.doc_lengths)]
        self._total_length -= int(self.doc_lengths[ids].sum())
        self.doc_lengths[ids] = 0
        self.max_frequencies[ids] = 0

    def flush(self) -> None:
        """Turn what waits into a segment. Readers call it too: whoever comes first does the work."""
        if not self._waiting:
            return
        with self._flushing:
            if not self._waiting:
                return
            built = segments.build(self._occurrences(), self._field_bytes(), self.offsets)
            if built.live:
                self._set_columns(built)
                if not self.counts:
                    built = segments.uncounted(built)
                self._segments = self._compact([*self._segments, built])
                self._known = _KnownPostings()
            self._waiting, self._waiting_docs, self._waiting_tokens = [], BitMap(), 0

    def _compact(self, held: list[Segment]) -> list[Segment]:
        """Merge the newest segments once enough of them are no larger than the last (in powers of the fan-in)."""
        while (run := _trailing(held)) >= _FAN_IN:
            held = [*held[:-run], segments.merge(held[-run:], self._field_bytes())]
        return [segments.merge([s], self._field_bytes()) if len(s.dead) > len(s.live) else s for s in held]

    def _field_bytes(self) -> int:
        return (max(self.traits, default=0) >> 3) + 1

    # ---- from tokens to occurrences ----------------------------------------------------------------------------------

    def _occurrences(self) -> Occurrences:
        tokens = np.concatenate([w.tokens for w in self._waiting])
        docs = np.concatenate([np.repeat(w.docs, w.lengths) for w in self._waiting])
        fields = np.concatenate([np.full(len(w.tokens), w.field, np.uint8) for w in self._waiting])
        if (docs[1:] < docs[:-1]).any():
            order = np.argsort(docs, kind="stable")
            tokens, docs, fields = tokens[order], docs[order], fields[order]
        positions = _positions(tokens, docs)
        words = tokens > GAP
        raw = _Words(tokens[words], docs[words], positions[words], fields[words])
        self._count_lengths(raw)
        parts = [raw.as_occurrences(raw.tokens, self._by_field("weight"))]
        parts += self._derived(raw)
        return _concatenate(parts)

    def _derived(self, raw: _Words) -> Iterator[Occurrences]:
        """Stems, phonetic codes and synonym groups, at the positions of their tokens."""
        stemmed = self._by_field("stem")[raw.fields]
        for language, of_language in self._split_by_language(raw.docs, stemmed):
            yield self._derive(raw, of_language, self._stems_of(language, raw.tokens[of_language]), "stem_weight")
        heard = self._by_field("phonetic")[raw.fields]
        if heard.any():
            yield self._derive(raw, heard, self._sounds_of(raw.tokens[heard]), "weight")
        for term, groups in self._synonyms.items():
            where = raw.tokens == self.vocabulary.get(term, GAP)
            for group in groups if where.any() else ():
                yield raw.only(where).as_occurrences(
                    np.full(int(where.sum()), self.vocabulary[group], np.uint32), self._by_field("weight")
                )

    def _derive(self, raw: _Words, where: NDArray[np.bool_], table: NDArray[np.int64], weight: str) -> Occurrences:
        derived = table[raw.tokens]
        chosen = where & (derived > _NONE)
        return raw.only(chosen).as_occurrences(derived[chosen].astype(np.uint32), self._by_field(weight))

    def _split_by_language(
        self, docs: NDArray[np.uint32], where: NDArray[np.bool_]
    ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        if self._languages:
            others = {doc: language for doc, language in self._languages.items() if doc in self._waiting_docs}
            for language in set(others.values()):
                named = np.array([doc for doc, name in others.items() if name == language], np.uint32)
                of_language = np.isin(docs, named)
                yield language, where & of_language
                where = where & ~of_language
        yield self._language, where

    def _stems_of(self, language: str, tokens: NDArray[np.uint32]) -> NDArray[np.int64]:
        """token id → id of its stem's term; complete for `tokens`."""
        which = language, self.word_lengths.stemmed
        table = self._stems[which] = _grown(self._stems.get(which), len(self.vocabulary.terms))
        stem = stemmer(language)
        for token in _unknown(table, tokens):
            table[token] = _NONE
            word = self.vocabulary.terms[token]
            if stem is not None and len(word) >= self.word_lengths.stemmed:
                found = stem(word)
                if found != word:
                    table[token] = self.vocabulary[STEM_PREFIX + found]
        return table

    def _sounds_of(self, tokens: NDArray[np.uint32]) -> NDArray[np.int64]:
        least = self.word_lengths.heard
        table = self._sounds[least] = _grown(self._sounds.get(least), len(self.vocabulary.terms))
        for token in _unknown(table, tokens):
            word = self.vocabulary.terms[token]
            code = phonetic(word) if len(word) >= least else None
            table[token] = self.vocabulary[code] if code else _NONE
        return table

    def _by_field(self, trait: str) -> NDArray[Any]:
        """One trait of every field, indexed by field number."""
        values = [getattr(self.traits.get(number, _PLAIN), trait) for number in range(max(self.traits, default=0) + 1)]
        return np.array(values)

    def _count_lengths(self, raw: _Words) -> None:
        if not len(raw.docs):
            return
        self._grow_columns(int(raw.docs[-1]) + 1)
        weights = self._by_field("weight")[raw.fields]
        lengths = np.bincount(raw.docs, weights).astype(np.uint32)
        self.doc_lengths[: len(lengths)] += lengths
        self._total_length += int(lengths.sum())

    def _set_columns(self, built: Segment) -> None:
        np.maximum.at(self.max_frequencies, built.postings.docs, built.postings.frequencies.astype(np.uint32))

    def _grow_columns(self, size: int) -> None:
        if size > len(self.doc_lengths):
            wider = max(size, 2 * len(self.doc_lengths)) - len(self.doc_lengths)
            self.doc_lengths = np.pad(self.doc_lengths, (0, wider))
            self.max_frequencies = np.pad(self.max_frequencies, (0, wider))

    # ---- reading -----------------------------------------------------------------------------------------------------

    def postings(self, term: bytes) -> Postings:
        """Of one exact term of the dictionary: a token, or `+stem`, `~group`, `<code`."""
        self.flush()
        number = self.vocabulary.get(term, GAP)
        if number <= GAP:
            return NO_POSTINGS
        known, joined = self._known, self._known.get(number)
        if joined is None:
            joined = self._join([found for held in self._segments if len((found := held.find(number)).docs)])
            if len(joined.docs) >= _KEPT_FROM:
                known.keep(number, joined)
        return joined

    def _join(self, parts: Sequence[Postings]) -> Postings:
        if not parts:
            return NO_POSTINGS
        joined = segments.join(parts, self._field_bytes())
        if len(parts) > 1 and (joined.docs[1:] < joined.docs[:-1]).any():
            return joined.only(np.argsort(joined.docs, kind="stable"))
        return joined

    def postings_of(self, terms: Sequence[bytes]) -> tuple[Postings, NDArray[np.int64]]:
        """Of several terms at once, and which of them each entry belongs to; a document's entries in their order."""
        self.flush()
        numbers = np.array([self.vocabulary.get(term, GAP) for term in terms], np.uint32)
        parts = [held.find_many(numbers) for held in self._segments]
        if not parts:
            return NO_POSTINGS, np.empty(0, np.int64)
        joined = segments.join([found for found, _ in parts], self._field_bytes())
        return joined, np.concatenate([which for _, which in parts])

    def lengths(self, ids: Ids) -> NDArray[np.uint32]:
        """Weighted number of tokens of each document."""
        return _at(self.doc_lengths, ids, self)

    def peaks(self, ids: Ids) -> NDArray[np.uint32]:
        """The highest frequency of any term in each document."""
        return _at(self.max_frequencies, ids, self)

    def terms_of(self, number: int, token: bytes, doc_id: int) -> list[bytes]:
        """Every dictionary entry a document's token is found under in that field; none for a stop word."""
        if token in self.stopwords:
            return []
        traits = self.traits[number]
        stem = stemmer(self._languages.get(doc_id, self._language)) if traits.stem else None
        terms = [token, *self._synonyms.get(token, ())]
        if stem is not None and len(token) >= self.word_lengths.stemmed and (found := stem(token)) != token:
            terms.append(STEM_PREFIX + found)
        if traits.phonetic and len(token) >= self.word_lengths.heard and (code := phonetic(token)):
            terms.append(code)
        return terms

    def docs(self, number: int) -> BitMap:
        """The documents with a value in the field; not to be changed."""
        return self._field_docs.get(number, BitMap())

    @property
    def total_length(self) -> int:
        self.flush()
        return self._total_length

    @property
    def suffix_fields(self) -> tuple[int, ...]:
        return tuple(number for number, traits in self.traits.items() if traits.suffixes)

    def count_terms(self) -> int:
        self.flush()
        held = [s.terms for s in self._segments]
        return len(np.unique(np.concatenate(held))) if held else 0

    def count_postings(self) -> int:
        self.flush()
        return sum(len(s.postings.docs) for s in self._segments)

    def memory_bytes(self) -> int:
        waiting = 4 * self._waiting_tokens
        held = sum(s.memory_bytes() for s in self._segments)
        words = sum(len(term) + 120 for term in self.vocabulary.terms)  # bytes object, dict entry, list entry
        return waiting + held + words + self.sorted_terms.memory_bytes() + 8 * len(self.doc_lengths)


@dataclass(frozen=True)
class _Words:
    tokens: NDArray[np.uint32]
    docs: NDArray[np.uint32]
    positions: NDArray[np.uint32]
    fields: NDArray[np.uint8]

    def only(self, where: NDArray[np.bool_]) -> _Words:
        return _Words(self.tokens[where], self.docs[where], self.positions[where], self.fields[where])

    def as_occurrences(self, terms: NDArray[np.uint32], weight_of: NDArray[Any]) -> Occurrences:
        return Occurrences(terms, self.docs, self.positions, self.fields, weight_of[self.fields].astype(np.uint32))


_PLAIN = FieldTraits()


def synonym_term(group: str) -> bytes:
    """What a synonym group is called in the dictionary."""
    return b"~" + group.encode("utf-8", "surrogateescape")


def _positions(tokens: NDArray[np.uint32], docs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """1, 2, … per document; a stop word takes no position, the pause between two values takes 99."""
    steps = np.ones(len(tokens), np.int64)
    steps[tokens < GAP] = 0
    steps[tokens == GAP] = MULTI_TEXT_SLOP - 1
    ends = np.cumsum(steps)
    first = np.concatenate([[True], docs[1:] != docs[:-1]]) if len(docs) else np.empty(0, np.bool_)
    before = (ends - steps)[first]
    return np.asarray(ends - np.repeat(before, np.diff(np.flatnonzero(first), append=len(docs))), np.uint32)


def _concatenate(parts: Sequence[Occurrences]) -> Occurrences:
    return Occurrences(
        np.concatenate([p.terms for p in parts]),
        np.concatenate([p.docs for p in parts]),
        np.concatenate([p.positions for p in parts]),
        np.concatenate([p.fields for p in parts]),
        np.concatenate([p.weights for p in parts]),
    )


def _grown(table: NDArray[np.int64] | None, size: int) -> NDArray[np.int64]:
    known = np.empty(0, np.int64) if table is None else table
    return known if len(known) >= size else np.append(known, np.full(2 * size - len(known), _UNKNOWN))


def _unknown(table: NDArray[np.int64], tokens: NDArray[np.uint32]) -> list[int]:
    wanted = np.zeros(len(table), np.bool_)
    wanted[tokens] = True
    found: list[int] = np.flatnonzero(wanted & (table == _UNKNOWN)).tolist()
    return found


def _at(column: NDArray[np.uint32], ids: Ids, index: TextIndex) -> NDArray[np.uint32]:
    index.flush()
    out = np.zeros(len(ids), np.uint32)
    known = ids < len(column)
    out[known] = column[ids[known]]
    return out


def _trailing(held: Sequence[Segment]) -> int:
    """How many segments at the end are of the last one's order of size or below."""
    orders = [int(math.log(len(s.postings.docs), _FAN_IN)) for s in reversed(held)]
    return next((i for i, order in enumerate(orders) if order > orders[0]), len(orders))
