"""Hash fields that expire by themselves (Redis 7.4 HEXPIRE, Valkey 9): when the first of a document's does.

The server reports it only when it gets round to deleting the field. Asking for every document costs a third of a read,
so it is asked only while the server counts hashes with such fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from redisvss.stores.base import Document

READ_COUNT = (b"INFO", b"keyspace")
_COUNT = rb"^db%d:.*(?:subexpiry|keys_with_volatile_items)=([1-9])"  # Redis's name | Valkey's


def counted(info: bytes, db: int) -> bool:
    """Whether the reply to READ_COUNT counts hashes with expiring fields in the database."""
    return re.search(_COUNT % db, info, re.MULTILINE) is not None


def questions(keys: Sequence[bytes], documents: Sequence[Document]) -> dict[int, tuple[Any, ...]]:
    """The command to send for each document that has fields, by its position."""
    return {
        position: (b"HPTTL", key, b"FIELDS", len(document.values), *document.values)
        for position, (key, document) in enumerate(zip(keys, documents, strict=True))
        if isinstance(document.values, dict) and document.values
    }


def sooner(document: Document, answer: Any) -> Document:
    """The document, to be read again when its first field expires.

    answer: milliseconds per field, -1 for never; -2 for a field that expired since the document was read.
    """
    times = [max(ms, 0) for ms in answer if ms != -1] if isinstance(answer, list) else []
    if document.ttl_ms is not None:
        times.append(document.ttl_ms)
    return document._replace(ttl_ms=min(times, default=None))
