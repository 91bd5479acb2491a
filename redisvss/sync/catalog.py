"""The catalogue: index definitions and aliases, kept in Redis itself and mirrored here.

Every process on the same Redis shares them: a definition is a readable JSON text under `redisvss:index:<name>`, an
alias the name of its index under `redisvss:alias:<alias>`. The change feed reports these keys like any others, so an
index created, altered or dropped by one process is known to all before their next search.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from redisvss.index.text import WordLengths
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex
from redisvss.stores.base import DELETE, KEEP, Change, Store

INDEX_PREFIX = b"redisvss:index:"
ALIAS_PREFIX = b"redisvss:alias:"


class Followers(Protocol):
    """What keeps an index true to the documents: the synchronizer."""

    def add(self, index: SearchIndex, scan: bool = True) -> None: ...
    def remove(self, index: SearchIndex) -> None: ...
    def rescan(self, index: SearchIndex) -> None: ...
    def complete(self, index: SearchIndex) -> None: ...


@dataclasses.dataclass(frozen=True)
class Entry:
    """A definition as stored: `identity` tells an index from one of the same name created after it was dropped."""

    identity: str
    definition: IndexDefinition


class Catalog:
    """Thread-safe. `followers` is set once, before the first call."""

    followers: Followers

    def __init__(self, store: Store, lengths: WordLengths | None = None) -> None:
        """lengths: see SearchIndex."""
        self._store = store
        self._lengths = lengths
        self._lock = threading.RLock()
        self._entries: dict[bytes, Entry] = {}
        self._indexes: dict[bytes, SearchIndex] = {}
        self._aliases: dict[bytes, bytes] = {}

    # ---- asking ----------------------------------------------------------------------------------------------------

    def names(self) -> list[bytes]:
        return list(self._indexes)

    def exists(self, name: bytes) -> bool:
        """Whether an index has that name; aliases do not count."""
        return name in self._indexes

    def find(self, name: bytes) -> SearchIndex | None:
        """The index of that name or alias; a name shadows an alias."""
        real = name if name in self._indexes else self._aliases.get(name, b"")
        return self._indexes.get(real)

    def aliases_of(self, name: bytes) -> list[bytes]:
        return [alias for alias, target in self._aliases.items() if target == name]

    # ---- changing --------------------------------------------------------------------------------------------------

    def create(self, definition: IndexDefinition) -> bool:
        """False if the name was taken meanwhile. On return every later write reaches the index here."""
        entry = Entry(uuid.uuid4().hex, definition)
        with self._lock:  # from before the write: else the feed may report it first, and adopt it with a scan
            if not self._store.call("SET", INDEX_PREFIX + definition.name, dump(entry), "NX"):
                return False
            self._adopt(definition.name, entry, scan=not definition.skip_initial_scan)
        return True

    def alter(self, name: bytes, change: Callable[[IndexDefinition], IndexDefinition], rescan: bool = True) -> None:
        """Replace the definition by what `change` makes of it; a no-op if the index has gone meanwhile.

        Without a rescan, what was written before keeps the old definition.
        """

        def update(stored: bytes | None) -> Change:
            if stored is None:
                return KEEP, None
            entry = load(stored)
            altered = dataclasses.replace(entry, definition=change(entry.definition))
            return dump(altered), altered

        index = self._indexes.get(name)
        if index is not None and not rescan:
            self.followers.complete(index)
        with self._lock:
            altered = self._store.update(INDEX_PREFIX + name, update)
            if altered is None:
                return
            if rescan and index is not None and self._entries.get(name) == altered:
                self._redefine(index, altered, scan=True)  # as RediSearch does: options of FT.CONFIG may have changed
            else:
                self._adopt(name, altered, scan=rescan)

    def rebuild(self, name: bytes) -> None:
        """Index every document anew, in every process: the index becomes another of the same definition."""

        def update(stored: bytes | None) -> Change:
            if stored is None:
                return KEEP, None
            entry = dataclasses.replace(load(stored), identity=uuid.uuid4().hex)
            return dump(entry), entry

        with self._lock:
            entry = self._store.update(INDEX_PREFIX + name, update)
            if entry is not None:
                self._adopt(name, entry, scan=True)

    def drop(self, name: bytes) -> None:
        """Forget the index and its aliases, everywhere."""
        aliases = [ALIAS_PREFIX + alias for alias in self.aliases_of(name)]
        self._store.call("DEL", INDEX_PREFIX + name, *aliases)
        with self._lock:
            self._forget(name)

    def take(self, index: SearchIndex) -> bool:
        """Forget the index, for one process only: False if its definition is gone already, or another's by now."""
        name = index.name
        known = self._entries.get(name)

        def remove(stored: bytes | None) -> Change:
            mine = stored is not None and known is not None and load(stored).identity == known.identity
            return (DELETE, True) if mine else (KEEP, False)

        if self._indexes.get(name) is not index or not self._store.update(INDEX_PREFIX + name, remove):
            return False
        aliases = [ALIAS_PREFIX + alias for alias in self.aliases_of(name)]
        if aliases:
            self._store.call("DEL", *aliases)
        with self._lock:
            self._forget(name)
        return True

    def add_alias(self, alias: bytes, name: bytes) -> bool:
        """False if there is such an alias."""
        if not self._store.call("SET", ALIAS_PREFIX + alias, name, "NX"):
            return False
        self._aliases[alias] = name
        return True

    def set_alias(self, alias: bytes, name: bytes) -> None:
        self._store.call("SET", ALIAS_PREFIX + alias, name)
        self._aliases[alias] = name

    def remove_alias(self, alias: bytes) -> bool:
        self._aliases.pop(alias, None)
        return bool(self._store.call("DEL", ALIAS_PREFIX + alias))

    # ---- following the other processes -----------------------------------------------------------------------------

    def changed(self, keys: list[bytes] | None) -> None:
        """Read these keys of ours again; None: all of them. The change feed's callback."""
        with self._lock:
            if keys is None:
                keys = self._all_keys()
            for key, value in zip(keys, self._store.read_strings(keys), strict=True):
                if key.startswith(INDEX_PREFIX):
                    self._index_changed(key[len(INDEX_PREFIX) :], value)
                elif key.startswith(ALIAS_PREFIX):
                    self._alias_changed(key[len(ALIAS_PREFIX) :], value)

    def _all_keys(self) -> list[bytes]:
        """The keys there are, and those we believed in."""
        known = [INDEX_PREFIX + name for name in self._indexes] + [ALIAS_PREFIX + alias for alias in self._aliases]
        stored = [key for page in self._store.scan([INDEX_PREFIX, ALIAS_PREFIX], "JSON") for key in page]
        return list(dict.fromkeys(known + stored))

    def _index_changed(self, name: bytes, value: bytes | None) -> None:
        if value is None:
            self._forget(name)
        else:
            self._adopt(name, load(value), scan=True)

    def _alias_changed(self, alias: bytes, value: bytes | None) -> None:
        if value is None:
            self._aliases.pop(alias, None)
        else:
            self._aliases[alias] = value

    def _adopt(self, name: bytes, entry: Entry, scan: bool) -> None:
        known = self._entries.get(name)
        if known == entry:
            return
        index = self._indexes.get(name)
        if index is None or known is None or known.identity != entry.identity:
            self._forget(name)
            self._indexes[name] = index = SearchIndex(entry.definition, self._lengths)
            self.followers.add(index, scan)
        else:
            self._redefine(index, entry, scan)
        self._entries[name] = entry

    def _redefine(self, index: SearchIndex, entry: Entry, scan: bool) -> None:
        index.redefine(entry.definition)
        if scan:
            self.followers.rescan(index)

    def _forget(self, name: bytes) -> None:
        self._entries.pop(name, None)
        index = self._indexes.pop(name, None)
        for alias in self.aliases_of(name):
            self._aliases.pop(alias)
        if index is not None:
            self.followers.remove(index)


# ---- the stored form -------------------------------------------------------------------------------------------------


def dump(entry: Entry) -> bytes:
    """JSON with bytes as text, escaped where they are not UTF-8; only what differs from the defaults."""
    definition = entry.definition
    shown: dict[str, Any] = {"identity": entry.identity}
    for part in dataclasses.fields(definition):
        value = getattr(definition, part.name)
        if part.name != "fields" and value != part.default and value != {}:
            shown[part.name] = _plain(value)
    shown["fields"] = [_dump_field(spec) for spec in definition.fields]
    return json.dumps(shown).encode()


def _dump_field(spec: FieldSpec) -> dict[str, Any]:
    shown = {part.name: _plain(getattr(spec, part.name)) for part in dataclasses.fields(spec)}
    return {name: value for name, value in shown.items() if value not in (False, {})}


def load(text: bytes) -> Entry:
    shown = json.loads(text)
    identity = shown.pop("identity")
    fields = tuple(_load_field(spec) for spec in shown.pop("fields"))
    name = _bytes(shown.pop("name"))
    for part in ("language_field", "score_field", "payload_field"):
        if part in shown:
            shown[part] = _bytes(shown[part])
    if "prefixes" in shown:
        shown["prefixes"] = tuple(map(_bytes, shown["prefixes"]))
    if "stopwords" in shown:
        shown["stopwords"] = tuple(shown["stopwords"])
    if "synonyms" in shown:
        shown["synonyms"] = {term: tuple(groups) for term, groups in shown["synonyms"].items()}
    return Entry(identity, IndexDefinition(name, fields, **shown))


def _load_field(shown: dict[str, Any]) -> FieldSpec:
    identifier, attribute = (_bytes(shown.pop(part)) for part in ("identifier", "attribute"))
    return FieldSpec(identifier, attribute, **shown)


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
