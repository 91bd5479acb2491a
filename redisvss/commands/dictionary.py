"""FT.DICTADD, DICTDEL, DICTDUMP and FT.SPELLCHECK: a dictionary is a readable JSON list under `redisvss:dict:`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redisvss import ast
from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.index.dictionary import SortedTerms, Vocabulary
from redisvss.index.stemming import STEM_PREFIX
from redisvss.numbers import parse_integer
from redisvss.query.parser import parse_query
from redisvss.reply import Reply, Session, Set, format_double
from redisvss.searchindex import SearchIndex
from redisvss.stores.base import KEEP, Change

if TYPE_CHECKING:
    from redisvss.engine import Engine

PREFIX = b"redisvss:dict:"
MAX_DISTANCE = 4
_EXISTS = "term exists in index"
_BAD_DISTANCE = "bad distance given, distance must be a natural number between 1 to 4"


@command("FT.DICTADD", arity=-3, flags=("write", "denyoom"), group="search", summary="Adds terms to a dictionary")
def ft_dictadd(engine: Engine, session: Session, args: Args) -> Reply:
    name, terms = args.next(), set(map(as_text, args))

    def add(stored: bytes | None) -> Change:
        known = _load(stored)
        return _dump(known | terms), len(terms - known)

    return int(engine.store.update(PREFIX + name, add))


@command("FT.DICTDEL", arity=-3, flags=("write",), group="search", summary="Deletes terms from a dictionary")
def ft_dictdel(engine: Engine, session: Session, args: Args) -> Reply:
    name, terms = args.next(), set(map(as_text, args))

    def remove(stored: bytes | None) -> Change:
        if stored is None:
            return KEEP, 0
        known = _load(stored)
        return _dump(known - terms), len(terms & known)

    return int(engine.store.update(PREFIX + name, remove))


@command("FT.DICTDUMP", arity=2, group="search", summary="Lists the terms of a dictionary")
def ft_dictdump(engine: Engine, session: Session, args: Args) -> Reply:
    terms = dictionary(engine, args.next())
    if terms is None:
        raise CommandError("could not open dict key")
    return Set(_encoded(term) for term in sorted(terms))


def dictionary(engine: Engine, name: bytes) -> set[str] | None:
    """A dictionary's terms; None if it was never made."""
    stored = engine.store.read_strings([PREFIX + name])[0]
    return None if stored is None else _load(stored)


def _load(stored: bytes | None) -> set[str]:
    return set() if stored is None else set(json.loads(stored))


def _dump(terms: set[str]) -> bytes:
    return json.dumps(sorted(terms)).encode()


# ---- FT.SPELLCHECK ---------------------------------------------------------------------------------------------------


Word = tuple[str, "tuple[str, ...] | None"]  # with the fields it is scoped to
Checked = tuple[str, "list[tuple[float, str]] | None"]  # with the suggestions, None where it is right


@dataclass
class SpellCheck:
    """What to suggest: terms at most `distance` edits away, of `include` too. Words of `exclude` are not checked.

    include: lower-cased → the first of its spellings. full: tell of words that are right as well, and count documents.
    """

    dialect: int
    distance: int = 1
    include: dict[str, str] = field(default_factory=dict)
    exclude: set[str] = field(default_factory=set)
    full: bool = False


@command("FT.SPELLCHECK", arity=-3, summary="Suggests spellings for the words of a query that no document has")
def ft_spellcheck(engine: Engine, session: Session, args: Args) -> Reply:
    index = engine.search_index(args.next(), lambda _: "Unknown Index name")
    query = args.next()
    options = _options(engine, args)
    words = list(_words(parse_query(query, options.dialect)))
    with index.lock.read():
        found = list(_checked(index, words, options))
        total = len(index)
    return _reply(found, total, options, session.protocol)


def _options(engine: Engine, args: Args) -> SpellCheck:
    options = SpellCheck(engine.config.dialect)
    while len(args):
        match args.next().upper():
            case b"DISTANCE":
                if not len(args):
                    raise CommandError("DISTANCE arg is given but no DISTANCE comes after")
                distance = parse_integer(args.next())
                if distance is None or not 1 <= distance <= MAX_DISTANCE:
                    raise CommandError(_BAD_DISTANCE)
                options.distance = distance
            case b"TERMS":
                _terms(engine, args, options)
            case b"FULLSCOREINFO":
                options.full = True
            case b"DIALECT":
                options.dialect = args.integer("DIALECT", 1, 4)
    return options


def _terms(engine: Engine, args: Args, options: SpellCheck) -> None:
    if len(args) < 2:
        raise CommandError("TERM arg is given but no TERM params comes after")
    operation, name = args.next().upper(), args.next()
    if operation not in (b"INCLUDE", b"EXCLUDE"):
        raise CommandError("bad format, exlude/include operation was not given")  # sic
    terms = dictionary(engine, name)
    if terms is None:
        raise CommandError(f"Dict does not exist: {as_text(name)}")
    if operation == b"EXCLUDE":
        options.exclude.update(term.lower() for term in terms)
    else:
        options.include = {term.lower(): term for term in sorted(terms, reverse=True)} | options.include


def _words(node: ast.Node, tag: bool = False) -> Iterator[Word]:
    """Every word of the query, in order; affixes, fuzzy words and patterns are not checked. Tags keep their case."""
    match node:
        case ast.Term(str(text)):
            yield text if tag else text.lower(), node.fields
        case ast.Phrase(parts) | ast.Intersect(parts) | ast.Union(parts):
            for part in parts:
                yield from _words(part)
        case ast.Not(child) | ast.Optional(child):
            yield from _words(child)
        case ast.Tag(_, items):
            for item in items:
                yield from _words(item, tag=True)
        case ast.Knn():
            yield from _words(node.filter)


def _checked(index: SearchIndex, words: Iterable[Word], options: SpellCheck) -> Iterator[Checked]:
    for shown, fields in words:
        word = shown.lower()
        if _holders(index, word):
            if options.full:
                yield shown, None
        elif word not in options.exclude:
            yield shown, _suggestions(index, word, _numbers(index, fields), options)


def _numbers(index: SearchIndex, fields: tuple[str, ...] | None) -> tuple[int, ...] | None:
    """The TEXT fields a word is looked for in, as the postings number them; None: all."""
    if fields is None or index.definition.nofields:
        return None
    texts = [spec.name for spec in index.definition.fields if spec.type == "TEXT"]
    return tuple(number for number, name in enumerate(texts) if name in fields)


def _holders(index: SearchIndex, term: str, numbers: tuple[int, ...] | None = None) -> int:
    """How many documents hold the term; 0 if none does in one of the fields numbered."""
    postings = index.text.postings(_encoded(term))
    return len(postings.docs) if numbers is None or postings.in_fields(numbers).any() else 0


def _suggestions(
    index: SearchIndex, word: str, numbers: tuple[int, ...] | None, options: SpellCheck
) -> list[tuple[float, str]]:
    """(how many documents hold it, suggestion), most first."""
    stem = STEM_PREFIX.decode()
    near = (term for term in index.text.sorted_terms.within(word, options.distance) if not term.startswith(stem))
    found = {term: float(_holders(index, term, numbers)) for term in near}
    scored = {term: count for term, count in found.items() if count}
    for term in _near(options.include, word, options.distance):
        if term not in scored and not _holders(index, options.include[term]):
            scored[options.include[term]] = 0.0
    return sorted(((count, term) for term, count in scored.items()), key=lambda item: (-item[0], item[1]))


def _near(terms: Iterable[str], word: str, distance: int) -> list[str]:
    """The terms at most `distance` edits away."""
    vocabulary = Vocabulary(())
    for term in terms:
        vocabulary[_encoded(term)]
    return SortedTerms(vocabulary).within(word, distance)


def _reply(found: Sequence[Checked], total: int, options: SpellCheck, protocol: int) -> Reply:
    share = 1 if options.full else max(total, 1)
    if protocol >= 3:
        results = {
            _encoded(word): CommandError(_EXISTS)
            if near is None
            else [{_encoded(term): count / share} for count, term in near]
            for word, near in found
        }
        return {"total_docs": total, "results": results} if options.full else {"results": results}
    rows: list[Any] = [
        [
            "TERM",
            _encoded(word),
            _EXISTS if near is None else [[format_double(n / share), _encoded(t)] for n, t in near],
        ]
        for word, near in found
    ]
    return [total, *rows] if options.full else rows


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
