"""Two faults of fakeredis 2.40 that would leave an index untrue to the documents, mended where they are.

Both are methods of the mixins every fakeredis connection has, so that it does not matter whose connection it is.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

from fakeredis._core import CommandItem
from fakeredis._socket._notifications import NotificationsMixin
from fakeredis.commands_mixins import GenericCommandsMixin


@functools.cache  # once
def mend() -> None:
    notifications: Any = NotificationsMixin
    generic: Any = GenericCommandsMixin
    notifications.add_subkey_event = _telling_of_field_expiry(notifications.add_subkey_event)
    generic.copy = _copying_values(generic.copy)


def _telling_of_field_expiry(original: Any) -> Any:
    """HEXPIRE, HPERSIST and HGETEX change or delete fields without marking the key as modified, as Redis does."""

    @functools.wraps(original)
    def add_subkey_event(self: Any, event: bytes, key: bytes, subkeys: Sequence[bytes]) -> None:
        original(self, event, key, subkeys)
        if subkeys:
            self._db.notify_watch(key)

    return add_subkey_event


def _copying_values(original: Any) -> Any:
    """COPY of a hash leaves both keys with the same one: writing to either changes both."""

    @functools.wraps(original)
    def copying(self: Any, key: CommandItem, newkey: CommandItem, *args: bytes) -> Any:
        result = original(self, key, newkey, *args)
        if result == 1:
            newkey.update(copy.deepcopy(newkey.value))
        return result

    return copying
