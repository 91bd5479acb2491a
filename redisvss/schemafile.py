"""Index definitions in YAML, in the format RedisVL's `IndexSchema` reads, as an FT.CREATE command.

Field attributes RedisVL and we know: TEXT weight, no_stem, phonetic_matcher, withsuffixtrie; TAG separator,
case_sensitive, withsuffixtrie; all sortable, unf, no_index, index_empty, index_missing; VECTOR algorithm, dims,
datatype, distance_metric, initial_cap, block_size, m, ef_construction, ef_runtime, epsilon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Attributes = Mapping[str, Any]


class SchemaError(ValueError):
    """The file is no index definition; the text says what to change."""


def load_schema(path: str | Path) -> dict[str, Any]:
    """The file's content; raises SchemaError."""
    try:
        schema = yaml.safe_load(Path(path).read_text())
    except yaml.YAMLError as error:
        raise SchemaError(f"{path} is no YAML: {error}") from None
    if not isinstance(schema, dict) or not isinstance(schema.get("index"), dict) or not schema.get("fields"):
        raise SchemaError(f"{path} needs `index:` with a `name` and a list of `fields:`; see schemas/products.yaml")
    return schema


def create_command(schema: Mapping[str, Any]) -> list[str]:
    """FT.CREATE for a schema file's content; raises SchemaError."""
    index = schema["index"]
    prefixes = index.get("prefix", "")
    prefixes = [prefixes] if isinstance(prefixes, str) else list(prefixes)
    separator = index.get("key_separator", ":")
    prefixes = [p if not p or p.endswith(separator) else p + separator for p in prefixes]
    kind = index.get("storage_type", "hash").upper()
    command = ["FT.CREATE", index["name"], "ON", kind, "PREFIX", str(len(prefixes)), *prefixes]
    if "stopwords" in index:
        command += ["STOPWORDS", str(len(index["stopwords"])), *index["stopwords"]]
    command.append("SCHEMA")
    for field in schema["fields"]:
        command += _field(field, kind)
    return command


def _field(field: Mapping[str, Any], kind: str) -> list[str]:
    try:
        name, type_name = field["name"], field["type"].lower()
        write = _WRITERS[type_name]
    except (KeyError, TypeError, AttributeError):
        raise SchemaError(f"A field needs a `name` and a `type` of {', '.join(_WRITERS)}; got {field!r}") from None
    attributes: Attributes = field.get("attrs") or {}
    path = field.get("path", f"$.{name}" if kind == "JSON" else name)
    identifier = [path] if path == name else [path, "AS", name]
    return [*identifier, *write(attributes), *_common(type_name, attributes)]


def _common(type_name: str, attributes: Attributes) -> list[str]:
    if type_name == "vector":
        return []
    words = ["SORTABLE"] if attributes.get("sortable") else []
    words += ["UNF"] if attributes.get("sortable") and attributes.get("unf") else []
    return words + (["NOINDEX"] if attributes.get("no_index") else [])


def _flags(attributes: Attributes, *names: str) -> list[str]:
    return [_FLAGS[name] for name in names if attributes.get(name)]


_FLAGS = {
    "no_stem": "NOSTEM",
    "withsuffixtrie": "WITHSUFFIXTRIE",
    "case_sensitive": "CASESENSITIVE",
    "index_empty": "INDEXEMPTY",
    "index_missing": "INDEXMISSING",
}


def _text(attributes: Attributes) -> list[str]:
    words = ["TEXT", *_flags(attributes, "no_stem")]
    words += ["WEIGHT", str(attributes["weight"])] if "weight" in attributes else []
    words += ["PHONETIC", attributes["phonetic_matcher"]] if attributes.get("phonetic_matcher") else []
    return words + _flags(attributes, "withsuffixtrie", "index_empty", "index_missing")


def _tag(attributes: Attributes) -> list[str]:
    words = ["TAG"]
    words += ["SEPARATOR", attributes["separator"]] if "separator" in attributes else []
    return words + _flags(attributes, "case_sensitive", "withsuffixtrie", "index_empty", "index_missing")


def _plain(type_name: str) -> Callable[[Attributes], list[str]]:
    return lambda attributes: [type_name, *_flags(attributes, "index_missing")]


_VECTOR = {
    "datatype": "TYPE",
    "dims": "DIM",
    "distance_metric": "DISTANCE_METRIC",
    "initial_cap": "INITIAL_CAP",
    "block_size": "BLOCK_SIZE",
    "m": "M",
    "ef_construction": "EF_CONSTRUCTION",
    "ef_runtime": "EF_RUNTIME",
    "epsilon": "EPSILON",
}


def _vector(attributes: Attributes) -> list[str]:
    if "dims" not in attributes:
        raise SchemaError("A vector field needs `attrs: { dims: … }`")
    given = {"datatype": "float32", "distance_metric": "cosine", **attributes}
    pairs = [part for name, key in _VECTOR.items() if name in given for part in (key, str(given[name]).upper())]
    algorithm = str(attributes.get("algorithm", "flat")).upper()
    return ["VECTOR", algorithm, str(len(pairs)), *pairs, *_flags(attributes, "index_missing")]


_WRITERS: dict[str, Callable[[Attributes], list[str]]] = {
    "text": _text,
    "tag": _tag,
    "numeric": _plain("NUMERIC"),
    "geo": _plain("GEO"),
    "vector": _vector,
}
