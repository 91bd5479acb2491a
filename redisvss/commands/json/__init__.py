"""The JSON.* commands of RedisJSON 2.8 on string keys that hold JSON text, one family per file."""

from redisvss.commands.json import arrays, debug, objects, read, scalars, scan, write

__all__ = ["arrays", "debug", "objects", "read", "scalars", "scan", "write"]
