"""The stages at work: each draws chunks of rows from the one before it, as late as it can.

Rows flow in chunks that grow while nobody waits for them all, so that `LIMIT 0 10` reads little and a million rows go
through numpy in a few pieces. The last chunk carries the end: plain, an error at the row behind it, or out of time.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from redisvss.aggregate.chunk import Chunk, End, merge
from redisvss.aggregate.grouping import group_rows
from redisvss.aggregate.ordering import sorted_rows
from redisvss.aggregate.source import Source
from redisvss.aggregate.stages import (
    BLOCKING,
    Count,
    Drain,
    Group,
    LoadDocument,
    LoadFields,
    Page,
    Project,
    Select,
    Sort,
    Stage,
)
from redisvss.errors import CommandError
from redisvss.expression.evaluate import evaluate
from redisvss.expression.frame import Context, Frame, Operand, as_column, truths

FIRST_CHUNK = 256
LARGEST_CHUNK = 65_536
_GROWTH = 4
TIMED_OUT = "Timeout limit was reached"


class TimedOut(Exception):
    """The time the query may take is over."""


@dataclass
class Run:
    """What all stages of one execution share. deadline: `clock()` after which work stops; None: never."""

    source: Source
    deadline: float | None = None
    unstable_features: bool = False
    clock: Callable[[], float] = time.monotonic

    def late(self) -> bool:
        return self.deadline is not None and self.clock() > self.deadline

    def check(self) -> None:
        if self.late():
            raise TimedOut

    def context(self, chunk: Chunk) -> Context:
        """matched_terms() knows the terms only while rows come straight from the query."""
        if not chunk.fresh or chunk.rows is None:
            return Context(None, self.unstable_features)
        rows = chunk.rows
        return Context(lambda which, most: self.source.matched_terms(rows[which], most), self.unstable_features)


class Stream(ABC):
    @abstractmethod
    def next(self) -> Chunk:
        """The next rows, possibly none; after a chunk with an end nobody asks again."""


class Matches(Stream):
    """The documents the query matched."""

    def __init__(self, run: Run, first_chunk: int) -> None:
        self._run = run
        self._at = 0
        self._size = first_chunk

    def next(self) -> Chunk:
        total = len(self._run.source.doc_ids)
        if self._run.late():
            return self._chunk(self._at, self._at, End(self._at, TIMED_OUT, timed_out=True))
        start, stop = self._at, min(self._at + self._size, total)
        self._at, self._size = stop, min(self._size * _GROWTH, LARGEST_CHUNK)
        return self._chunk(start, stop, End(total) if stop == total else None)

    def _chunk(self, start: int, stop: int, end: End | None) -> Chunk:
        rows = np.arange(start, stop)
        return Chunk(stop - start, self._run.source, rows, rows + 1, end=end)


@dataclass
class _Loading(Stream):
    upstream: Stream
    stage: LoadFields | LoadDocument

    def next(self) -> Chunk:
        chunk = self.upstream.next()
        if isinstance(self.stage, LoadFields):
            return chunk.loading(self.stage.fetches)
        return chunk.loading_documents(self.stage.computed)


@dataclass
class _Evaluating(Stream):
    """APPLY and FILTER. blocked: a later stage waits for all rows, so that any error is the reply."""

    run: Run
    upstream: Stream
    stage: Project | Select
    blocked: bool
    answered: bool = False

    def next(self) -> Chunk:
        chunk = self.upstream.next()
        frame = self._frame(chunk, self.stage.names.__getitem__)
        chunk.prepare(self.stage.names.values())
        result = evaluate(self.stage.tree, frame)
        self._heed_warning(frame)
        passed = self._passed(chunk, frame, result)
        passed.end = self._end(chunk, frame)
        self.answered |= passed.size > 0
        return passed

    def _frame(self, chunk: Chunk, name_of: Callable[[str], str]) -> Frame:
        return Frame(chunk.size, lambda name: chunk.column(name_of(name)), self.run.context(chunk))

    def _heed_warning(self, frame: Frame) -> None:
        """A warning is the reply if no row was answered before it, else nothing."""
        if frame.warning and (self.blocked or (frame.warned_at == 0 and not self.answered)):
            frame.fail(frame.warned_at, frame.warning)

    def _passed(self, chunk: Chunk, frame: Frame, result: Operand) -> Chunk:
        if isinstance(self.stage, Select):
            return chunk.take(np.flatnonzero(truths(result, chunk.size)[: frame.limit]))
        projected = chunk.with_column(self.stage.alias, as_column(result, chunk.size))
        return projected if frame.limit == chunk.size else projected.take(slice(0, frame.limit))

    def _end(self, chunk: Chunk, frame: Frame) -> End | None:
        if frame.limit < chunk.size:
            return End(int(chunk.read[frame.limit]), frame.error)
        return chunk.end


@dataclass
class _Paging(Stream):
    upstream: Stream
    offset: int
    limit: int | None

    def next(self) -> Chunk:
        while True:
            chunk = self.upstream.next()
            skipped = min(self.offset, chunk.size)
            self.offset -= skipped
            shown = chunk.take(slice(skipped, None)) if skipped else chunk
            if self.limit is not None and shown.size >= self.limit:
                return self._last(shown, self.limit)
            if self.limit is not None:
                self.limit -= shown.size
            shown.end = chunk.end
            if shown.size or shown.end:
                return shown

    def _last(self, chunk: Chunk, limit: int) -> Chunk:
        """The page is full: what comes behind it, an error even, is never read."""
        last = chunk.take(slice(0, limit))
        last.end = End(int(last.read[-1]) if last.size else 0)
        return last


@dataclass
class _Blocking(Stream):
    """A stage that needs all rows before it gives one."""

    run: Run
    upstream: Stream
    stage: Sort | Group | Count | Drain

    def next(self) -> Chunk:
        chunks = [self.upstream.next()]
        while chunks[-1].end is None:
            chunks.append(self.upstream.next())
        whole = merge(chunks)
        end = whole.end
        assert end is not None
        if end.error and not (end.timed_out and not isinstance(self.stage, Group)):
            return self._nothing(whole, end)
        try:
            return self._result(whole, end)
        except CommandError as error:
            return self._nothing(whole, End(end.read, str(error)))
        except TimedOut:
            return self._nothing(whole, End(end.read, TIMED_OUT, timed_out=True))

    def _nothing(self, whole: Chunk, end: End) -> Chunk:
        return replace(whole.take(slice(0, 0)), end=end)

    def _result(self, whole: Chunk, end: End) -> Chunk:
        match self.stage:
            case Count():
                return self._nothing(whole, end)
            case Drain():
                return self._all_read(whole, end)
            case Sort():
                rows = sorted_rows(whole, self.stage.keys, self.stage.limit)
                return self._all_read(replace(whole.take(rows), fresh=False), end)
            case Group():
                return group_rows(whole, self.stage, self.run.check)

    def _all_read(self, chunk: Chunk, end: End) -> Chunk:
        return replace(chunk, read=np.full(chunk.size, end.read), end=end)


Observer = Callable[[Stage | None, Stream], Stream]


def open_stream(stages: tuple[Stage, ...], run: Run, observe: Observer = lambda stage, stream: stream) -> Stream:
    """The stages joined, ready to be read. observe: may put a stream of its own behind each (None: the matches)."""
    blocking = [position for position, stage in enumerate(stages) if isinstance(stage, BLOCKING)]
    last_blocking = blocking[-1] if blocking else -1
    stream = observe(None, Matches(run, LARGEST_CHUNK if blocking else FIRST_CHUNK))
    for position, stage in enumerate(stages):
        match stage:
            case LoadFields() | LoadDocument():
                stream = _Loading(stream, stage)
            case Project() | Select():
                stream = _Evaluating(run, stream, stage, position < last_blocking)
            case Page():
                stream = _Paging(stream, stage.offset, stage.limit)
            case _:
                stream = _Blocking(run, stream, stage)
        stream = observe(stage, stream)
    return stream
