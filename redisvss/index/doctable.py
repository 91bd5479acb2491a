"""Document table: key ↔ doc_id, and the order in which documents were indexed.

RediSearch gives a document a new, higher internal id whenever it is indexed again, and breaks ties by it. Here a
document keeps its small id while it lives (so that an update need not touch structures whose value did not change)
and `revision` carries that order instead. Freed ids are handed out again, the table stays dense.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

_FIRST_CAPACITY = 1024


class DocTable:
    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._keys: list[bytes | None] = []
        self._free: list[int] = []
        self._last_revision = 0
        self.revision: NDArray[np.int64] = np.zeros(_FIRST_CAPACITY, np.int64)
        self.score: NDArray[np.float32] = np.ones(_FIRST_CAPACITY, np.float32)
        self.live = BitMap()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: bytes) -> bool:
        return key in self._ids

    def keys(self) -> list[bytes]:
        return list(self._ids)

    def id_of(self, key: bytes) -> int | None:
        return self._ids.get(key)

    def key_of(self, doc_id: int) -> bytes:
        """Raises KeyError for an id that names no document."""
        key = self._keys[doc_id]
        if key is None:
            raise KeyError(doc_id)
        return key

    @property
    def max_doc_id(self) -> int:
        """Highest revision given so far: what RediSearch reports as max_doc_id."""
        return self._last_revision

    def add(self, key: bytes) -> int:
        """A new document; the key must not be in the table."""
        if self._free:
            doc_id = self._free.pop()
            self._keys[doc_id] = key
        else:
            doc_id = len(self._keys)
            self._keys.append(key)
            self._grow(doc_id)
        self._ids[key] = doc_id
        self.live.add(doc_id)
        return doc_id

    def touch(self, doc_id: int, score: float) -> None:
        """The document was (re)indexed: it moves to the end of the indexing order."""
        self._last_revision += 1
        self.revision[doc_id] = self._last_revision
        self.score[doc_id] = score

    def remove(self, key: bytes) -> int:
        """Forget the key and free its id, which no structure may refer to any more."""
        doc_id = self._ids.pop(key)
        self._keys[doc_id] = None
        self._free.append(doc_id)
        self.live.discard(doc_id)
        return doc_id

    def _grow(self, doc_id: int) -> None:
        if doc_id < len(self.revision):
            return
        capacity = len(self.revision) * 2
        self.revision = np.resize(self.revision, capacity)
        self.score = np.resize(self.score, capacity)

    def memory_bytes(self) -> int:
        return self.revision.nbytes + self.score.nbytes + sum(map(len, self._ids)) + 100 * len(self._keys)
