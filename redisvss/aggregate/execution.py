"""A pipeline being read: page by page through a cursor, or all at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redisvss.aggregate.chunk import Chunk, End, merge
from redisvss.aggregate.plan import Plan, plan
from redisvss.aggregate.request import Arrange, GroupBy, Pipeline
from redisvss.aggregate.source import Source
from redisvss.aggregate.streams import Observer, Run, open_stream
from redisvss.errors import CommandError
from redisvss.expression.columns import Column
from redisvss.expression.values import Multi, Value
from redisvss.reply import format_double

Row = list[tuple[str, Value]]


@dataclass(frozen=True)
class Page:
    """Some rows; heads: what WITHSCORES, WITHRAWIDS, … show in front of each, by RESP3's names.

    first_total: matches read when the first of them came out, which RESP2 shows as the total; total: read until the
    last. warning: why the rows stop, "" if nothing is wrong. done: nothing follows.
    """

    rows: list[Row]
    heads: list[dict[str, Any]]
    first_total: int
    total: int
    warning: str = ""
    done: bool = True


class Execution:
    """One pipeline over one source. Reads are serialised."""

    def __init__(
        self,
        pipeline: Pipeline,
        source: Source,
        *,
        seconds: float | None = None,
        fail_on_timeout: bool = False,
        unstable_features: bool = False,
        clock: Callable[[], float] | None = None,
        observe: Observer | None = None,
    ) -> None:
        """seconds: what one read may take, None for ever; observe: see `open_stream`.

        Raises CommandError where a step names what is not there.
        """
        self.pipeline = pipeline
        self._plan: Plan = plan(pipeline, source)
        self._source = source
        self._most = _most(pipeline)
        self._seconds = seconds
        self._fail_on_timeout = fail_on_timeout
        self._run = Run(source, None, unstable_features, *([clock] if clock else []))
        self._start_clock()
        self._stream = open_stream(self._plan.stages, self._run, *([observe] if observe else []))
        self._pending: Chunk | None = None
        self._read = 0  # matches accounted for by earlier pages
        self._seen: dict[str, None] = {}  # fields of whole documents, in the order rows first had them
        self._lock = threading.Lock()

    def _start_clock(self) -> None:
        self._run.deadline = None if self._seconds is None else self._run.clock() + self._seconds

    def read(self, count: int | None = None) -> Page:
        """The next `count` rows, or all; raises CommandError if an error comes before the first of them.

        A page full of all the rows a LIMIT lets through does not look what is behind it either (seen on 2.10.5).
        """
        if count is not None and self._most is not None:
            count = min(count, self._most)
        with self._lock:
            self._start_clock()
            chunk, end = self._gather(count)
        if end is not None and end.error and (self._fail_on_timeout if end.timed_out else chunk.size == 0):
            raise CommandError(end.error)
        return self._page(chunk, end)

    def _gather(self, count: int | None) -> tuple[Chunk, End | None]:
        """The rows, and the end if they are fewer than `count`: a full page does not look what is behind it."""
        parts: list[Chunk] = []
        size = 0
        while True:
            chunk = self._pending or self._stream.next()
            wanted = chunk.size if count is None else min(chunk.size, count - size)
            self._pending = self._rest(chunk, wanted)
            parts.append(chunk if wanted == chunk.size else chunk.take(slice(0, wanted)))
            size += wanted
            if count is not None and size == count:
                return merge(parts), None
            if chunk.end is not None:
                return merge(parts), chunk.end

    def _rest(self, chunk: Chunk, taken: int) -> Chunk | None:
        if taken == chunk.size and chunk.end is None:
            return None
        rest = chunk.take(slice(taken, None))
        rest.end = chunk.end
        return rest

    def _page(self, chunk: Chunk, end: End | None) -> Page:
        before = self._read
        self._read = end.read if end is not None else int(chunk.read[-1])
        first = int(chunk.read[0]) if chunk.size else self._read
        shown = chunk if self.pipeline.rows else chunk.take(slice(0, 0))
        return Page(
            rows=list(self._rows(shown)) if self.pipeline.fields else [[] for _ in range(shown.size)],
            heads=list(self._heads(shown)),
            first_total=max(first - before, 0),
            total=max(self._read - before, 0),
            warning=end.error if end is not None else "",
            done=end is not None and not (end.timed_out and not self._fail_on_timeout),
        )

    def _heads(self, chunk: Chunk) -> Iterator[dict[str, Any]]:
        columns = self._head_columns(chunk)
        for at in range(chunk.size):
            yield {name: values[at] for name, values in columns.items()}

    def _head_columns(self, chunk: Chunk) -> dict[str, Sequence[Any]]:
        """Behind a GROUPBY rows have neither score nor id nor payload."""
        flags, rows, source = self.pipeline, chunk.rows, self._source
        columns: dict[str, Sequence[Any]] = {}
        if flags.withscores:
            scores = [0.0] * chunk.size if rows is None else source.scores(rows).tolist()
            columns["score"] = scores
            if flags.explainscore and rows is not None:
                columns["score"] = _paired(scores, source.explanations(rows))
        if flags.withrawids:
            columns["id"] = [0] * chunk.size if rows is None else source.doc_ids[rows].tolist()
        if flags.withpayloads:
            columns["payload"] = [None] * chunk.size if rows is None else source.payloads(rows)
        if flags.withsortkeys:
            columns["sortkey"] = self._sort_keys(chunk)
        return columns

    def _sort_keys(self, chunk: Chunk) -> list[bytes | None]:
        """The value of the last SORTBY's first key, marked as a number or a string."""
        if self._plan.sort_key is None:
            return [None] * chunk.size
        return list(map(_marked, chunk.column(self._plan.sort_key).with_nulls().values.tolist()))

    def _rows(self, chunk: Chunk) -> Iterator[Row]:
        names = [name for name in self._plan.names if name not in self._source.hidden]
        chunk.prepare(names)
        columns = [chunk.column(name) for name in names]
        known = set(self._plan.names) | self._source.hidden
        rows = _rows_of(names, columns, chunk.size)
        if not self._plan.documents:
            yield from rows
            return
        for row, document in zip(rows, chunk.documents(), strict=True):
            self._seen.update(dict.fromkeys(document))
            more = (name for name in self._seen if name in document and name not in known)
            yield row + [(name, document[name]) for name in more]


def _rows_of(names: list[str], columns: list[Column], size: int) -> Iterator[Row]:
    values = [column.values.tolist() for column in columns]
    if all(column.present is None for column in columns):
        for row in zip(*values, strict=True) if columns else [()] * size:
            yield list(zip(names, row, strict=True))
        return
    masks = [column.mask().tolist() for column in columns]
    for row, there in zip(zip(*values, strict=True), zip(*masks, strict=True), strict=True):
        yield [(name, value) for name, value, known in zip(names, row, there, strict=True) if known]


def _most(pipeline: Pipeline) -> int | None:
    """What the last LIMIT lets through; None: there is none behind the last GROUPBY, or a SORTBY does its work."""
    for step in reversed(pipeline.steps):
        match step:
            case Arrange(keys, offset, limit) if limit and (keys is None or offset):
                return limit
            case Arrange() | GroupBy():
                return None
    return None


def _paired(scores: list[float], explanations: list[Any]) -> list[Any]:
    return [[score, explanation] for score, explanation in zip(scores, explanations, strict=True)]


def _marked(value: Value) -> bytes | None:
    match value:
        case float():
            return b"#" + format_double(value)
        case bytes():
            return b"$" + value.partition(b"\0")[0]
        case Multi():
            return _marked(value.first)
        case _:
            return None
