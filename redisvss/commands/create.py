"""FT.CREATE, FT.ALTER and FT.DROPINDEX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.commands.schema_args import parse_schema
from redisvss.documents import READERS
from redisvss.documents.json import compile_path
from redisvss.errors import CommandError, wrong_arity
from redisvss.expression import compile_filter
from redisvss.index.stemming import LANGUAGES
from redisvss.numbers import parse_float
from redisvss.reply import OK, Reply, Session
from redisvss.schema import FieldSpec, IndexDefinition

if TYPE_CHECKING:
    from redisvss.engine import Engine

MAX_STOPWORDS = 1024  # more are dropped without a word, as RediSearch does
MAX_NARROW_TEXT_FIELDS = 32  # more can be added later only to an index declared MAXTEXTFIELDS


@command("FT.CREATE", arity=-5, flags=("write", "denyoom"), summary="Creates an index with the given spec")
def ft_create(engine: Engine, session: Session, args: Args) -> Reply:
    if session.db != engine.store.db:
        raise CommandError("Cannot create index on db != 0")
    name = args.next()
    engine.fresh()
    if engine.catalog.exists(name):
        raise CommandError("Index already exists")
    if not engine.catalog.create(parse_definition(name, args)):
        raise CommandError("Index already exists")
    return OK


def parse_definition(name: bytes, args: Args) -> IndexDefinition:
    """The rest of an FT.CREATE; raises CommandError in RediSearch's words."""
    options: dict[str, Any] = {}
    while len(args) and args.keyword() != b"SCHEMA":
        word = args.next()
        read = _OPTIONS.get(word.upper())
        if read is None:
            raise CommandError(f"Unknown argument `{as_text(word)}`")
        options.update(read(args))
    if not args.accept(b"SCHEMA"):
        raise CommandError("No schema found")
    if not len(args):
        raise CommandError("Fields arguments are missing")
    fields = parse_schema(args, options.get("key_type", "HASH"))
    definition = IndexDefinition(name, fields, **options)
    _check_paths(definition, fields)
    return definition


def _check_paths(definition: IndexDefinition, fields: Sequence[FieldSpec]) -> None:
    if definition.key_type != "JSON":
        return
    for spec in fields:
        try:
            compile_path(as_text(spec.identifier))
        except CommandError:
            path, attribute, index = map(as_text, (spec.identifier, spec.attribute, definition.name))
            raise CommandError(f"Invalid JSONPath '{path}' in attribute '{attribute}' in index '{index}'") from None


def _flag(name: str, **implied: bool) -> Callable[[Args], dict[str, Any]]:
    return lambda args: {name: True, **implied}


def _on(args: Args) -> dict[str, Any]:
    kind = as_text(args.need("ON"))
    if kind.upper() not in READERS:
        raise CommandError(f"Invalid rule type: {kind}")
    return {"key_type": kind.upper()}


def _prefix(args: Args) -> dict[str, Any]:
    return {"prefixes": tuple(args.counted("PREFIX")) or (b"",)}


def _filter(args: Args) -> dict[str, Any]:
    text = as_text(args.need("FILTER"))
    compile_filter(text)
    return {"filter": text}


def _language(args: Args) -> dict[str, Any]:
    language = as_text(args.need("LANGUAGE")).lower()
    if language not in LANGUAGES:
        raise CommandError("Invalid language")
    return {"language": language}


def _score(args: Args) -> dict[str, Any]:
    score = parse_float(args.need("SCORE"))
    if score is None or not 0 <= score <= 1:
        raise CommandError("Invalid score")
    return {"score": score}


def _field(name: str) -> Callable[[Args], dict[str, Any]]:
    return lambda args: {name.lower(): args.need(name)}


def _stopwords(args: Args) -> dict[str, Any]:
    words = [as_text(word).lower() for word in args.counted("STOPWORDS")]
    return {"stopwords": tuple(words[:MAX_STOPWORDS])}


def _temporary(args: Args) -> dict[str, Any]:
    return {"temporary": args.integer("TEMPORARY")}


_OPTIONS: dict[bytes, Callable[[Args], dict[str, Any]]] = {
    b"ON": _on,
    b"PREFIX": _prefix,
    b"FILTER": _filter,
    b"LANGUAGE": _language,
    b"LANGUAGE_FIELD": _field("LANGUAGE_FIELD"),
    b"SCORE": _score,
    b"SCORE_FIELD": _field("SCORE_FIELD"),
    b"PAYLOAD_FIELD": _field("PAYLOAD_FIELD"),
    b"STOPWORDS": _stopwords,
    b"TEMPORARY": _temporary,
    b"MAXTEXTFIELDS": _flag("maxtextfields"),
    b"NOOFFSETS": _flag("nooffsets", nohl=True),
    b"NOHL": _flag("nohl"),
    b"NOFIELDS": _flag("nofields"),
    b"NOFREQS": _flag("nofreqs"),
    b"SKIPINITIALSCAN": _flag("skip_initial_scan"),
    b"NOSCOREIDX": lambda args: {},  # accepted and ignored, as RediSearch does
    b"ASYNC": lambda args: {},
}


@command("FT.ALTER", arity=-5, flags=("write", "denyoom"), summary="Adds a new field to the index")
def ft_alter(engine: Engine, session: Session, args: Args) -> Reply:
    definition = engine.definition(args.next(), "Unknown index name")
    rescan = not args.accept(b"SKIPINITIALSCAN")
    if not args.accept(b"SCHEMA"):
        raise CommandError("ALTER must be followed by SCHEMA")
    if not args.accept(b"ADD"):
        raise CommandError("Unknown action passed to ALTER SCHEMA")
    if not len(args):
        raise CommandError("No fields provided")
    fields = parse_schema(args, definition.key_type, definition.fields)
    _check_paths(definition, fields)
    altered = definition.adding(fields)
    texts = sum(spec.type == "TEXT" for spec in altered.fields)
    if texts > MAX_NARROW_TEXT_FIELDS and not definition.maxtextfields:
        raise CommandError("Cannot add more fields. Declare index with wide fields to allow adding unlimited fields")
    engine.catalog.alter(definition.name, lambda current: current.adding(fields), rescan)
    return OK


@command("REDISVSS.REBUILD", arity=2, flags=("write",), summary="Indexes every document of an index anew")
def redisvss_rebuild(engine: Engine, session: Session, args: Args) -> Reply:
    engine.catalog.rebuild(engine.definition(args.next(), "Unknown index name").name)
    return OK


@command("FT.DROPINDEX", arity=-2, flags=("write",), since="2.0.0", summary="Deletes the index")
def ft_dropindex(engine: Engine, session: Session, args: Args) -> Reply:
    if len(args) > 2:
        raise wrong_arity("FT.DROPINDEX")
    name = args.next()
    definition = engine.definition(name, "Unknown Index name")
    engine.drop(definition.name, with_documents=args.keyword() == b"DD")
    return OK


@command("FT.DROP", arity=-2, flags=("write",), since="1.0.0", summary="Deletes the index and its documents")
def ft_drop(engine: Engine, session: Session, args: Args) -> Reply:
    """The older FT.DROPINDEX: documents go too, unless KEEPDOCS."""
    if len(args) > 2:
        raise wrong_arity("FT.DROP")
    definition = engine.definition(args.next(), "Unknown Index name")
    engine.drop(definition.name, with_documents=args.keyword() != b"KEEPDOCS")
    return OK
