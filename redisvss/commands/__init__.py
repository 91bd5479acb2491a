"""The commands we answer. Importing the package registers them all."""

from redisvss.commands import (
    aggregate,
    catalogue,
    config,
    create,
    debug,
    dictionary,
    explain,
    hybrid,
    idempotent,
    info,
    json,
    legacy,
    profile,
    search,
    suggest,
    synonyms,
    trace,
)
from redisvss.commands.registry import COMMANDS, CommandInfo

__all__ = [
    "COMMANDS",
    "CommandInfo",
    "aggregate",
    "catalogue",
    "config",
    "create",
    "debug",
    "dictionary",
    "explain",
    "hybrid",
    "idempotent",
    "info",
    "json",
    "legacy",
    "profile",
    "search",
    "suggest",
    "synonyms",
    "trace",
]
