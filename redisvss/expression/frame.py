"""The rows an expression is being evaluated on, and how far evaluation got.

An error belongs to a row and stops everything from that row on: a frame keeps the first one, by row. Rows behind it
are still computed where that is cheaper than not doing so; nobody looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from redisvss.expression.columns import Array, Column, Mask, Numbers, Rows, objects
from redisvss.expression.values import NOT_NUMERIC, EvaluationError, Value, to_number, truth

Operand = Array | Value  # a value for each row, or one for all of them

ColumnOf = Callable[[str], Column]
MatchedTerms = Callable[[Rows, int], "list[list[bytes]]"]


@dataclass(frozen=True)
class Context:
    """What functions may ask besides their arguments.

    matched_terms(rows, maximum): the query's terms that matched each row; None behind a sort or a group, where no row
    knows any more. unstable_features: the setting that makes `case()` available.
    """

    matched_terms: MatchedTerms | None = None
    unstable_features: bool = False


NO_CONTEXT = Context()


class Frame:
    """`size` rows; `limit` is the first row that failed (`size` if none), `error` its text."""

    __slots__ = ("_column", "context", "error", "lenient", "limit", "rows", "size", "warned_at", "warning")

    def __init__(
        self,
        size: int,
        column: ColumnOf,
        context: Context = NO_CONTEXT,
        rows: Rows | None = None,
        lenient: bool = False,
    ) -> None:
        """lenient: a comparison with a property that has no value is false, where it otherwise fails."""
        self.size = self.limit = size
        self.error = ""
        self.warning = ""  # an error that does not stop the row it happened on
        self.warned_at = size
        self.context = context
        self.lenient = lenient
        self.rows = rows  # which rows of the outermost frame these are; None: all
        self._column = column

    def column(self, name: str) -> Column:
        return self._column(name)

    def fail(self, row: int, error: str) -> None:
        if row < self.limit:
            self.limit, self.error = row, error

    def warn(self, row: int, warning: str) -> None:
        if row < min(self.warned_at, self.limit):
            self.warned_at, self.warning = row, warning

    def subset(self, rows: Rows) -> Frame:
        """The given rows as a frame of their own; `absorb` brings its errors back."""
        outer = rows if self.rows is None else self.rows[rows]
        return Frame(len(rows), lambda name: self._column(name).take(rows), self.context, outer, self.lenient)

    def absorb(self, part: Frame, rows: Rows) -> None:
        if part.limit < part.size:
            self.fail(int(rows[part.limit]), part.error)
        if part.warned_at < part.size:
            self.warn(int(rows[part.warned_at]), part.warning)

    def outer_rows(self) -> Rows:
        return np.arange(self.size) if self.rows is None else self.rows


def each(operand: Operand, size: int) -> Iterable[Value]:
    """The operand's value for each of the first `size` rows."""
    return operand[:size].tolist() if isinstance(operand, np.ndarray) else repeat(operand, size)


def numbers(operand: Operand, frame: Frame) -> Numbers | float:
    """The operand as doubles; the first row that is none fails."""
    if isinstance(operand, np.ndarray):
        return operand if operand.dtype != object else _convert(operand, frame)
    number = to_number(operand)
    if number is None:
        frame.fail(0, NOT_NUMERIC)
        return 0.0
    return number


def _convert(values: Array, frame: Frame) -> Numbers:
    out = np.zeros(frame.size)
    for row, value in enumerate(values[: frame.limit].tolist()):
        number = to_number(value)
        if number is None:
            frame.fail(row, NOT_NUMERIC)
            break
        out[row] = number
    return out


def truths(operand: Operand, size: int) -> Mask:
    """Whether the operand holds, for each row; a fresh array."""
    if not isinstance(operand, np.ndarray):
        return np.full(size, truth(operand))
    if operand.dtype != object:
        return np.asarray(operand != 0, np.bool_)
    return np.fromiter(map(truth, operand), np.bool_, size)


def map_rows(frame: Frame, function: Callable[..., Value], *operands: Operand) -> Operand:
    """`function` of the operands' values, row by row up to the first EvaluationError; once if all are constant."""
    if not any(isinstance(operand, np.ndarray) for operand in operands):
        return _map_once(frame, function, operands)
    results: list[Any] = []
    columns = [each(operand, frame.limit) for operand in operands]
    try:
        results.extend(map(function, *columns))  # what came before an error stays
    except EvaluationError as error:
        frame.fail(len(results), str(error))
    results.extend(repeat(results[0] if results else None, frame.size - len(results)))
    return _pack(results)


def _pack(results: list[Any]) -> Array:
    if results and all(type(value) is float for value in results):
        return np.array(results)
    return objects(results, len(results))


def _map_once(frame: Frame, function: Callable[..., Value], operands: tuple[Any, ...]) -> Value:
    if not frame.limit:
        return None
    try:
        return function(*operands)
    except EvaluationError as error:
        frame.fail(0, str(error))
        return None


def as_column(operand: Operand, size: int) -> Column:
    if isinstance(operand, np.ndarray):
        return Column(operand)
    if isinstance(operand, float):
        return Column(np.full(size, operand))
    return Column(objects(repeat(operand, size), size))
