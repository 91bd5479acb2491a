"""Which commands are ours: name, arity, flags and handler, filled by the `@command` decorator.

A new command is a decorated function in a module of this package; importing the package registers it, and the doors
read the same table to answer COMMAND INFO and COMMAND DOCS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redisvss.commands.args import Args
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

Handler = Callable[["Engine", Session, Args], Reply]


@dataclass(frozen=True)
class CommandInfo:
    """A row of COMMAND: `arity` counts the name itself and is negative where more may follow."""

    name: str
    arity: int
    flags: tuple[str, ...]
    first_key: int
    last_key: int
    step: int
    group: str
    summary: str
    since: str
    handler: Handler

    def accepts(self, argument_count: int) -> bool:
        """Whether a call of this many words, the name included, has the right arity."""
        return argument_count == self.arity if self.arity >= 0 else argument_count >= -self.arity


COMMANDS: dict[bytes, CommandInfo] = {}


def command(
    name: str,
    *,
    arity: int,
    flags: tuple[str, ...] = ("readonly",),
    keys: tuple[int, int, int] = (0, 0, 0),
    group: str = "search",
    summary: str,
    since: str = "1.0.0",
) -> Callable[[Handler], Handler]:
    """Register `handler(engine, session, args)`; `args` starts behind the command's name, its arity checked."""

    def register(handler: Handler) -> Handler:
        COMMANDS[name.encode()] = CommandInfo(name, arity, flags, *keys, group, summary, since, handler)
        return handler

    return register
