"""Commands typed by people: redis-cli's quoting, and vectors named instead of written out as bytes."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.doors.resp import split_inline

_KNN_FIELD = re.compile(rb"@(\w+)\s+\$(\w+)|@(\w+):\[VECTOR_RANGE\s+\S+\s+\$(\w+)", re.IGNORECASE)
_ASSIGNMENT = re.compile(rb"\$(\w+)=")
_QUERIES = (b"FT.SEARCH", b"FT.AGGREGATE", b"FT.HYBRID", b"FT.PROFILE", b"FT.EXPLAIN", b"FT.EXPLAINCLI")
# Little-endian numpy types of RediSearch's; BFLOAT16 is the upper half of a float32.
_DTYPES = {"FLOAT32": "<f4", "FLOAT64": "<f8", "FLOAT16": "<f2", "INT8": "i1", "UINT8": "u1"}


def split(command: str) -> list[bytes]:
    """A command line's words, quoted as in redis-cli; raises ValueError."""
    words = split_inline(command.strip().encode("utf-8", "surrogateescape"))
    if words is None:
        raise ValueError("Unbalanced quotes: quote the query with '…' inside \"…\", and \\' for a quote within")
    return words


@dataclass(frozen=True)
class VectorField:
    """What FT.INFO tells of the field a parameter is compared with; identifier: its hash field or JSON path."""

    identifier: str
    dtype: str = "FLOAT32"
    json: bool = False


def assignments(words: Sequence[bytes]) -> tuple[list[bytes], list[str]]:
    """(the command, its `$name=VECTOR` words) of one line. A list may hold spaces: `$v=[0.1, 0.2]` is one assignment.

    Only what another word uses as `$name` is taken, so that `SET key $a=b` stays what it is.
    """
    command: list[bytes] = []
    found: list[bytes] = []
    rest = deque(words)
    while rest:
        word = rest.popleft()
        match = _ASSIGNMENT.match(word)
        if match is None or not any(_uses(other, match[1]) for other in words if other is not word):
            command.append(word)
            continue
        while word[match.end() :].startswith(b"[") and not word.endswith(b"]") and rest:
            word += b" " + rest.popleft()
        found.append(word)
    return command, [word.decode("utf-8", "surrogateescape") for word in found]


def _uses(word: bytes, name: bytes) -> bool:
    return re.search(rb"\$" + name + rb"(?![\w=])", word) is not None


def parameters(client: Any, words: Sequence[bytes], assignments: Sequence[str]) -> list[bytes]:
    """The command with its `$name=VECTOR` assignments as PARAMS; DIALECT 2 is added where they need it.

    In a command that is no query (HSET …) the word `$name` itself becomes the vector.
    """
    if not assignments:
        return list(words)
    fields = _fields(client, words)
    named = dict(_assignment(client, text, fields) for text in assignments)
    name = words[0].upper()
    if name not in _QUERIES:
        return [named.get(word[1:], word) if word[:1] == b"$" else word for word in words]
    upper = [word.upper() for word in words]
    if b"PARAMS" in upper:
        raise ValueError("Give the values either in PARAMS or as '$name=…', not both")
    command = [*words, b"PARAMS", str(2 * len(named)).encode(), *(part for pair in named.items() for part in pair)]
    return command if b"DIALECT" in upper or name == b"FT.HYBRID" else [*command, b"DIALECT", b"2"]


def _assignment(client: Any, text: str, fields: Mapping[bytes, VectorField]) -> tuple[bytes, bytes]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("$"):
        raise ValueError(f"{text!r} is no parameter: write '$name=@file.npy', '$name=[0.1, …]' or '$name=like:key'")
    key = name[1:].encode()
    return key, vector(client, value, fields.get(key))


def vector(client: Any, source: str, field: VectorField | None) -> bytes:
    """A vector by name, as a blob of the field's type; anything else is taken as plain text.

    source: @file.npy, [0.1, …], like:key (that document's vector in `field`) or key:field of a hash.
    """
    dtype = field.dtype if field else "FLOAT32"
    if source.startswith("@"):
        return encode(np.load(Path(source[1:]), allow_pickle=False), dtype)
    if source.startswith("["):
        return encode(np.array(json.loads(source), np.float64), dtype)
    if source.startswith("like:"):
        return _like(client, source.removeprefix("like:"), field)
    key, colon, name = source.rpartition(":")
    return _stored(client, key, name) if colon else source.encode()


def _like(client: Any, key: str, field: VectorField | None) -> bytes:
    if field is None:
        raise ValueError(f"like:{key} needs a vector field of the index beside its parameter: [KNN 5 @field $name]")
    if not field.json:
        return _stored(client, key, field.identifier)
    found = json.loads(client.execute_command("JSON.GET", key, field.identifier) or "[]")
    if not found:
        raise ValueError(f"There is no vector at {field.identifier} in the JSON document {key!r}")
    return encode(np.array(found[0] if isinstance(found[0], list) else found, np.float64), field.dtype)


def _stored(client: Any, key: str, name: str) -> bytes:
    stored = client.hget(key, name)
    if stored is None:
        raise ValueError(f"There is no field {name!r} in the hash {key!r}")
    return stored.encode() if isinstance(stored, str) else bytes(stored)


def encode(values: NDArray[Any], dtype: str) -> bytes:
    """(dim,) numbers as RediSearch stores them: little-endian, `dtype` one of its type names."""
    flat = np.ravel(values)
    if dtype == "BFLOAT16":
        return (flat.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return flat.astype(_DTYPES[dtype]).tobytes()


def _fields(client: Any, words: Sequence[bytes]) -> dict[bytes, VectorField]:
    """Parameter → the vector field of the index that the query compares it with."""
    compared = {m[2] or m[4]: m[1] or m[3] for m in _KNN_FIELD.finditer(b" ".join(words[2:]))}
    if words[0].upper() not in _QUERIES or not compared:
        return {}
    info = mapping(client.execute_command("FT.INFO", words[1]))
    is_json = mapping(info["index_definition"])["key_type"] == b"JSON"
    known = {row["attribute"]: row for row in map(mapping, info["attributes"]) if row["type"] == b"VECTOR"}
    return {
        param: VectorField(row["identifier"].decode(), row.get("data_type", b"FLOAT32").decode(), is_json)
        for param, name in compared.items()
        if (row := known.get(name)) is not None
    }


def mapping(reply: Any) -> dict[str, Any]:
    """A map of a reply, RESP2's flat array or RESP3's map, with text for keys."""
    items = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=False)
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in items}
