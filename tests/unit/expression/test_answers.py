"""Expressions on five rows against what a real RediSearch answered for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redisvss.expression import Column, ExpressionError, Frame, Text, Value, column_of, evaluate, parse_expression
from redisvss.expression.frame import as_column
from redisvss.numbers import format_number

_RECORDED = Path(__file__).with_name("answers-2.10.5.jsonl").read_text().splitlines()[1:]
ANSWERS = [json.loads(line) for line in _RECORDED]

# n and t are SORTABLE, q and m loaded; m has a value in every other row.
ROWS = 5
COLUMNS = {
    "n": Column(np.arange(5.0)),
    "t": column_of([Text(b"t%d" % row) for row in range(ROWS)]),
    "q": column_of([b"1,2", b"1,2", b"1,2", b"x", b"1,2"]),
    "m": Column(np.arange(5.0), np.array([False, True, False, True, False])),
}
NO_VALUE_2_10_5 = "{}: has no value, consider using EXISTS if applicable"
NO_VALUE = "Could not find the value for a parameter name, consider using EXISTS if applicable for "  # 2.10.33


def shown(value: Value) -> Any:
    match value:
        case float():
            return format_number(value).decode()
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case list():
            return [shown(item) for item in value]
        case _:
            return value


def answer(expression: str) -> list[Any] | str:
    """The values of the rows in front of the first error; the error's text if there are none."""
    try:
        tree = parse_expression(expression.encode("utf-8", "surrogateescape"))
        frame = Frame(ROWS, COLUMNS.__getitem__)
        result = as_column(evaluate(tree, frame), ROWS)
    except ExpressionError as error:
        return str(error)
    except KeyError as error:
        return f"Property `{error.args[0]}` not loaded nor in pipeline"
    if frame.warned_at == 0:
        return frame.warning
    if frame.limit:
        return [shown(value) for value in result.values[: frame.limit].tolist()]
    if frame.error.startswith(NO_VALUE):
        return NO_VALUE_2_10_5.format(frame.error.removeprefix(NO_VALUE))
    return frame.error


@pytest.mark.parametrize(("expression", "wanted"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_answers_as_redisearch_does(expression: str, wanted: list[Any] | str) -> None:
    assert answer(expression) == wanted
