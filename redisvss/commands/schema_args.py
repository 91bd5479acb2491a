"""The SCHEMA part of FT.CREATE and FT.ALTER: fields and their options, with RediSearch's own errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from redisvss.commands.args import Args, BadArgument, as_text
from redisvss.errors import NOT_CONVERTIBLE, UNKNOWN, CommandError
from redisvss.fields import FIELD_TYPES
from redisvss.schema import FieldSpec

MAX_FIELDS = 1024
MAX_TEXT_FIELDS = 128
_PHONETIC = re.compile(rb"dm:(en|fr|pt|es)\Z")
_PHONETIC_HELP = (
    "Matcher Format: <2 chars algorithm>:<2 chars language>. Support algorithms: double metaphone (dm). "
    "Supported languages: English (en), French (fr), Portuguese (pt) and Spanish (es)"
)


def parse_schema(args: Args, key_type: str, existing: tuple[FieldSpec, ...] = ()) -> tuple[FieldSpec, ...]:
    """The fields up to the end of the arguments; `existing` ones count for limits and duplicates."""
    fields: list[FieldSpec] = []
    while len(args):
        spec = _parse_field(args, key_type)
        if any(spec.attribute == other.attribute for other in (*existing, *fields)):
            raise CommandError(f"Duplicate field in schema - {as_text(spec.attribute)}")
        fields.append(spec)
        if len(fields) + len(existing) > MAX_FIELDS:
            raise CommandError(f"Schema is limited to {MAX_FIELDS} fields")
    if sum(spec.type == "TEXT" for spec in (*existing, *fields)) > MAX_TEXT_FIELDS:
        raise CommandError(f"Schema is limited to {MAX_TEXT_FIELDS} TEXT fields")
    return tuple(fields)


def _parse_field(args: Args, key_type: str) -> FieldSpec:
    identifier = attribute = args.next()
    _check_name(identifier, "path" if args.keyword() == b"AS" else "name")
    if args.accept(b"AS"):
        if not len(args):
            raise CommandError("AS requires an argument")
        attribute = args.next()
        _check_name(attribute, "name")
    if not len(args):
        raise CommandError(f"Field `{as_text(attribute)}` does not have a type")
    type_name = as_text(args.next()).upper()
    parse = _TYPES.get(type_name)
    if parse is None or type_name not in FIELD_TYPES:
        raise CommandError(f"Invalid field type for field `{as_text(attribute)}`")
    flags: dict[str, bool] = {}
    options = parse(args, flags)
    if type_name != "VECTOR":
        _parse_common(args, attribute, flags)
    _imply_unf(type_name, key_type, options, flags)
    return FieldSpec(identifier, attribute, type_name, options, **flags)


def _check_name(name: bytes, kind: str) -> None:
    if not name and kind == "name":
        raise CommandError("Field name cannot be empty")
    if b"\0" in name:
        raise CommandError(f"Field {kind} cannot contain null bytes")


def _parse_common(args: Args, attribute: bytes, flags: dict[str, bool]) -> None:
    """SORTABLE [UNF] and NOINDEX, in either order; anything else starts the next field."""
    while args.keyword() in (b"SORTABLE", b"NOINDEX"):
        if args.next().upper() == b"NOINDEX":
            flags["noindex"] = True
        else:
            flags["sortable"] = True
            if args.accept(b"UNF"):
                flags["unf"] = True
    if flags.get("noindex") and flags.get("index_missing"):
        name = as_text(attribute)
        raise CommandError(f"'Field cannot be defined with both `NOINDEX` and `INDEXMISSING` `{name}` '")


def _imply_unf(type_name: str, key_type: str, options: dict[str, Any], flags: dict[str, bool]) -> None:
    """A sortable value that no folding could change is marked UNF, as FT.INFO shows."""
    folded = type_name in ("TEXT", "TAG", "GEO") and key_type == "HASH" and not options.get("casesensitive")
    if flags.get("sortable") and not folded:
        flags["unf"] = True


def _text(args: Args, flags: dict[str, bool]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    while True:
        if args.accept(b"NOSTEM"):
            options["nostem"] = True
        elif args.accept(b"WEIGHT"):
            options["weight"] = _weight(args)
        elif args.accept(b"PHONETIC"):
            options["phonetic"] = _phonetic(args)
        elif not _accept_flag(args, flags, b"WITHSUFFIXTRIE", b"INDEXEMPTY", b"INDEXMISSING"):
            return options


def _weight(args: Args) -> float:
    if not len(args):
        raise BadArgument("weight", NOT_CONVERTIBLE)  # what RediSearch says of a missing number, too
    return args.number("weight")


def _phonetic(args: Args) -> str:
    if not len(args):
        raise CommandError("PHONETIC requires an argument")
    matcher = args.next()
    if not _PHONETIC.match(matcher):
        raise CommandError(_PHONETIC_HELP)
    return as_text(matcher)


def _tag(args: Args, flags: dict[str, bool]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    while True:
        if args.accept(b"SEPARATOR"):
            options["separator"] = _separator(args)
        elif args.accept(b"CASESENSITIVE"):
            options["casesensitive"] = True
        elif not _accept_flag(args, flags, b"WITHSUFFIXTRIE", b"INDEXEMPTY", b"INDEXMISSING"):
            return options


def _separator(args: Args) -> str:
    if not len(args):
        raise CommandError("SEPARATOR requires an argument")
    separator = args.next()
    if len(separator) != 1:
        raise CommandError(f"Tag separator must be a single character. Got `{as_text(separator)}`")
    return as_text(separator)


def _plain(args: Args, flags: dict[str, bool]) -> dict[str, Any]:
    _accept_flag(args, flags, b"INDEXMISSING")
    return {}


def _geoshape(args: Args, flags: dict[str, bool]) -> dict[str, Any]:
    coordinates = "SPHERICAL"
    if args.keyword() in (b"FLAT", b"SPHERICAL"):
        coordinates = as_text(args.next()).upper()
    _accept_flag(args, flags, b"INDEXMISSING")
    return {"coord_system": coordinates}


_FLAGS = {b"WITHSUFFIXTRIE": "with_suffix_trie", b"INDEXEMPTY": "index_empty", b"INDEXMISSING": "index_missing"}


def _accept_flag(args: Args, flags: dict[str, bool], *names: bytes) -> bool:
    for name in names:
        if args.accept(name):
            flags[_FLAGS[name]] = True
            return True
    return False


# ---- VECTOR ----------------------------------------------------------------------------------------------------------

# FLOAT16 and BFLOAT16 came with 2.10; INT8 and UINT8 with 8.0, taken here too since nothing in 2.10 contradicts them.
_VECTOR_TYPES = (b"FLOAT32", b"FLOAT64", b"FLOAT16", b"BFLOAT16", b"INT8", b"UINT8")
_METRICS = (b"L2", b"IP", b"COSINE")
_NOT_EVEN = {
    "FLAT": "even number as algorithm parameters (should be submitted as named arguments)",
    "HNSW": "even number (as algorithm parameters should be submitted as named arguments)",
    "IVF_FLAT": "even number (as algorithm parameters should be submitted as named arguments)",
}


def _vector(args: Args, flags: dict[str, bool]) -> dict[str, Any]:
    algorithm = as_text(args.need("vector similarity algorithm")).upper()
    attributes = _VECTOR_ATTRIBUTES.get(algorithm)
    if attributes is None:
        raise BadArgument("vector similarity algorithm", UNKNOWN)
    count = args.integer("vector similarity number of parameters", low=0)
    if count % 2:
        raise CommandError(
            f"Bad number of arguments for vector similarity index: got {count} but expected {_NOT_EVEN[algorithm]}"
        )
    options = _vector_attributes(args, count, algorithm, attributes)
    _accept_flag(args, flags, b"INDEXMISSING")
    return options


def _vector_attributes(args: Args, count: int, algorithm: str, attributes: dict[bytes, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"algorithm": algorithm}
    start = args.position
    while len(args) and args.position < start + count:
        key = args.next()
        attribute = attributes.get(key.upper())
        if attribute is None:
            raise BadArgument(f"algorithm {algorithm}", as_text(key))
        option, read = attribute
        options[option] = read(args, f"vector similarity {algorithm} index `{as_text(key.upper())}`")
    if args.position < start + count:
        raise CommandError(f"Expected {count} parameters but got {args.position - start}")
    for option, name in (("dtype", "TYPE"), ("dim", "DIM"), ("metric", "DISTANCE_METRIC")):
        if option not in options:
            raise CommandError(
                f"Missing mandatory parameter: cannot create {algorithm} index without specifying {name} argument"
            )
    return options


def _one_of(choices: tuple[bytes, ...]) -> Callable[[Args, str], str]:
    def read(args: Args, name: str) -> str:
        value = args.need(name).upper()
        if value not in choices:
            raise BadArgument(name, UNKNOWN)
        return as_text(value)

    return read


def _at_least(low: int) -> Callable[[Args, str], int]:
    return lambda args, name: args.integer(name, low)


def _epsilon(args: Args, name: str) -> float:
    return args.number(name, 0.0)


def _backend(args: Args, name: str) -> str:
    """Who keeps the graph: ours (NATIVE) or the library hnswlib, where it is installed."""
    backend = _one_of((b"NATIVE", b"HNSWLIB"))(args, name).lower()
    if backend == "hnswlib" and find_spec(backend) is None:
        raise CommandError("BACKEND HNSWLIB needs the package hnswlib: pip install redisvss[hnswlib]")
    return backend


_COMMON_ATTRIBUTES: dict[bytes, tuple[str, Callable[[Args, str], Any]]] = {
    b"TYPE": ("dtype", _one_of(_VECTOR_TYPES)),
    b"DIM": ("dim", _at_least(1)),
    b"DISTANCE_METRIC": ("metric", _one_of(_METRICS)),
    b"INITIAL_CAP": ("initial_cap", _at_least(0)),
}
_VECTOR_ATTRIBUTES: dict[str, dict[bytes, tuple[str, Callable[[Args, str], Any]]]] = {
    "FLAT": {**_COMMON_ATTRIBUTES, b"BLOCK_SIZE": ("block_size", _at_least(1))},
    "HNSW": {
        **_COMMON_ATTRIBUTES,
        b"M": ("m", _at_least(1)),
        b"EF_CONSTRUCTION": ("ef_construction", _at_least(1)),
        b"EF_RUNTIME": ("ef_runtime", _at_least(1)),
        b"EPSILON": ("epsilon", _epsilon),
        b"BACKEND": ("backend", _backend),
    },
    "IVF_FLAT": {**_COMMON_ATTRIBUTES, b"NLIST": ("nlist", _at_least(1)), b"NPROBE": ("nprobe", _at_least(1))},
}

_TYPES: dict[str, Callable[[Args, dict[str, bool]], dict[str, Any]]] = {
    "TEXT": _text,
    "TAG": _tag,
    "NUMERIC": _plain,
    "GEO": _plain,
    "GEOSHAPE": _geoshape,
    "VECTOR": _vector,
}
