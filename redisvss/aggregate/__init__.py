"""FT.AGGREGATE's pipeline: rows in, through LOAD, APPLY, FILTER, GROUPBY, SORTBY and LIMIT, rows out."""

from redisvss.aggregate.cursors import Cursor, CursorStats, CursorTable
from redisvss.aggregate.execution import Execution, Page
from redisvss.aggregate.reply import build_reply
from redisvss.aggregate.request import Pipeline
from redisvss.aggregate.source import Schema, Source

__all__ = ["Cursor", "CursorStats", "CursorTable", "Execution", "Page", "Pipeline", "Schema", "Source", "build_reply"]
