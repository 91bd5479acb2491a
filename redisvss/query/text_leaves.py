"""Text clauses joined to an index: words and what they stand for, prefixes, misspellings, patterns, phrases.

A word means itself, its synonyms, its sound and its stem (RediSearch's default expander, 2.10.33); what a clause may
stand for at most is bounded by `Limits`. Knows the term dictionary, not how results are combined or scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from redisvss.index.segment import Postings, places_of
from redisvss.index.stemming import STEM_PREFIX, stemmer
from redisvss.index.text import TextIndex, synonym_term
from redisvss.index.tokenizer import lower
from redisvss.query.bound import And, BoundNode, Nothing, Or
from redisvss.query.proximity import Offsets, Positioned, keep_near, offsets_at
from redisvss.schema import FieldSpec, IndexDefinition

MAX_AFFIX_LENGTH = 1024  # characters
_DERIVED = ("+", "~", "<")  # first letters of stems, synonym groups and sounds in the dictionary
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
        return bitmap_of(self.matching.docs)

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
        return offsets_at(self.matching, ids)

    def explain(self) -> str:
        return self.label

    def profile(self) -> dict[str, Any]:
        return {"Type": "TEXT", "Term": _text(self.term)}


class AffixLeaf(Positioned):
    """A prefix, suffix, infix, misspelling or pattern: the first of its terms that a document holds counts for it."""

    kind = "term"

    def __init__(self, children: Sequence[TermLeaf], label: str, query_type: str) -> None:
        self.children = children
        self.label = label
        self.query_type = query_type

    @cached_property
    def _first(self) -> tuple[Ids, NDArray[np.int64]]:
        """Documents ascending, and which child is the first that each holds."""
        if not self.children:
            return np.empty(0, np.uint32), np.empty(0, np.int64)
        docs = np.concatenate([child.matching.docs for child in self.children])
        child_of = np.repeat(np.arange(len(self.children)), [len(child.matching.docs) for child in self.children])
        distinct, first = np.unique(docs, return_index=True)
        return distinct, child_of[first]

    def chosen(self, ids: Ids) -> NDArray[np.int64]:
        """The child that counts for each document; -1 where none does."""
        docs, children = self._first
        places = places_of(docs, ids)
        return np.where(places >= 0, children[places], -1) if len(docs) else places

    def estimate(self) -> int:
        return sum(child.estimate() for child in self.children)

    def _docs(self) -> BitMap:
        return bitmap_of(np.concatenate([c.matching.docs for c in self.children])) if self.children else BitMap()

    def frequencies(self, ids: Ids) -> Scores:
        out = np.zeros(len(ids))
        for child, where in self._by_child(ids):
            out[where] = child.frequencies(ids[where])
        return out

    def document_counts(self, ids: Ids) -> Scores:
        """n of the IDF, by document (1 where none matches)."""
        out = np.ones(len(ids))
        for child, where in self._by_child(ids):
            out[where] = child.document_count()
        return out

    def offsets(self, ids: Ids) -> Offsets:
        keys = [
            _rows_moved(child.offsets(ids[where]).keys, np.flatnonzero(where)) for child, where in self._by_child(ids)
        ]
        merged = np.sort(np.concatenate(keys)) if keys else np.empty(0, np.uint64)
        return Offsets(self.chosen(ids) >= 0, merged)

    def _by_child(self, ids: Ids) -> Iterator[tuple[TermLeaf, NDArray[np.bool_]]]:
        chosen = self.chosen(ids)
        for number in np.unique(chosen[chosen >= 0]).tolist():
            yield self.children[number], chosen == number

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
        return Expansion([leaf, *others], f"{self.scope.prefix}UNION") if others else leaf

    def _leaf(self, term: bytes, scope: Scope, expanded: bool = False) -> TermLeaf:
        label = f"{scope.prefix}{_text(term)}{'(expanded)' if expanded else ''}"
        return TermLeaf(self.text, term, scope.limited(self.infields), label)

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
        stem = stemmer(self.context.language or self.definition.language)
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
            return AffixLeaf([], label, f"PREFIX - {part}")
        _check_length(part, name)
        words = self._dictionary()
        find = {(True, False): words.starting, (False, True): words.ending, (True, True): words.containing}
        candidates = find[prefix, suffix](part)
        if suffix and self._by_suffixes():
            return self._expand(self._with_suffixes(candidates), label, f"PREFIX - {part}")
        return self._expand(candidates, label, f"PREFIX - {part}")

    def wildcard(self, pattern: str) -> BoundNode:
        pattern = _text(_lowered(pattern))
        _check_length(pattern, "Wildcard")
        candidates = self._dictionary().matching(pattern)
        if self._by_suffixes() and any(len(piece) > 1 for piece in pattern.split("*")):
            candidates = self._with_suffixes(candidates)
        return self._expand(candidates, f"{self.scope.prefix}WILDCARD{{{pattern}}}", f"WILDCARD - {pattern}")

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

    def _with_suffixes(self, candidates: Iterable[str]) -> Iterator[str]:
        for term in candidates:
            if not term.startswith(_DERIVED):
                held = self.text.postings(term.encode("utf-8", "surrogateescape"))
                if held.in_fields(self.text.suffix_fields).any():
                    yield term

    def _expand(self, candidates: Iterable[str], label: str, query_type: str) -> BoundNode:
        leaves = (self._leaf(term.encode("utf-8", "surrogateescape"), self.scope) for term in candidates)
        held = (leaf for leaf in leaves if len(leaf.matching.docs))
        return AffixLeaf(list(islice(held, self.context.limits.max_expansions)), label, query_type)

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


def _rows_moved(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Offset keys whose row r stands for rows[r] of a larger selection."""
    moved = rows[(keys >> np.uint64(32)).astype(np.int64)].astype(np.uint64)
    return np.asarray((moved << np.uint64(32)) | (keys & np.uint64(0xFFFFFFFF)))
