"""The `redisvss` command. Each group of commands is a module here; they are imported only when one of theirs runs."""

from redisvss.cli.app import main

__all__ = ["main"]
