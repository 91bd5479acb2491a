"""HIGHLIGHT and SUMMARIZE: a field's text with the query's matches marked, or cut down to what surrounds them.

Which words match is decided by term: a word is marked if the document matched the query by any entry of the dictionary
the word stands under (itself, its stem, its sound, a synonym), as RediSearch marks every place of a term and not only
those a phrase chose. The fragment rules, and that context loses its first word, are RediSearch's (2.10). Works on the
bytes that the store returned; knows nothing of replies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from redisvss.fields.base import Leaf, contains
from redisvss.index.tokenizer import SEPARATORS, spans
from redisvss.query.bound import And, BoundNode, Opt, Or
from redisvss.query.formulas import ScoreContext, Term, TfIdf
from redisvss.query.proximity import collapsed, ordered
from redisvss.query.text_leaves import AffixLeaf, TermLeaf

MAX_DISTANCE = 8  # positions between two matches of one fragment
WORD_SIZE = 6  # bytes a word of context is taken to have

Words = Callable[[bytes], Sequence[bytes]]  # a token → the dictionary entries it stands under


@dataclass(frozen=True)
class Tags:
    opening: bytes = b"<b>"
    closing: bytes = b"</b>"


@dataclass(frozen=True)
class Summary:
    fragments: int = 3
    length: int = 20  # words of context per fragment
    separator: bytes = b"... "


def matched_terms(root: BoundNode, doc_id: int, context: ScoreContext) -> dict[bytes, float]:
    """Dictionary entries by which the document matched, in the order they were compared, with their IDF."""
    ids = np.array([doc_id], np.uint32)
    formula = TfIdf(context)
    found: dict[bytes, float] = {}
    for leaf in _matching(root, doc_id):
        holders = Term(ids, 1.0, leaf.frequencies(ids), leaf.document_count())
        found.setdefault(leaf.term, float(formula.idf(holders)))
    return found


def _matching(node: BoundNode, doc_id: int) -> Iterator[TermLeaf]:
    node = collapsed(node)
    ids = np.array([doc_id], np.uint32)
    if isinstance(node, Leaf | And) and not contains(node.docs, ids)[0]:
        return
    match node:
        case And() | Or():
            for child in ordered(node):
                yield from _matching(child, doc_id)
        case Opt(child):
            yield from _matching(child, doc_id)
        case AffixLeaf():
            yield node.children[int(node.chosen(ids)[0])]
        case TermLeaf():
            yield node
        case _:
            return


# ---- where the matches are -----------------------------------------------------------------------------------------


@dataclass
class _Fragment:
    """Matches that stand close together: `places` are (start, end) in bytes, the first opens the fragment."""

    number: int
    places: list[tuple[int, int]] = field(default_factory=list)
    terms: set[bytes] = field(default_factory=set)
    score: float = 0.0
    others: int = 0  # words between the matches
    last_position: int = 0

    @property
    def start(self) -> int:
        return self.places[0][0]

    @property
    def end(self) -> int:
        return self.places[-1][1]


def _fragments(text: bytes, terms: Mapping[bytes, float], words: Words) -> list[_Fragment]:
    found: list[_Fragment] = []
    order = {term: place for place, term in enumerate(terms)}
    position, others, swallowed = 0, 0, 0
    for start, token in spans(text):
        entries = words(token)
        if not entries:
            continue  # a stop word takes no position
        position += 1
        hits = [entry for entry in entries if entry in terms]
        if not hits or start < swallowed:
            others += 1
            continue
        if not found or position - found[-1].last_position > MAX_DISTANCE:
            found.append(_Fragment(len(found)))
            others = 0
        term = min(hits, key=order.__getitem__)
        swallowed = _word_end(text, start)
        _extend(found[-1], term, terms[term], (start, swallowed), position, others)
        others = 0
    return found


def _extend(fragment: _Fragment, term: bytes, score: float, place: tuple[int, int], position: int, others: int) -> None:
    if term not in fragment.terms:
        fragment.score += score
    fragment.terms.add(term)
    fragment.places.append(place)
    fragment.others += others
    fragment.last_position = position


def _word_end(text: bytes, start: int) -> int:
    """The next separator, escaped or not: of `re\\-do` RediSearch marks `re\\`."""
    return next((at for at in range(start, len(text)) if text[at] in SEPARATORS), len(text))


# ---- what is shown ---------------------------------------------------------------------------------------------------


def highlight(text: bytes, terms: Mapping[bytes, float], words: Words, tags: Tags) -> bytes:
    """The whole text with every match between tags."""
    places = [place for fragment in _fragments(text, terms, words) for place in fragment.places]
    return _marked(text, 0, len(text), places, tags)


def summarize(
    text: bytes, terms: Mapping[bytes, float], words: Words, summary: Summary, tags: Tags | None = None
) -> bytes:
    """The best fragments in their context, each followed by the separator; matches between `tags` if given.

    Without a match: the head of the text, or with `tags` (HIGHLIGHT asked as well) all of it, as RediSearch does.
    """
    found = _fragments(text, terms, words)
    if not found:
        return text if tags is not None else head(text, summary)
    best = sorted(found, key=lambda fragment: (-fragment.score, fragment.number))[: summary.fragments]
    best.sort(key=lambda fragment: fragment.number)
    shown = []
    for place, fragment in enumerate(best):
        low = best[place - 1].end if place else 0
        high = best[place + 1].start if place + 1 < len(best) else len(text) - 1
        start, end = _context(text, fragment, low, high, summary.length)
        shown.append(_single_spaced(_marked(text, start, end, fragment.places, tags or Tags(b"", b""))))
    return b"".join(part + summary.separator for part in shown)


def head(text: bytes, summary: Summary) -> bytes:
    """The text's beginning, about as long as a summary, up to its last separator; of a single word the first letter."""
    cut = _single_spaced(text[: WORD_SIZE * summary.length * summary.fragments + WORD_SIZE])
    end = len(cut)
    while end > 1 and cut[end - 1] not in SEPARATORS:
        end -= 1
    return cut[:end].rstrip(_SPACES)


def _context(text: bytes, fragment: _Fragment, low: int, high: int, length: int) -> tuple[int, int]:
    """The fragment widened to whole words, half of `length` to each side less the words it has already.

    low, high: how far neighbours and the text allow; high is the last byte that may be shown.
    """
    if length <= fragment.others:
        return fragment.start, fragment.end
    reach = (length - fragment.others) // 2 * WORD_SIZE
    start, end = max(fragment.start - reach, low), min(fragment.end + reach, high)
    start = _skip(text, start, fragment.start, 1, separators=False)
    start = _skip(text, start, fragment.start, 1, separators=True)
    end = _skip(text, end, fragment.end, -1, separators=False)
    end = _skip(text, end, fragment.end, -1, separators=True)
    return start, max(end + 1, fragment.end)


def _skip(text: bytes, at: int, stop: int, step: int, separators: bool) -> int:
    """Walk from `at` towards `stop` over separators, or over anything else."""
    while (stop - at) * step > 0 and (text[at] in SEPARATORS) is separators:
        at += step
    return at


def _marked(text: bytes, start: int, end: int, places: Iterable[tuple[int, int]], tags: Tags) -> bytes:
    parts: list[bytes] = []
    for opening, closing in places:
        parts += [text[start:opening], tags.opening, text[opening:closing], tags.closing]
        start = closing
    return b"".join([*parts, text[start:end]])


_SPACES = b" \t\n\v\f\r"


def _single_spaced(text: bytes) -> bytes:
    """Runs of white space as one space."""
    out = bytearray()
    for byte in text:
        if byte not in _SPACES:
            out.append(byte)
        elif not out.endswith(b" "):
            out += b" "
    return bytes(out)
