"""FT.CONFIG GET | SET | HELP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.config import OPTIONS
from redisvss.errors import MISSING, CommandError
from redisvss.reply import OK, Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine


_WORD_LENGTHS = ("MINSTEMLEN", "MIN_PHONETIC_TERM_LEN")


@command("FT.CONFIG", arity=-3, flags=("admin",), summary="Describes, retrieves and sets runtime configuration options")
def ft_config(engine: Engine, session: Session, args: Args) -> Reply:
    action, name = args.next().upper(), as_text(args.next()).upper()
    match action:
        case b"GET":
            return _by_protocol({n: _shown(engine, n) for n in _matching(name)}, session.protocol)
        case b"HELP":
            return _help({n: OPTIONS[n].help for n in _matching(name)}, engine, session.protocol)
        case b"SET":
            if not len(args):
                raise CommandError(MISSING)
            if name in _WORD_LENGTHS:
                _index_what_waits(engine)
            engine.config.set(name, as_text(args.next()))
            return OK
        case _:
            return "No such configuration action"  # RediSearch answers a simple string, not an error


def _index_what_waits(engine: Engine) -> None:
    """By the lengths that were in force when it was written."""
    for name in engine.catalog.names():
        if (index := engine.catalog.find(name)) is not None:
            engine.synchronizer.complete(index)
            with index.lock.read():
                index.text.flush()


def _matching(pattern: str) -> list[str]:
    return list(OPTIONS) if pattern == "*" else [pattern] * (pattern in OPTIONS)


def _shown(engine: Engine, name: str) -> bytes | None:
    value = engine.config.get(name)
    return None if value is None else value.encode("utf-8", "surrogateescape")


def _help(texts: dict[str, str], engine: Engine, protocol: int) -> Reply:
    if protocol >= 3:
        return {name: {"Description": text, "Value": _shown(engine, name)} for name, text in texts.items()}
    return [[name, "Description", text, "Value", _shown(engine, name)] for name, text in texts.items()]


def _by_protocol(values: dict[str, Any], protocol: int) -> Reply:
    if protocol >= 3:
        return values
    return [[name, value] for name, value in values.items()]
