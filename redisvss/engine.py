"""The engine: one command in, one reply out, whatever the door.

Owns the store, the catalogue and what keeps the indexes true to the documents; the commands themselves live in
`commands/`. Blocking and thread-safe. Knows nothing of sockets, protocols' bytes or client libraries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

from redisvss.aggregate.cursors import CursorTable
from redisvss.commands import COMMANDS, CommandInfo
from redisvss.commands.args import Args
from redisvss.config import Config
from redisvss.errors import CommandError, no_such_index, wrong_arity
from redisvss.query.hits import SearchResult
from redisvss.query.request import SearchRequest
from redisvss.query.search import Search
from redisvss.reply import Reply, Session
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import SearchIndex
from redisvss.stores.base import Store
from redisvss.sync.catalog import Catalog
from redisvss.sync.synchronizer import Options, Synchronizer
from redisvss.sync.temporary import Temporaries

_DELETE_BATCH = 1000  # keys one DEL of DROPINDEX DD names


class Engine:
    """One per store. `commands` is the registry the doors describe us by."""

    commands: Mapping[bytes, CommandInfo] = COMMANDS

    def __init__(self, store: Store, options: Options | None = None) -> None:
        """Raises FeedUnavailable or FeedLost when the server cannot be followed."""
        self.store = store
        self.config = Config()
        self.cursors: CursorTable[Any] = CursorTable(
            lambda: int(self.config.get("INDEX_CURSOR_LIMIT") or 0), time.monotonic
        )
        self.catalog = Catalog(store, self.config.word_lengths)
        self.temporaries = Temporaries(store, self.catalog, self._expire)
        self.synchronizer = Synchronizer(store, self.catalog.changed, options, self.temporaries.turn)
        self.catalog.followers = self.synchronizer
        self.synchronizer.start()

    def close(self) -> None:
        self.synchronizer.close()
        self.store.close()

    # ---- one command -----------------------------------------------------------------------------------------------

    def owns(self, name: bytes) -> bool:
        """Whether a command, upper-case, is ours to answer."""
        return name in COMMANDS

    def execute(self, args: Sequence[bytes], session: Session) -> Reply:
        """Run a command of ours. Raises CommandError for whatever the client is to be told."""
        name = args[0].upper()
        info = COMMANDS.get(name)
        if info is None:
            raise CommandError(f"ERR unknown command '{args[0].decode('utf-8', 'replace')}'")
        if not info.accepts(len(args)):
            raise wrong_arity(args[0].decode("utf-8", "replace"))
        if info.first_key and session.db != self.store.db:
            raise CommandError(f"ERR {info.name} works on database {self.store.db} only: SELECT {self.store.db} first")
        try:
            return info.handler(self, session, Args(args[1:], info.name))
        except RedisError as error:
            raise CommandError(_as_reply(error)) from error

    # ---- what the commands share -----------------------------------------------------------------------------------

    def fresh(self) -> None:
        """Learn of every change acknowledged so far, those of the catalogue included."""
        self.synchronizer.observe()

    def find(self, name: bytes, unknown: Callable[[str], str]) -> SearchIndex:
        """The index of that name or alias as every process knows it now, its documents perhaps not yet.

        Raises CommandError(unknown(name)).
        """
        self.fresh()
        index = self.catalog.find(name)
        if index is None:
            raise CommandError(unknown(name.decode("utf-8", "surrogateescape")))
        index.uses += 1
        index.last_used = time.monotonic()
        return index

    def search_index(self, name: bytes, unknown: Callable[[str], str] = no_such_index) -> SearchIndex:
        """An index whose content is asked for, its documents up to date; raises as `find` does."""
        index = self.find(name, unknown)
        self.synchronizer.complete(index)
        return index

    def definition(self, name: bytes, unknown: str) -> IndexDefinition:
        return self.find(name, lambda _: unknown).definition

    def search(self, index: SearchIndex, request: SearchRequest) -> SearchResult:
        index.dialects_used.add(request.dialect)
        return Search(index, request, self.config, self).run()

    def explain(self, index: SearchIndex, request: SearchRequest) -> str:
        return Search(index, request, self.config, self).explain()

    def drop(self, name: bytes, with_documents: bool) -> None:
        """with_documents: delete the keys that are in the index too."""
        index = self.catalog.find(name)
        if index is not None and with_documents:
            self.synchronizer.complete(index)
            self._delete(index.keys())
        self.catalog.drop(name)

    def _expire(self, index: SearchIndex) -> None:
        """A TEMPORARY index whose time is over goes with its documents."""
        self.synchronizer.complete(index)
        keys = index.keys()
        if self.catalog.take(index):
            self._delete(keys)

    def _delete(self, keys: Sequence[bytes]) -> None:
        for start in range(0, len(keys), _DELETE_BATCH):
            self.store.call("DEL", *keys[start : start + _DELETE_BATCH])

    # ---- documents for replies: query.projection.Loader --------------------------------------------------------------

    def documents(self, index: SearchIndex, keys: Sequence[bytes], names: Sequence[bytes] | None) -> list[Any]:
        stored = self.store.read(keys, index.definition.key_type, names)
        return [None if document.values is None else index.reader.parse(document.values) for document in stored]

    def column(self, index: SearchIndex, keys: Sequence[bytes], spec: FieldSpec, dialect: int) -> list[bytes | None]:
        documents = self.documents(index, keys, index.reader.needed([spec.attribute]))
        compared = index.reader.compared
        return [None if document is None else compared(document, spec.attribute, dialect) for document in documents]


def _as_reply(error: RedisError) -> str:
    """What Redis answered to a command of the engine's own; redis-py takes the `ERR ` off such texts."""
    text = str(error)
    return text if text.split(" ", 1)[0].isupper() else f"ERR {text}"
