"""Commands typed by people: redis-cli's quoting, and vectors named instead of written out as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.doors.resp import split_inline

_KNN_FIELD = re.compile(rb"@(\w+)\s+\$(\w+)|@(\w+):\[VECTOR_RANGE\s+\S+\s+\$(\w+)", re.IGNORECASE)
# Little-endian numpy types of RediSearch's; BFLOAT16 is the upper half of a float32.
_DTYPES = {"FLOAT32": "<f4", "FLOAT64": "<f8", "FLOAT16": "<f2", "INT8": "i1", "UINT8": "u1"}


def split(command: str) -> list[bytes]:
    """A command line's words, quoted as in redis-cli; raises ValueError."""
    words = split_inline(command.strip().encode("utf-8", "surrogateescape"))
    if words is None:
        raise ValueError("Unbalanced quotes: quote the query with '…' inside \"…\", and \\' for a quote within")
    return words


def parameters(client: Any, words: Sequence[bytes], assignments: Sequence[str]) -> list[bytes]:
    """The command with its `$name=VECTOR` assignments as PARAMS; DIALECT 2 is added where they need it."""
    if not assignments:
        return list(words)
    types = _types(client, words)
    named = dict(_assignment(client, text, types) for text in assignments)
    command = [named.pop(word[1:], word) if word[:1] == b"$" and word[1:] in named else word for word in words]
    upper = [word.upper() for word in command]
    if named and b"PARAMS" in upper:
        raise ValueError("Give the values either in PARAMS or as '$name=…', not both")
    if named:
        command += [b"PARAMS", str(2 * len(named)).encode(), *(part for pair in named.items() for part in pair)]
    return command if b"DIALECT" in upper else [*command, b"DIALECT", b"2"]


def _assignment(client: Any, text: str, types: dict[bytes, str]) -> tuple[bytes, bytes]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("$"):
        raise ValueError(f"{text!r} is no parameter: write '$name=@file.npy', '$name=[0.1, …]' or '$name=key:field'")
    key = name[1:].encode()
    return key, vector(client, value, types.get(key, "FLOAT32"))


def vector(client: Any, source: str, dtype: str) -> bytes:
    """@file.npy, [0.1, …] or key:field as a blob of the field's type; anything else is taken as plain text."""
    if source.startswith("@"):
        return encode(np.load(Path(source[1:]), allow_pickle=False), dtype)
    if source.startswith("["):
        return encode(np.array(json.loads(source), np.float64), dtype)
    key, colon, name = source.rpartition(":")
    stored = client.hget(key, name) if colon else None
    if stored is None and colon:
        raise ValueError(f"There is no field {name!r} in the hash {key!r}")
    return stored.encode() if isinstance(stored, str) else stored or source.encode()


def encode(values: NDArray[Any], dtype: str) -> bytes:
    """(dim,) numbers as RediSearch stores them: little-endian, `dtype` one of its type names."""
    flat = np.ravel(values)
    if dtype == "BFLOAT16":
        return (flat.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return flat.astype(_DTYPES[dtype]).tobytes()


def _types(client: Any, words: Sequence[bytes]) -> dict[bytes, str]:
    """Parameter → vector type, by the fields the query compares them with."""
    if len(words) < 3:
        return {}
    fields = {match[1] or match[3]: match[2] or match[4] for match in _KNN_FIELD.finditer(words[2])}
    if not fields:
        return {}
    attributes = client.ft(words[1].decode()).info()["attributes"]
    rows = [dict(zip(row[::2], row[1::2], strict=False)) if isinstance(row, list) else row for row in attributes]
    found = {_text(row.get("attribute", row.get(b"attribute"))): row for row in rows}
    return {
        param: _text(row.get("data_type", row.get(b"data_type", "FLOAT32")))
        for name, param in fields.items()
        if (row := found.get(name.decode())) is not None
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
