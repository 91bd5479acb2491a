"""The contract of a store: read documents in bulk, scan for them, change one string atomically.

A store owns its connections; a client's transactions, subscriptions and blocking commands never pass through here.
It must not know what an index is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, Literal, NamedTuple

from redis.exceptions import RedisError

KeyType = Literal["HASH", "JSON"]
REDIS_TYPES: dict[str, bytes] = {"HASH": b"hash", "JSON": b"string"}  # our JSON documents are plain strings

Values = dict[bytes, bytes] | bytes | None


class Document(NamedTuple):
    """One key as it is stored now.

    values: the hash fields asked for that are present, or a JSON document's text; None when the key is absent or of
    another type. ttl_ms: milliseconds until Redis will change it by itself (the key's expiry, or a field's if that
    comes first); None when it will not.
    """

    values: Values
    ttl_ms: int | None


GONE = Document(None, None)


class Keep(Enum):
    """What `update` does with the key when there is no new value: leave it as it is, or delete it."""

    KEEP = "keep"
    DELETE = "delete"


KEEP, DELETE = Keep.KEEP, Keep.DELETE
Change = tuple[bytes | Keep, Any]  # (new value | KEEP | DELETE, what `update` returns)
Changes = tuple[list[bytes | Keep], Any]  # the same for several keys


class UpdateConflict(RedisError):
    """Other writers changed the key before every one of our attempts to replace it."""


class Store(ABC):
    """Thread-safe; one per engine. Errors are redis-py's (`redis.exceptions`), values RESP3's as hiredis gives them."""

    kind: str  # "embedded" | "server"
    db: int

    @abstractmethod
    def call(self, *args: Any) -> Any:
        """One command and its reply; raises the reply when it is an error."""

    @abstractmethod
    def pipeline(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Commands in one round trip, not a transaction; an error reply stands in place as an exception."""

    def update(self, key: bytes, change: Callable[[bytes | None], Change]) -> Any:
        """Replace a string key by what `change` makes of it, atomically, keeping its expiry.

        `change` gets the value (None: no such key) and may run several times, so it must have no side effects; it must
        not call the store. Raises redis-py's ResponseError (WRONGTYPE …) when the key is not a string, UpdateConflict
        when other writers keep winning, and whatever `change` raises, leaving the key alone.
        """

        def change_one(values: list[bytes | None]) -> Changes:
            new, result = change(values[0])
            return [new], result

        return self.update_many([key], change_one)

    @abstractmethod
    def update_many(self, keys: Sequence[bytes], change: Callable[[list[bytes | None]], Changes]) -> Any:
        """`update` of several keys in one transaction; `keys` are distinct, and `change` keeps their order."""

    @abstractmethod
    def read(self, keys: Sequence[bytes], key_type: str, fields: Sequence[bytes] | None) -> list[Document]:
        """The documents of `keys` in one round trip. fields: the hash fields wanted, None for all; not for JSON."""

    def read_hashes(self, keys: Sequence[bytes], fields: Sequence[bytes] | None) -> list[dict[bytes, bytes] | None]:
        """The wanted fields that are present; {} for a hash that has none of them, None where there is no hash."""
        values = (document.values for document in self.read(keys, "HASH", fields))
        return [value if isinstance(value, dict) else None for value in values]

    def read_strings(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """String values; None when the key is absent or of another type."""
        values = (document.values for document in self.read(keys, "JSON", None))
        return [value if isinstance(value, bytes) else None for value in values]

    def ttls(self, keys: Sequence[bytes]) -> list[int | None]:
        """Milliseconds each key has to live; None when it does not expire or does not exist."""
        return [ttl if ttl >= 0 else None for ttl in self.pipeline([(b"PTTL", key) for key in keys])]

    @abstractmethod
    def scan(self, prefixes: Sequence[bytes], key_type: str) -> Iterator[list[bytes]]:
        """Every key of the type under any of the prefixes, in batches, each once per prefix that is not inside another.

        As with SCAN, a key that exists throughout is returned; one written meanwhile may or may not be, and a key may
        come twice.
        """

    @abstractmethod
    def size(self) -> int:
        """Number of keys in the database."""

    @abstractmethod
    def close(self) -> None:
        """Give up the connections; afterwards every call fails."""


def minimal_prefixes(prefixes: Iterable[bytes]) -> tuple[bytes, ...]:
    """The same set of keys by the fewest prefixes: none of them begins with another. b"" stands for every key."""
    kept: list[bytes] = []
    for prefix in sorted(set(prefixes)):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)


def escape_glob(text: bytes) -> bytes:
    """`text` as a SCAN or PSUBSCRIBE pattern that matches only itself."""
    for special in (b"\\", b"*", b"?", b"[", b"]"):
        text = text.replace(special, b"\\" + special)
    return text
