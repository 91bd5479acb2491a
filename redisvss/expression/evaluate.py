"""Evaluating a tree on many rows at once.

Each node is computed for a whole column before its parent: numbers by numpy, everything else by a loop over the column.
The right side of `&&` and `||` is evaluated only on the rows that need it, so that no row meets an error RediSearch,
going row by row, would not have met.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.columns import PLAIN, Array, Mask, Numbers, kinds, objects
from redisvss.expression.frame import Frame, Operand, each, map_rows, numbers, truths
from redisvss.expression.functions import FUNCTIONS
from redisvss.expression.tree import ARITHMETIC, LOGICAL, Call, Chain, Literal, Node, Not, Property
from redisvss.expression.values import NEGATIVE_NAN, POSITIVE_NAN, Value, equal, order

NO_VALUE = "Could not find the value for a parameter name, consider using EXISTS if applicable for {}"
CASE_UNAVAILABLE = (
    "Function `case()` is unavailable when `ENABLE_UNSTABLE_FEATURES` is off. "
    "Enable it with `FT.CONFIG SET ENABLE_UNSTABLE_FEATURES true`"
)
_INT64_MIN = -(2**63)
_FITS_INT64 = 2.0**63


def evaluate(node: Node, frame: Frame) -> Operand:
    """The value of `node` on every row in front of `frame.limit`, which it moves to the first row that fails."""
    match node:
        case Literal():
            return node.value
        case Property():
            return _property(node, frame)
        case Call():
            return _call(node, frame)
        case Not():
            holds = truths(evaluate_or_null(node.child, frame), frame.size)
            return (holds ^ bool(node.times % 2)).astype(np.float64)
        case Chain():
            return _chain(node, frame)


def _chain(node: Chain, frame: Frame) -> Operand:
    symbol = node.rest[0][0]
    if symbol in LOGICAL:
        return _logical(node, frame)
    return _arithmetic(node, frame) if symbol in ARITHMETIC else _comparisons(node, frame)


# ---- properties ------------------------------------------------------------------------------------------------------


def _property(node: Property, frame: Frame) -> Operand:
    column = frame.column(node.name)
    if column.present is not None:
        missing = np.flatnonzero(~column.present[: frame.limit])
        if len(missing):
            frame.fail(int(missing[0]), NO_VALUE.format(node.name))
    return column.values


def evaluate_or_null(node: Node, frame: Frame) -> Operand:
    """`node`, where a lenient frame takes a property without a value for null."""
    if frame.lenient and isinstance(node, Property):
        return frame.column(node.name).with_nulls().values
    return evaluate(node, frame)


# ---- && || -----------------------------------------------------------------------------------------------------------


def _logical(node: Chain, frame: Frame) -> Operand:
    holds = truths(evaluate_or_null(node.first, frame), frame.size)
    for symbol, operand in node.rest:
        undecided = ~holds if symbol == "||" else holds
        rows = np.flatnonzero(undecided[: frame.limit])
        if len(rows) == frame.size:
            holds = truths(evaluate_or_null(operand, frame), frame.size)
        elif len(rows):
            part = frame.subset(rows)
            holds[rows] = truths(evaluate_or_null(operand, part), part.size)
            frame.absorb(part, rows)
    return holds.astype(np.float64)


# ---- comparisons -----------------------------------------------------------------------------------------------------

_BY_ORDER: dict[str, Callable[[int], bool]] = {
    "==": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def _comparisons(node: Chain, frame: Frame) -> Operand:
    left, missing = _compared(node.first, frame)
    for symbol, operand in node.rest:
        right, also_missing = _compared(operand, frame)
        result = _compare(symbol, left, right, frame)
        if missing is not None or also_missing is not None:
            result = _false_where(missing, also_missing, result, frame.size)
        left, missing = result, None
    return left


def _compared(node: Node, frame: Frame) -> tuple[Operand, Mask | None]:
    """An operand, and where it has no value and may lack one."""
    if frame.lenient and isinstance(node, Property):
        column = frame.column(node.name)
        return column.with_nulls().values, None if column.present is None else ~column.present
    return evaluate(node, frame), None


def _false_where(first: Mask | None, second: Mask | None, result: Operand, size: int) -> Operand:
    values = truths(result, size)
    for missing in (first, second):
        if missing is not None:
            values &= ~missing
    return values.astype(np.float64)


def _compare(symbol: str, left: Operand, right: Operand, frame: Frame) -> Operand:
    if _is_numeric(left) and _is_numeric(right):
        return _compare_numbers(symbol, left, right)
    if symbol in ("==", "!="):
        same = symbol == "=="
        if isinstance(right, bytes) and isinstance(left, np.ndarray):
            return _equals_text(left, right, same, frame.size)
        return map_rows(frame, lambda a, b: float(equal(a, b) == same), left, right)
    holds = _BY_ORDER[symbol]
    return map_rows(frame, lambda a, b: float(holds(order(a, b))), left, right)


def _is_numeric(operand: Operand) -> bool:
    return operand.dtype != object if isinstance(operand, np.ndarray) else isinstance(operand, float)


def _compare_numbers(symbol: str, left: Any, right: Any) -> Operand:
    """NaN compares as equal to everything, as RediSearch's `a > b ? 1 : a < b ? -1 : 0` has it."""
    sign = np.greater(left, right).astype(np.int8) - np.less(left, right)
    return _as_operand(_BY_ORDER[symbol](sign).astype(np.float64))  # type: ignore[attr-defined]


def _equals_text(values: Array, text: bytes, same: bool, size: int) -> Operand:
    """A column against one string: the comparison FILTER makes most."""
    if kinds(values) <= PLAIN:
        found = np.fromiter(map(operator.eq, values.tolist(), repeat(text)), np.bool_, size)
    else:
        found = np.fromiter((equal(value, text) for value in values.tolist()), np.bool_, size)
    holds: Mask = found == same
    return holds.astype(np.float64)


def _as_operand(result: Any) -> Operand:
    return result if isinstance(result, np.ndarray) and result.ndim else float(result)


# ---- arithmetic ------------------------------------------------------------------------------------------------------


def _arithmetic(node: Chain, frame: Frame) -> Operand:
    left = evaluate(node.first, frame)
    for symbol, operand in node.rest:
        right = evaluate(operand, frame)  # before converting: a missing value is noticed first
        left = _compute(symbol, numbers(left, frame), numbers(right, frame))
    return left


def _compute(symbol: str, left: Numbers | float, right: Numbers | float) -> Operand:
    a, b = np.asarray(left), np.asarray(right)
    with np.errstate(all="ignore"):
        result = _OPERATIONS[symbol](a, b)
        invalid = np.isnan(result) & ~np.isnan(a) & ~np.isnan(b)
    if invalid.any():
        by_zero = (b == 0) if symbol in "/%" else np.False_
        result = np.where(invalid, np.where(by_zero, POSITIVE_NAN, NEGATIVE_NAN), result)
    return _as_operand(result)


def _divide(a: Numbers, b: Numbers) -> Any:
    return np.where(b != 0, np.divide(a, b), np.nan)


def _remainder(a: Numbers, b: Numbers) -> Any:
    """C's `%` of the operands cast to 64-bit integers. NaN where the cast divisor is 0, which ends RediSearch."""
    dividend, divisor = _cast_int64(a), _cast_int64(b)
    harmless = np.where((divisor == 0) | (divisor == -1), 1, divisor)
    result = np.fmod(dividend, harmless).astype(np.float64)
    return np.where(divisor == 0, np.nan, result)


def _cast_int64(values: Numbers) -> NDArray[np.int64]:
    """What does not fit becomes the least integer, as on x86."""
    fits = np.abs(values) < _FITS_INT64
    return np.where(fits, np.where(fits, values, 0).astype(np.int64), _INT64_MIN)


def _power(a: Numbers, b: Numbers) -> Any:
    """C's pow: numpy takes the square root for ** 0.5, which has none of an infinite negative number."""
    return np.where((b == 0.5) & np.isinf(a), np.inf, np.power(a, b))


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    "%": _remainder,
    "^": _power,
}


# ---- functions -------------------------------------------------------------------------------------------------------


def _call(node: Call, frame: Frame) -> Operand:
    function = FUNCTIONS[node.function]
    if node.function == "case":
        return _case(node.args, frame)
    if node.function == "exists" and len(node.args) == 1 and isinstance(node.args[0], Property):
        return frame.column(node.args[0].name).mask().astype(np.float64)
    operands = [evaluate(arg, frame) for arg in node.args]
    if not function.takes(len(operands)):
        frame.fail(0, function.arity_error)
        return None
    return function.call(frame, *operands)


def _case(args: Sequence[Node], frame: Frame) -> Operand:
    """`case(condition, then, otherwise)`: each branch is evaluated only where it is chosen."""
    if not frame.context.unstable_features or len(args) != 3:
        unavailable = not frame.context.unstable_features
        frame.fail(0, CASE_UNAVAILABLE if unavailable else FUNCTIONS["case"].arity_error)
        return None
    holds = truths(evaluate(args[0], frame), frame.size)
    values: list[Value] = [None] * frame.size
    for chosen, branch in ((holds, args[1]), (~holds, args[2])):
        rows = np.flatnonzero(chosen[: frame.limit])
        part = frame.subset(rows)
        for row, value in zip(rows.tolist(), each(evaluate(branch, part), part.size), strict=True):
            values[row] = value
        frame.absorb(part, rows)
    if values and all(type(value) is float for value in values):
        return np.array(values, np.float64)
    return objects(values, frame.size)
