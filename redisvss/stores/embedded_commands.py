"""What clients expect any Redis to answer and fakeredis does not: INFO, MODULE, CONFIG, OBJECT, MEMORY, WAIT, COMMAND.

Functions of the store and the arguments; they say what is true of an in-process store and must not know connections.
Encodings and settings are named as Redis 7's defaults have them.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import fakeredis
from fakeredis._commands import SUPPORTED_COMMANDS
from fakeredis._helpers import SimpleError
from fakeredis.model import ClientInfo, get_all_commands_info

from redisvss.errors import CommandError, wrong_arity
from redisvss.reply import OK, Reply, Session, Set
from redisvss.stores.embedded import EmbeddedStore

Args = Sequence[bytes]
Handler = Callable[[EmbeddedStore, Args], Reply]

SETTINGS: Final[Mapping[bytes, bytes]] = {  # what Redis 7.4 answers where nothing is set and nothing is saved
    b"appendonly": b"no",
    b"databases": b"16",
    b"maxclients": b"10000",
    b"maxmemory": b"0",
    b"maxmemory-policy": b"noeviction",
    b"notify-keyspace-events": b"",
    b"proto-max-bulk-len": b"536870912",
    b"requirepass": b"",
    b"save": b"",
    b"timeout": b"0",
}
EMBEDDED_STRING: Final = 44  # bytes; Redis stores longer strings apart ("raw")
LISTPACK_ENTRIES: Final = 128  # Redis's *-max-listpack-entries of hashes, sets and sorted sets

_STARTED: Final = time.time()


def answer(store: EmbeddedStore, args: Args) -> Reply:
    """Answer one of NAMES; raises CommandError."""
    return _HANDLERS[args[0].upper()](store, args)


def refusal(store: EmbeddedStore, session: Session, args: Args) -> CommandError | None:
    """Why the store's ACLs forbid the session's user one of NAMES; None if they do not."""
    try:
        store.server.acl.validate_command(session.user.encode("utf-8", "surrogateescape"), ClientInfo(), list(args))
    except SimpleError as error:
        return CommandError(error.value)
    return None


def _info(store: EmbeddedStore, args: Args) -> Reply:
    wanted = {name.lower() for name in args[1:]} or {b"default"}
    everything = bool(wanted & {b"default", b"all", b"everything"})
    parts = [
        "".join([f"# {title}\r\n", *(f"{name}:{value}\r\n" for name, value in fields.items())])
        for title, fields in _info_sections(store).items()
        if everything or title.lower().encode() in wanted
    ]
    return "\r\n".join(parts).encode()


def _info_sections(store: EmbeddedStore) -> dict[str, dict[str, object]]:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    uptime = int(time.time() - _STARTED)
    return {
        "Server": {
            "redis_version": ".".join(map(str, [*store.server.version, 0, 0][:3])),
            "redis_mode": "standalone",
            "os": sys.platform,
            "arch_bits": 64 if sys.maxsize > 2**32 else 32,
            "process_id": os.getpid(),
            "uptime_in_seconds": uptime,
            "uptime_in_days": uptime // 86400,
            "fakeredis_version": fakeredis.__version__,
        },
        "Clients": {"connected_clients": len(store.server.sockets), "blocked_clients": _blocked(store)},
        "Memory": {"used_memory": memory, "used_memory_rss": memory, "maxmemory": 0, "maxmemory_policy": "noeviction"},
        "Persistence": {"loading": 0, "rdb_changes_since_last_save": 0, "aof_enabled": 0},
        "Replication": {"role": "master", "connected_slaves": 0},
        "Modules": {},
        "Cluster": {"cluster_enabled": 0},
        "Keyspace": _keyspace(store),
    }


def _blocked(store: EmbeddedStore) -> int:
    return sum(connection._blocked for connection in list(store.server.sockets))


def _keyspace(store: EmbeddedStore) -> dict[str, object]:
    with store.server.lock:
        return {
            f"db{number}": f"keys={len(database)},expires={_expiring(database)},avg_ttl=0"
            for number, database in sorted(store.server.dbs.items())
            if len(database)
        }


def _expiring(database: Any) -> int:
    return sum(database[key].expireat is not None for key in list(database))


def _module(store: EmbeddedStore, args: Args) -> Reply:
    if _subcommand(args) != b"LIST":
        raise _unknown_subcommand(args)
    return []


def _config(store: EmbeddedStore, args: Args) -> Reply:
    config = store.server.config
    match _subcommand(args):
        case b"GET" if len(args) > 2:
            settings = {**SETTINGS, **config}
            patterns = [pattern.decode("latin-1").lower() for pattern in args[2:]]
            return {
                name: settings[name]
                for name in sorted(settings)
                if any(fnmatchcase(name.decode("latin-1"), pattern) for pattern in patterns)
            }
        case b"SET" if len(args) > 2 and len(args) % 2 == 0:
            config.update({name.lower(): value for name, value in zip(args[2::2], args[3::2], strict=True)})
            return OK
        case b"GET" | b"SET":
            raise wrong_arity(f"config|{_subcommand(args).decode().lower()}")
        case b"RESETSTAT":
            return OK
        case b"REWRITE":
            raise CommandError("ERR The server is running without a config file")
    raise _unknown_subcommand(args)


def _object(store: EmbeddedStore, args: Args) -> Reply:
    subcommand = _subcommand(args)
    if subcommand not in (b"ENCODING", b"REFCOUNT", b"IDLETIME", b"FREQ"):
        raise _unknown_subcommand(args)
    if len(args) != 3:
        raise wrong_arity(f"object|{subcommand.decode().lower()}")
    value = _value(store, args[2])
    if value is None:
        return None
    if subcommand == b"FREQ":
        raise CommandError(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
            "switching between policies at runtime LRU and LFU data will take some time to adjust."
        )
    return _encoding(value) if subcommand == b"ENCODING" else int(subcommand == b"REFCOUNT")


def _encoding(value: Any) -> bytes:
    match value:
        case bytes():
            if value.lstrip(b"-").isdigit() and len(value) < 20 and b"%d" % int(value) == value:
                return b"int"
            return b"embstr" if len(value) <= EMBEDDED_STRING else b"raw"
        case list():
            return b"listpack" if len(value) <= LISTPACK_ENTRIES else b"quicklist"
    small = len(value) <= LISTPACK_ENTRIES
    match value.model_type():
        case b"hash":
            return b"listpack" if small else b"hashtable"
        case b"set":
            return b"listpack" if small else b"hashtable"
        case b"zset":
            return b"listpack" if small else b"skiplist"
        case model:
            return bytes(model)


def _memory(store: EmbeddedStore, args: Args) -> Reply:
    """MEMORY USAGE key [SAMPLES n]: what the Python objects of the value take, in bytes."""
    if _subcommand(args) != b"USAGE":
        raise _unknown_subcommand(args)
    if len(args) not in (3, 5):
        raise wrong_arity("memory|usage")
    value = _value(store, args[2])
    return None if value is None else sys.getsizeof(args[2]) + _footprint(value)


def _footprint(value: Any) -> int:
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(_footprint(key) + _footprint(item) for key, item in value.items())
    if isinstance(value, (list, tuple, set)):
        return size + sum(map(_footprint, value))
    return size + sum(map(_footprint, vars(value).values())) if hasattr(value, "__dict__") else size


def _wait(store: EmbeddedStore, args: Args) -> Reply:
    """No replicas ever acknowledge anything."""
    if len(args) != 3:
        raise wrong_arity("wait")
    return 0


def _touch(store: EmbeddedStore, args: Args) -> Reply:
    if len(args) < 2:
        raise wrong_arity("touch")
    return sum(_value(store, key) is not None for key in args[1:])


def _command(store: EmbeddedStore, args: Args) -> Reply:
    rows = _command_rows()
    names = [name.lower() for name in args[2:]]
    match _subcommand(args):
        case b"":
            return list(rows.values())
        case b"COUNT":
            return len(rows)
        case b"INFO":
            return [rows.get(name) for name in names] if names else list(rows.values())
        case b"LIST":
            return list(rows) if not names else []
        case b"DOCS":
            return {name: {} for name in names or rows if name in rows}
    raise CommandError("ERR Invalid command specified")


def _command_rows() -> dict[bytes, Reply]:
    """fakeredis's own table without what the modules' names promise: those commands are the engine's or nobody's."""
    runnable = {name.split()[0].encode() for name in SUPPORTED_COMMANDS} | {name.lower() for name in NAMES}
    return {
        name: _row(row)
        for name, row in get_all_commands_info().items()
        if name in runnable and b"." not in name and b" " not in name
    }


def _row(row: Sequence[Any]) -> list[Reply]:
    name, arity, flags, first, last, step, categories, *_ = row
    return [name, arity, _names(flags), first, last, step, _names(categories), Set(), Set(), Set()]


def _names(names: Sequence[bytes]) -> Set:
    return Set(name.decode() for name in names)


def _value(store: EmbeddedStore, key: bytes) -> Any:
    with store.server.lock:
        database = store.server.dbs[store.db]
        database.time = time.time()
        item = database.get(key)
        return None if item is None else item.value


def _subcommand(args: Args) -> bytes:
    return args[1].upper() if len(args) > 1 else b""


def _unknown_subcommand(args: Args) -> CommandError:
    if len(args) < 2:
        return wrong_arity(args[0].decode("utf-8", "replace").lower())
    name, subcommand = (word.decode("utf-8", "replace") for word in args[:2])
    return CommandError(f"ERR unknown subcommand '{subcommand}'. Try {name.upper()} HELP.")


_HANDLERS: Final[dict[bytes, Handler]] = {
    b"INFO": _info,
    b"MODULE": _module,
    b"CONFIG": _config,
    b"OBJECT": _object,
    b"MEMORY": _memory,
    b"WAIT": _wait,
    b"TOUCH": _touch,
    b"COMMAND": _command,
}
NAMES: Final = frozenset(_HANDLERS)
