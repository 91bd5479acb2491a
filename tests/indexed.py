"""The simplest thing that can be kept in sync: an index that remembers what each document held."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from redisvss.schema import IndexDefinition


class Mirror:
    """`documents` is what a search would answer from."""

    def __init__(
        self,
        *prefixes: bytes,
        key_type: str = "HASH",
        fields: tuple[bytes, ...] | None = (b"v",),
        name: bytes = b"mirror",
    ) -> None:
        self.definition = IndexDefinition(name, (), key_type, prefixes or (b"",))
        self.scanning, self.scanned, self.to_scan = False, 0, 0
        self.documents: dict[bytes, dict[bytes, bytes] | bytes] = {}
        self.applied: list[bytes] = []  # every key ever applied, in order
        self._fields = fields
        self.lock = threading.Lock()

    def wanted_fields(self) -> tuple[bytes, ...] | None:
        return self._fields

    def apply(self, keys: Sequence[bytes], documents: Sequence[dict[bytes, bytes] | bytes | None]) -> None:
        with self.lock:
            self.applied += keys
            for key, document in zip(keys, documents, strict=True):
                if document is None:
                    self.documents.pop(key, None)
                else:
                    self.documents[key] = document

    def keys(self) -> list[bytes]:
        with self.lock:
            return list(self.documents)
