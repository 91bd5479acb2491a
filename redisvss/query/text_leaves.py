"""Text clauses joined to an index: words and what they stand for, prefixes, misspellings, patterns, phrases.

A word means itself, its synonyms, its sound and its stem (RediSearch's default expander, 2.10.33); what a clause may
stand for at most is bounded by `Limits`. Knows the term dictionary, not how results are combined or scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss import ast
from redisvss.errors import EMPTY_NOT_INDEXED
from redisvss.fields.base import BindContext, Ids, QueryError, Scores
from redisvss.index.bitmaps import bitmap_of, ids_of, is_among
from redisvss.index.dictionary import SortedTerms
from redisvss.index.phonetic import phonetic
from redisvss.index.segment import NO_POSTINGS, Postings, join, places_of
from redisvss.index.segmenter import words_of
from redisvss.index.stemming import CHINESE, STEM_PREFIX, stemmer
from redisvss.index.text import TextIndex, synonym_term
from redisvss.index.tokenizer import lower
from redisvss.query.bound import And, BoundNode, Nothing, Or
from redisvss.query.proximity import Offsets, Positioned, keep_near, offsets_of
from redisvss.schema import FieldSpec, IndexDefinition

MAX_AFFIX_LENGTH = 1024  # characters
_DERIVED = ("+", "~", "<")  # first letters of stems, synonym groups and sounds in the dictionary
Numbers = tuple[int, ...] | None  # of fields in the text index; None: all
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Scope:
    """The fields a clause addresses: `numbers` in the text index (None: all), as `prefix` in FT.EXPLAIN."""

    numbers: tuple[int, ...] | None
    prefix: str = ""

    def limited(self, others: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if others is None or self.numbers is None:
            return others if self.numbers is None else self.numbers
        return tuple(n for n in self.numbers if n in others)


class TermLeaf(Positioned):
    """One entry of the term dictionary."""

    kind = "term"

    def __init__(self, text: TextIndex, term: bytes, fields: tuple[int, ...] | None, label: str) -> None:
        self.text = text
        self.term = term
        self.fields = fields
        self.label = label

    @cached_property
    def postings(self) -> Postings:
        """In whatever field: the IDF counts them all."""
        return self.text.postings(self.term)

    @cached_property
    def matching(self) -> Postings:
        """Of documents that hold the term in one of the fields. TF and positions stay those of the whole document."""
        if self.fields is None or not len(self.postings.docs):
            return self.postings
        kept = self.postings.in_fields(self.fields)
        return self.postings if kept.all() else self.postings.only(kept)

    def estimate(self) -> int:
        return len(self.postings.docs)

    def _docs(self) -> BitMap:
        return self.matching.doc_set

    def exists(self) -> bool:
        return len(self.matching.docs) > 0

    def among(self, docs: BitMap) -> BitMap:
        if len(self.matching.docs) < 32 * len(docs):
            return docs & self.docs
        ids = ids_of(docs)
        return bitmap_of(ids[self.holds(ids)])

    def holds(self, ids: Ids) -> NDArray[np.bool_]:
        return is_among(ids, self.matching.docs)

    def frequencies(self, ids: Ids) -> Scores:
        return self.matching.frequencies_at(ids)

    def document_count(self) -> int:
        return len(self.postings.docs)

    def offsets(self, ids: Ids) -> Offsets:
        return offsets_of(self.matching, places_of(self.matching.docs, ids))

    def explain(self) -> str:
        return self.label

    def profile(self) -> dict[str, Any]:
        return {"Type": "TEXT", "Term": _text(self.term)}


@dataclass(frozen=True)
class Held:
    """Terms that documents hold, and their postings in the fields asked for.

    term_of: which term each posting belongs to; holders: documents with the term in whatever field, by term.
    """

    terms: list[bytes]
    postings: Postings
    term_of: NDArray[np.int64]
    holders: NDArray[np.int64]


NONE_HELD = Held([], NO_POSTINGS, np.empty(0, np.int64), np.empty(0, np.int64))


class AffixLeaf(Positioned):
    """A prefix, suffix, infix, misspelling or pattern: the first of its terms that a document holds counts for it."""

    kind = "term"

    def __init__(self, held: Held, label: str, query_type: str, leaf: Callable[[bytes], TermLeaf]) -> None:
        self.held = held
        self.label = label
        self.query_type = query_type
        self._leaf = leaf

    @cached_property
    def children(self) -> list[TermLeaf]:
        """Its terms one by one, for explanations: matching and scoring take them together."""
        return [self._leaf(term) for term in self.held.terms]

    @cached_property
    def _first(self) -> tuple[Ids, NDArray[np.int64]]:
        """Documents ascending, and the place of the posting that counts for each."""
        docs = self.held.postings.docs
        if not len(docs) or int(docs.max()) > 16 * len(docs):
            return np.unique(docs, return_index=True)
        places = np.full(int(docs.max()) + 1, -1)
        places[docs[::-1]] = np.arange(len(docs))[::-1]  # the last assignment is the first of the document's terms
        distinct = np.flatnonzero(places >= 0)
        return distinct.astype(np.uint32), places[distinct]

    def _places(self, ids: Ids) -> NDArray[np.int64]:
        """The posting that counts for each document; -1 where none does."""
        docs, places = self._first
        found = places_of(docs, ids)
        return np.where(found >= 0, places[found], -1) if len(docs) else found

    def chosen(self, ids: Ids) -> NDArray[np.int64]:
        """The child that counts for each document; -1 where none does."""
        places = self._places(ids)
        return np.where(places >= 0, self.held.term_of[places], -1) if len(self.held.terms) else places

    def estimate(self) -> int:
        return int(self.held.holders.sum())

    def exists(self) -> bool:
        return len(self.held.terms) > 0

    def _docs(self) -> BitMap:
        return bitmap_of(self._first[0])

    def holds(self, ids: Ids) -> NDArray[np.bool_]:
        return is_among(ids, self._first[0])

    def frequencies(self, ids: Ids) -> Scores:
        places = self._places(ids)
        out = np.zeros(len(ids))
        out[places >= 0] = self.held.postings.frequencies[places[places >= 0]]
        return out

    def document_counts(self, ids: Ids) -> Scores:
        """n of the IDF, by document (1 where none matches)."""
        chosen = self.chosen(ids)
        out = np.ones(len(ids))
        out[chosen >= 0] = self.held.holders[chosen[chosen >= 0]]
        return out

    def offsets(self, ids: Ids) -> Offsets:
        return offsets_of(self.held.postings, self._places(ids))

    def explain(self) -> str:
        return self.label

    def profile(self) -> dict[str, Any]:
        return {"Type": "UNION", "Query type": self.query_type}


class Expansion(Or):
    """A word and what it stands for. A weight written on the word is the word's alone, as in RediSearch."""

    def __init__(self, children: list[BoundNode], label: str) -> None:
        super().__init__(children, children[0].weight, label)

    @property
    def weight(self) -> float:
        return self.children[0].weight

    @weight.setter
    def weight(self, weight: float) -> None:
        self.children[0].weight = weight


class Exact(And):
    """A quoted phrase."""

    def __init__(self, children: list[BoundNode]) -> None:
        super().__init__(children, slop=0, inorder=True, near=keep_near)


def bind_text(
    node: ast.Node,
    text: TextIndex,
    fields: Sequence[FieldSpec],
    definition: IndexDefinition,
    context: BindContext,
) -> BoundNode | None:
    """The bound clause; None where it is a stop word and vanishes. Raises QueryError.

    fields: the index's TEXT fields, in the schema's order. The clause's `$weight` is the caller's to apply, once, by
    multiplying the `weight` of what is returned.
    """
    binder = _Binder(text, fields, definition, context, node)
    match node:
        case ast.Term(words, verbatim):
            return binder.term(context.text(words), verbatim)
        case ast.Affix(part, prefix, suffix):
            return binder.affix(context.text(part), prefix, suffix)
        case ast.Fuzzy(word, distance):
            return binder.fuzzy(context.text(word), distance)
        case ast.Wildcard(pattern):
            return binder.wildcard(context.text(pattern))
        case ast.Phrase(terms):
            return binder.phrase(terms)
        case _:
            raise TypeError(f"no text clause: {node}")


class _Binder:
    """One clause on its way."""

    def __init__(
        self,
        text: TextIndex,
        specs: Sequence[FieldSpec],
        definition: IndexDefinition,
        context: BindContext,
        node: ast.Node,
    ) -> None:
        self.text = text
        self.specs = specs
        self.definition = definition
        self.context = context
        self.node = node
        self.scope = _scope_of(node.fields, specs)
        self.infields = _numbers(context.infields, specs) if context.infields else None

    # ---- words -------------------------------------------------------------------------------------------------------

    def term(self, written: str, verbatim: bool) -> BoundNode | None:
        word = _lowered(written)
        if not word:
            self._check_indexes_empty()
            return self._leaf(word, self.scope)
        if word in self.text.stopwords and not verbatim and not self.context.nostopwords:
            return None
        phonetics = self._wants_phonetics()
        leaf: BoundNode = self._leaf(word, self.scope)
        if verbatim or self.context.verbatim or not self._expandable():
            return leaf
        others: list[BoundNode] = [*self._synonyms(word), *(self._sound(word) if phonetics else ()), *self._stems(word)]
        if self._language == CHINESE and (parts := words_of(word)):
            others.append(And([self._leaf(part, self.scope, expanded=True) for part in parts]))
        return Expansion([leaf, *others], f"{self.scope.prefix}UNION") if others else leaf

    def _leaf(self, term: bytes, scope: Scope, expanded: bool = False) -> TermLeaf:
        label = f"{scope.prefix}{_text(term)}{'(expanded)' if expanded else ''}"
        return TermLeaf(self.text, term, self._fields(scope), label)

    def _fields(self, scope: Scope) -> Numbers:
        """NOFIELDS knows no fields: a clause finds its word in whichever, even one of an unknown field."""
        return None if self.definition.nofields else scope.limited(self.infields)

    @property
    def _language(self) -> str:
        return self.context.language or self.definition.language

    def _expandable(self) -> bool:
        """Nothing is expanded in fields that are all NOSTEM, nor in unknown ones."""
        return self.scope.numbers is None or any(self.text.traits[n].stem for n in self.scope.numbers)

    def _synonyms(self, word: bytes) -> Iterator[TermLeaf]:
        for group in self.definition.synonyms.get(_text(word), ()):
            yield self._leaf(synonym_term(group), self.scope, expanded=True)

    def _sound(self, word: bytes) -> Iterator[TermLeaf]:
        code = phonetic(word)
        if code is not None:
            yield self._leaf(code, self.scope, expanded=True)

    def _stems(self, word: bytes) -> Iterator[TermLeaf]:
        """The stem as documents' longer words left it, and as a word of its own. NOSTEM fields are left out."""
        stem = stemmer(self._language)
        if stem is None:
            return
        found = stem(word)
        scope = (
            _scope(tuple(n for n in self.scope.numbers if self.text.traits[n].stem), self.specs)
            if (self.scope.numbers is not None)
            else self.scope
        )
        yield self._leaf(STEM_PREFIX + found, scope, expanded=True)
        if found != word:
            yield self._leaf(found, scope, expanded=True)

    def _wants_phonetics(self) -> bool:
        numbers = self.scope.numbers
        possible = any(t.phonetic for n, t in self.text.traits.items() if numbers is None or n in numbers)
        written = dict(self.node.attributes.items).get("phonetic")
        if written is None:
            return possible
        if not possible:
            raise QueryError("field does not support phonetics")
        return _TRUTH.get(self.context.text(written).lower(), False)

    def _check_indexes_empty(self) -> None:
        addressed = self.scope.numbers
        if addressed and not any(self.specs[n].index_empty for n in addressed):
            raise QueryError(EMPTY_NOT_INDEXED)

    # ---- what stands for many words ----------------------------------------------------------------------------------

    def affix(self, written: str, prefix: bool, suffix: bool) -> BoundNode:
        part = _text(_lowered(written))
        name = {(True, False): "PREFIX", (False, True): "SUFFIX", (True, True): "INFIX"}[prefix, suffix]
        label = f"{self.scope.prefix}{name}{{{'*' * suffix}{part}{'*' * prefix}}}"
        if len(part.encode("utf-8", "surrogateescape")) < self.context.limits.min_prefix:
            return self._expand((), label, f"PREFIX - {part}")
        _check_length(part, name)
        words = self._dictionary()
        find = {(True, False): words.starting, (False, True): words.ending, (True, True): words.containing}
        candidates = find[prefix, suffix](part)
        if suffix and self._by_suffixes():
            return self._expand(_written(candidates), label, f"PREFIX - {part}", self.text.suffix_fields)
        return self._expand(candidates, label, f"PREFIX - {part}")

    def wildcard(self, pattern: str) -> BoundNode:
        pattern = _text(_lowered(pattern))
        _check_length(pattern, "Wildcard")
        candidates, label = self._dictionary().matching(pattern), f"{self.scope.prefix}WILDCARD{{{pattern}}}"
        literal = "?" not in pattern  # with one, RediSearch looks through the words of all fields
        if self._by_suffixes() and literal and any(len(piece) > 1 for piece in pattern.split("*")):
            return self._expand(_written(candidates), label, f"WILDCARD - {pattern}", self.text.suffix_fields)
        return self._expand(candidates, label, f"WILDCARD - {pattern}")

    def fuzzy(self, written: str, distance: int) -> BoundNode:
        word = _text(_lowered(written))
        candidates = self._dictionary().within(word, distance)
        if len(_lowered(written)) <= distance:
            candidates = [*candidates, ""]
        return self._expand(candidates, f"{self.scope.prefix}FUZZY{{{word}}}", f"FUZZY - {word}")

    def _dictionary(self) -> SortedTerms:
        """Every term, the stems of what was written last included."""
        self.text.flush()
        return self.text.sorted_terms

    def _by_suffixes(self) -> bool:
        """Whether the clause is answered from WITHSUFFIXTRIE fields, which then know only their own words."""
        with_suffixes = self.text.suffix_fields
        searched = {n for n in self.scope.numbers or () if not self.specs[n].noindex}
        if with_suffixes and not searched <= set(with_suffixes):
            raise QueryError("Contains query on fields without WITHSUFFIXTRIE support")
        return bool(with_suffixes)

    def _expand(self, candidates: Iterable[str], label: str, query_type: str, within: Numbers = None) -> BoundNode:
        """The first candidates that documents hold in the clause's fields, and in one of `within` besides."""
        fields = self._fields(self.scope)
        terms = (term.encode("utf-8", "surrogateescape") for term in candidates)
        held = held_terms(self.text, terms, self.context.limits.max_expansions, fields, within)
        return AffixLeaf(held, label, query_type, lambda term: self._leaf(term, self.scope))

    # ---- phrases -----------------------------------------------------------------------------------------------------

    def phrase(self, terms: Sequence[ast.Node]) -> BoundNode:
        """Its words as they are: not stemmed, and a stop word among them is found nowhere."""
        words = [term for term in terms if isinstance(term, ast.Term)]
        leaves: list[BoundNode] = [self._leaf(_lowered(self.context.text(term.text)), self.scope) for term in words]
        match leaves:
            case []:
                return Nothing()
            case [only]:
                return only
            case _:
                return Exact(leaves)


def held_terms(text: TextIndex, terms: Iterator[bytes], most: int, fields: Numbers, within: Numbers) -> Held:
    """The first `most` terms that documents hold in one of `fields` (None: all) and in one of `within`.

    All are looked up at once: 200 terms in eight segments took 40 ms one by one.
    """
    held = NONE_HELD
    while len(held.terms) < most and (batch := list(islice(terms, most))):
        held = _joined(held, _hold(text, batch, most - len(held.terms), fields, within))
    return held


def _hold(text: TextIndex, terms: list[bytes], most: int, fields: Numbers, within: Numbers) -> Held:
    postings, term_of = text.postings_of(terms)
    kept = _in_fields(postings, fields)
    present = _counted(term_of, kept, terms) > 0
    if within is not None:
        present &= _counted(term_of, _in_fields(postings, within), terms) > 0
    chosen = np.flatnonzero(present)[:most]
    number = np.full(len(terms), -1)
    number[chosen] = np.arange(len(chosen))
    holders = _counted(term_of, np.ones(len(term_of), np.bool_), terms)[chosen]
    kept &= number[term_of] >= 0
    if not kept.all():
        postings, term_of = postings.only(kept), term_of[kept]
    return Held([terms[place] for place in chosen.tolist()], postings, number[term_of], holders)


def _joined(one: Held, other: Held) -> Held:
    if not one.terms or not other.terms:
        return one if one.terms else other
    rows = max(len(one.postings.masks), len(other.postings.masks))
    return Held(
        one.terms + other.terms,
        join([one.postings, other.postings], rows),
        np.concatenate([one.term_of, other.term_of + len(one.terms)]),
        np.concatenate([one.holders, other.holders]),
    )


def _in_fields(postings: Postings, fields: Numbers) -> NDArray[np.bool_]:
    return np.ones(len(postings.docs), np.bool_) if fields is None else postings.in_fields(fields)


def _counted(term_of: NDArray[np.int64], kept: NDArray[np.bool_], terms: list[bytes]) -> NDArray[np.int64]:
    return np.bincount(term_of[kept], minlength=len(terms))


def _written(candidates: Iterable[str]) -> Iterator[str]:
    """Without the stems, synonym groups and sounds among them."""
    return (term for term in candidates if not term.startswith(_DERIVED))


def _scope_of(names: tuple[str, ...] | None, specs: Sequence[FieldSpec]) -> Scope:
    return Scope(None) if names is None else _scope(_numbers(names, specs), specs)


def _scope(numbers: tuple[int, ...], specs: Sequence[FieldSpec]) -> Scope:
    names = "|".join(specs[n].name for n in numbers) or "NULL"
    return Scope(numbers, f"@{names}:")


def _numbers(names: Sequence[str], specs: Sequence[FieldSpec]) -> tuple[int, ...]:
    return tuple(number for number, spec in enumerate(specs) if spec.name in names)


def _check_length(part: str, name: str) -> None:
    if len(part) > MAX_AFFIX_LENGTH:
        raise QueryError(f"{name} query string is too long. Maximum allowed length is {MAX_AFFIX_LENGTH}")


def _lowered(written: str) -> bytes:
    return lower(written.encode("utf-8", "surrogateescape"))


def _text(term: bytes) -> str:
    return term.decode("utf-8", "surrogateescape")
