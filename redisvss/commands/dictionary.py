"""FT.DICTADD, DICTDEL, DICTDUMP and FT.SPELLCHECK: a dictionary is a readable JSON list under `redisvss:dict:`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
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


@dataclass
class SpellCheck:
    """What to suggest: terms at most `distance` edits away, of `include` too. Words of `exclude` are not checked."""

    dialect: int
    distance: int = 1
    include: set[str] = field(default_factory=set)
    exclude: set[str] = field(default_factory=set)
    full: bool = False


@command("FT.SPELLCHECK", arity=-3, summary="Suggests spellings for the words of a query that no document has")
def ft_spellcheck(engine: Engine, session: Session, args: Args) -> Reply:
    index = engine.find(args.next(), lambda _: "Unknown Index name")
    engine.synchronizer.complete(index)
    query = args.next()
    options = _options(engine, args)
    words = list(_words(parse_query(query, options.dialect)))
    with index.lock.read():
        found = [(word, _suggestions(index, word, options)) for word in words if _misspelt(index, word, options)]
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
    (options.include if operation == b"INCLUDE" else options.exclude).update(terms)


def _words(node: ast.Node) -> Iterator[str]:
    """Every word of the query, tags included, in order; affixes, fuzzy words and patterns are not checked."""
    match node:
        case ast.Term(str(text)):
            yield text.lower()
        case ast.Phrase(parts) | ast.Intersect(parts) | ast.Union(parts):
            for part in parts:
                yield from _words(part)
        case ast.Not(child) | ast.Optional(child):
            yield from _words(child)
        case ast.Tag(_, items):
            for item in items:
                yield from _words(item)
        case ast.Knn():
            yield from _words(node.filter)


def _misspelt(index: SearchIndex, word: str, options: SpellCheck) -> bool:
    return word not in {term.lower() for term in options.exclude} and not _holders(index, word)


def _holders(index: SearchIndex, term: str) -> int:
    """How many documents hold the term."""
    return len(index.text.postings(_encoded(term)).docs)


def _suggestions(index: SearchIndex, word: str, options: SpellCheck) -> list[tuple[float, str]]:
    """(how many documents hold it, suggestion), most first."""
    stem = STEM_PREFIX.decode()
    near = (term for term in index.text.sorted_terms.within(word, options.distance) if not term.startswith(stem))
    found = {term: float(_holders(index, term)) for term in near}
    scored = {term: count for term, count in found.items() if count}
    for term in _near(options.include, word, options.distance):
        scored.setdefault(term, 0.0)
    return sorted(((count, term) for term, count in scored.items()), key=lambda item: (-item[0], item[1]))


def _near(terms: Iterable[str], word: str, distance: int) -> list[str]:
    """The terms at most `distance` edits away, whatever their case."""
    folded = {term.lower(): term for term in terms}
    vocabulary = Vocabulary(())
    for term in folded:
        vocabulary[_encoded(term)]
    return [folded[term] for term in SortedTerms(vocabulary).within(word, distance)]


def _reply(found: list[tuple[str, list[tuple[float, str]]]], total: int, options: SpellCheck, protocol: int) -> Reply:
    share = 1 if options.full else max(total, 1)
    if protocol >= 3:
        results = {_encoded(word): [{_encoded(t): count / share} for count, t in near] for word, near in found}
        return {"total_docs": total, "results": results} if options.full else {"results": results}
    rows: list[Any] = [
        ["TERM", _encoded(word), [[format_double(count / share), _encoded(t)] for count, t in near]]
        for word, near in found
    ]
    return [total, *rows] if options.full else rows


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
