"""The commands we answer. Importing the package registers them all."""

from redisvss.commands import catalogue, config, create, info, search
from redisvss.commands.registry import COMMANDS, CommandInfo

__all__ = ["COMMANDS", "CommandInfo", "catalogue", "config", "create", "info", "search"]
