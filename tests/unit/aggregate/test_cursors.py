"""The table of open cursors, on a clock of our own; and reading a pipeline page by page."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from list_source import ListSource, spec

from redisvss.aggregate import CursorTable, Execution, Pipeline
from redisvss.aggregate.request import Apply, Arrange, Filter, GroupBy, Load, SortKey
from redisvss.errors import CommandError

INDEX, OTHER = object(), object()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def table(clock: Clock, limit: int = 3) -> CursorTable[str]:
    return CursorTable(lambda: limit, clock, random.Random(1))


def test_a_cursor_is_read_again_until_it_is_done() -> None:
    cursors = table(Clock())
    cursor = cursors.open(INDEX, "state", 5.0)
    cursors.release(cursor, done=False)
    assert cursors.take(cursor.id).state == "state"
    cursors.release(cursor, done=True)
    with pytest.raises(CommandError, match="Cursor not found"):
        cursors.take(cursor.id)


def test_two_cannot_read_one_cursor_at_a_time() -> None:
    cursors = table(Clock())
    cursor = cursors.open(INDEX, "state", 5.0)
    with pytest.raises(CommandError, match="Cursor not found"):
        cursors.take(cursor.id)


def test_each_read_gives_it_its_idle_time_again() -> None:
    clock = Clock()
    cursors = table(clock)
    cursor = cursors.open(INDEX, "state", 5.0)
    for _ in range(3):
        cursors.release(cursor, done=False)
        clock.now += 4.9
        cursors.take(cursor.id)
    cursors.release(cursor, done=False)
    clock.now += 5.0
    with pytest.raises(CommandError, match="Cursor not found"):
        cursors.take(cursor.id)


def test_collecting_closes_the_expired_ones_only() -> None:
    clock = Clock()
    cursors = table(clock)
    for idle in (1.0, 2.0, 60.0):
        cursors.release(cursors.open(INDEX, "state", idle), done=False)
    clock.now += 3.0
    assert (cursors.collect(), cursors.collect()) == (2, 0)
    assert cursors.stats(INDEX).total == 1


def test_an_index_has_so_many_cursors_and_no_more() -> None:
    clock = Clock()
    cursors = table(clock, limit=2)
    cursors.release(cursors.open(INDEX, "a", 1.0), done=False)
    cursors.release(cursors.open(INDEX, "b", 60.0), done=False)
    cursors.open(OTHER, "c", 1.0)
    with pytest.raises(CommandError, match="INDEX_CURSOR_LIMIT of 2 has been reached for an index"):
        cursors.open(INDEX, "d", 1.0)
    clock.now += 2.0  # the first has expired: there is room again
    cursors.open(INDEX, "d", 1.0)


def test_deleting() -> None:
    cursors = table(Clock())
    cursor = cursors.open(INDEX, "state", 5.0)
    cursors.delete(cursor.id)  # while it is being read: closed when that is over
    cursors.release(cursor, done=False)
    with pytest.raises(CommandError, match="Cursor does not exist"):
        cursors.delete(cursor.id)


def test_statistics_tell_idle_from_busy_and_one_index_from_another() -> None:
    cursors = table(Clock())
    cursors.release(cursors.open(INDEX, "a", 5.0), done=False)
    cursors.open(INDEX, "b", 5.0)
    cursors.open(OTHER, "c", 5.0)
    stats = cursors.stats(INDEX)
    assert (stats.idle, stats.total, stats.of_index) == (1, 3, 2)


# ---- pages -----------------------------------------------------------------------------------------------------------


def source(count: int) -> ListSource:
    return ListSource([{"n": b"%d" % row} for row in range(count)], [spec("n", "NUMERIC", sortable=True)])


def pages(pipeline: Pipeline, rows: int, count: int) -> list[tuple[int, int, list[float]]]:
    """(RESP2's total, RESP3's, the values of n) of each read until the cursor is done."""
    execution, found = Execution(pipeline, source(rows)), []
    while True:
        page = execution.read(count)
        found.append((page.first_total, page.total, [value for row in page.rows for _, value in row]))
        if page.done:
            return found


def test_pages_of_a_plain_query_count_what_each_of_them_read() -> None:
    assert pages(Pipeline((Load((b"n",)), Apply(b"@n", "n"))), 7, 3) == [
        (1, 3, [0.0, 1.0, 2.0]),
        (1, 3, [3.0, 4.0, 5.0]),
        (1, 1, [6.0]),
    ]


def test_a_page_that_is_exactly_full_is_followed_by_an_empty_one() -> None:
    assert [rows for _, _, rows in pages(Pipeline((Apply(b"@n", "n"),)), 4, 2)] == [[0.0, 1.0], [2.0, 3.0], []]


def test_a_sorted_query_has_read_everything_by_its_first_page() -> None:
    sort = Arrange((SortKey("n", False),), 0, 100)
    assert [(first, total) for first, total, _ in pages(Pipeline((sort,)), 7, 3)] == [(7, 7), (0, 0), (0, 0)]
    assert [(first, total) for first, total, _ in pages(Pipeline((GroupBy(("n",)),)), 7, 3)] == [(7, 7), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("steps", "rows"),
    [
        ((Arrange(None, 2, 3),), [3, 0]),
        ((Arrange(None, 5, 3),), [2]),  # the source ends before the limit does
        ((Arrange(None, 0, 3), Filter(b"@n < 2")), [2]),
        ((Arrange((SortKey("n", True),), 2, 3),), [3, 0]),
        ((Arrange((SortKey("n", True),), 0, 3),), [3]),
        ((Arrange(None, 0, 3), GroupBy(("n",))), [3]),
        ((GroupBy(("n",)), Arrange(None, 0, 3)), [3, 0]),
    ],
)
def test_a_page_of_all_a_limit_lets_through_leaves_the_cursor_open(steps: tuple[Any, ...], rows: list[int]) -> None:
    """As asked of 2.10.5: a SORTBY that takes the first rows only knows that it has no more."""
    assert [len(page) for _, _, page in pages(Pipeline((Load((b"n",)), *steps)), 7, 1000)] == rows


def test_a_filter_counts_the_rows_it_drops() -> None:
    assert pages(Pipeline((Filter(b"@n > 3"),)), 7, 2) == [(5, 6, [4.0, 5.0]), (1, 1, [6.0])]


def test_withcount_reads_everything_first() -> None:
    limited = Pipeline((Apply(b"@n", "n"), Arrange(None, 1, 2)), exact_total=True)
    assert pages(limited, 5, 10) == [(5, 5, [1.0, 2.0]), (0, 0, [])]
    assert pages(Pipeline((Apply(b"@n", "n"),), exact_total=True), 2, 10) == [(2, 2, [0.0, 1.0])]


def test_many_small_pages_give_every_row_once() -> None:
    found = pages(Pipeline((Apply(b"@n", "n"),)), 3000, 7)
    assert [value for _, _, rows in found for value in rows] == list(np.arange(3000.0))


def test_an_error_comes_with_the_page_whose_first_row_has_it() -> None:
    documents = [{"n": b"%d" % row, **({"m": b"1"} if row < 3 else {})} for row in range(5)]
    rows = ListSource(documents, [spec("n", "NUMERIC", sortable=True), spec("m", "NUMERIC")])
    execution = Execution(Pipeline((Load((b"m",)), Apply(b"@m + 1", "y"))), rows)
    first = execution.read(2)
    assert (len(first.rows), first.warning, first.done) == (2, "", False)
    second = execution.read(2)
    assert (len(second.rows), second.warning.startswith("Could not find"), second.done) == (1, True, True)


# ---- running out of time ---------------------------------------------------------------------------------------------


class Ticking:
    """A clock that moves on each time somebody looks."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def timed(pipeline: Pipeline, **options: Any) -> Execution:
    return Execution(pipeline, source(5000), seconds=1.0, clock=Ticking(0.4), **options)


def test_time_running_out_gives_the_rows_so_far_and_says_so() -> None:
    page = timed(Pipeline((Apply(b"@n", "n"),))).read()
    assert page.warning == "Timeout limit was reached"
    assert 0 < len(page.rows) < 5000
    assert not page.done  # a cursor may read on


def test_time_running_out_is_an_error_where_the_configuration_says_so() -> None:
    with pytest.raises(CommandError, match="Timeout limit was reached"):
        timed(Pipeline((Apply(b"@n", "n"),)), fail_on_timeout=True).read()


def test_a_sort_orders_what_was_read_in_time() -> None:
    page = Execution(
        Pipeline((Arrange((SortKey("n", False),), 0, 3),)), source(200_000), seconds=1.0, clock=Ticking(0.4)
    ).read()
    assert page.warning == "Timeout limit was reached"
    assert [value for row in page.rows for _, value in row] == sorted(
        (v for row in page.rows for _, v in row), reverse=True
    )
