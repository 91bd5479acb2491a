"""to_number, to_str, matched_terms: what is neither arithmetic nor string work. `exists` and `case` are the
evaluator's, because they look at their arguments before these have values; their names are registered here."""

from __future__ import annotations

from redisvss.expression.columns import objects
from redisvss.expression.frame import Frame, Operand, map_rows
from redisvss.expression.functions.registry import function
from redisvss.expression.values import EvaluationError, Text, Value, c_string, string_of, to_number, to_text

MAX_TERMS = 100  # of matched_terms()


@function("to_number", 1, 1)
def convert_to_number(frame: Frame, value: Operand) -> Operand:
    return map_rows(frame, _to_number, value)


def _to_number(value: Value) -> Value:
    number = to_number(value)
    if number is None:
        text = string_of(value)
        shown = "(null)" if text is None else c_string(text)
        raise EvaluationError(f"to_number: cannot convert string '{shown}'")
    return number


@function("to_str", 1, 1)
def convert_to_text(frame: Frame, value: Operand) -> Operand:
    return map_rows(frame, to_text, value)


@function("matched_terms", 0, None)
def matched_terms(frame: Frame, *limit: Operand) -> Operand:
    """The query's terms each row matched, at most 100; null where there are none. Any wrong argument is ignored."""
    number = to_number(limit[0]) if len(limit) == 1 and isinstance(limit[0], (float, bytes)) else None
    maximum = min(int(number), MAX_TERMS) if number is not None and 1 <= number < 2**31 else MAX_TERMS
    if frame.context.matched_terms is None:
        return None
    terms = frame.context.matched_terms(frame.outer_rows(), maximum)
    return objects(([Text(term) for term in row] or None for row in terms), frame.size)


@function("exists", 1, 1)
def exists(frame: Frame, value: Operand) -> Operand:
    """Of anything but a property: it has a value, or evaluating it failed before."""
    return 1.0


@function("case", 3, 3, "Function `case()` requires exactly 3 arguments")
def case(frame: Frame, condition: Operand, then: Operand, otherwise: Operand) -> Operand:
    raise AssertionError("the evaluator chooses the branch")
