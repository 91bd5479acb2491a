"""FT.PROFILE's view of a pipeline: what each stage took and how many rows it let through."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from redisvss.aggregate.chunk import Chunk
from redisvss.aggregate.stages import Count, Drain, Group, LoadDocument, LoadFields, Page, Project, Select, Sort, Stage
from redisvss.aggregate.streams import Stream
from redisvss.expression.tree import describe


@dataclass
class _Timed(Stream):
    """Hands chunks on; `seconds` includes the stages before this one."""

    name: str
    behind: Stream
    seconds: float = 0.0
    rows: int = 0

    def next(self) -> Chunk:
        started = time.perf_counter()
        chunk = self.behind.next()
        self.seconds += time.perf_counter() - started
        self.rows += chunk.size
        return chunk


class StageTimes:
    """`observe` is for `open_stream`; `processors` tells what was seen, once the rows have been read."""

    def __init__(self) -> None:
        self._timed: list[_Timed] = []

    def observe(self, stage: Stage | None, stream: Stream) -> Stream:
        timed = _Timed(_name(stage), stream)
        self._timed.append(timed)
        return timed

    def processors(self, index_seconds: float) -> list[dict[str, Any]]:
        """index_seconds: what the query itself took, before its first row was asked for."""
        shown = []
        before = -index_seconds
        for timed in self._timed:
            milliseconds = (timed.seconds - before) * 1000
            shown.append({"Type": timed.name, "Time": milliseconds, "Results processed": timed.rows})
            before = timed.seconds
        return shown


def _name(stage: Stage | None) -> str:
    match stage:
        case None:
            return "Index"
        case LoadFields() | LoadDocument():
            return "Loader"
        case Project(tree):
            return f"Projector - {describe(tree)}"
        case Select(tree):
            return f"Filter - {describe(tree)}"
        case Sort():
            return "Sorter"
        case Page():
            return "Pager/Limiter"
        case Group():
            return "Grouper"
        case Count() | Drain():
            return "Counter"
