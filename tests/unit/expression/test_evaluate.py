"""Where evaluating many rows at once could go wrong and one row at a time could not."""

from __future__ import annotations

import numpy as np
import pytest

from redisvss.expression import Column, Context, Frame, Multi, Text, column_of, evaluate, parse_expression
from redisvss.expression.evaluate import CASE_UNAVAILABLE
from redisvss.expression.frame import as_column

NO_VALUE = "Could not find the value for a parameter name, consider using EXISTS if applicable for "


def run(text: str, context: Context | None = None, **columns: Column) -> tuple[list[object], str]:
    """The values in front of the first failing row, and its error."""
    size = len(next(iter(columns.values())))
    frame = Frame(size, columns.__getitem__, context or Context())
    values = as_column(evaluate(parse_expression(text.encode()), frame), size).values.tolist()
    return values[: frame.limit], frame.error


def numbers(*values: float | None) -> Column:
    return Column(np.array([value or 0.0 for value in values]), np.array([value is not None for value in values]))


def test_an_error_stops_at_its_own_row() -> None:
    assert run("@a + 1", a=numbers(1, 2, None, 4)) == ([2.0, 3.0], NO_VALUE + "a")


def test_the_error_of_the_earlier_row_wins_over_the_left_operand() -> None:
    assert run("@a + @b", a=numbers(1, 2, None), b=numbers(1, None, 3)) == ([2.0], NO_VALUE + "b")


def test_a_missing_value_is_noticed_before_a_conversion_of_the_same_row() -> None:
    assert run("@a + @b", a=column_of([b"x"]), b=numbers(None)) == ([], NO_VALUE + "b")


def test_the_right_side_is_only_evaluated_where_the_left_does_not_decide() -> None:
    assert run("exists(@a) && @a > 1", a=numbers(None, 2, 1, None)) == ([0.0, 1.0, 0.0, 0.0], "")
    assert run("!exists(@a) || @a > 1", a=numbers(None, 2, 1, None)) == ([1.0, 1.0, 0.0, 1.0], "")


def test_an_error_on_the_right_side_is_reported_for_its_row() -> None:
    values, error = run("@a > 2 && @b > 0", a=numbers(1, 3, 1, 3), b=numbers(None, 1, None, None))
    assert (values, error) == ([0.0, 1.0, 0.0], NO_VALUE + "b")


def test_and_and_or_bind_alike_and_from_the_left() -> None:
    assert run("1 || @a && 0", a=numbers(1))[0] == [0.0]


def test_numbers_and_strings_mix_within_a_column() -> None:
    mixed = column_of([1.0, b"2", Text(b"3"), b"x"])
    assert run("@a * 2", a=mixed) == ([2.0, 4.0, 6.0], "Could not convert value to a number")
    assert run("@a == 2", a=mixed)[0] == [0.0, 1.0, 0.0, 0.0]


def test_case_evaluates_only_the_branch_it_chooses() -> None:
    unstable = Context(unstable_features=True)
    columns = {"a": numbers(1, None, 3), "b": numbers(1, 0, 1)}
    assert run('case(@b, @a, "none")', unstable, **columns) == ([1.0, b"none", 3.0], "")
    assert run('case(@b, "none", @a)', unstable, **columns) == ([b"none"], NO_VALUE + "a")


def test_case_needs_unstable_features() -> None:
    assert run("case(1, 2, 3)", a=numbers(1)) == ([], CASE_UNAVAILABLE)


def test_matched_terms_are_asked_for_the_rows_that_need_them() -> None:
    asked = []

    def matched(rows: np.ndarray, maximum: int) -> list[list[bytes]]:
        asked.append((rows.tolist(), maximum))
        return [[b"t%d" % row] for row in rows]

    values, _ = run("@a > 1 && matched_terms(3)", Context(matched), a=numbers(1, 2, 3))
    assert values == [0.0, 1.0, 1.0]
    assert asked == [([1, 2], 3)]


def test_an_unreadable_point_warns_and_gives_nan() -> None:
    column = column_of([b"1,2", b"nowhere"])
    frame = Frame(2, {"p": column}.__getitem__)
    values = as_column(evaluate(parse_expression(b'geodistance(@p, "1,2")'), frame), 2).values
    assert values[0] == 0.0 and np.isnan(values[1])
    assert (frame.limit, frame.warned_at, frame.warning) == (2, 1, "Invalid geo string")


def test_a_multi_value_compares_by_its_first_value_and_is_no_string() -> None:
    multi = column_of([Multi(2.0, b"[2,3]"), Multi(Text(b"a"), b'["a"]')])
    assert run("@a == 2", a=multi.take(slice(0, 1)))[0] == [1.0]
    assert run("upper(@a)", a=multi.take(slice(1, 2)))[0] == [b"A"]
    assert run("strlen(@a)", a=multi.take(slice(1, 2)))[1].startswith("Invalid type (9) for argument 0")


@pytest.mark.parametrize("text", ["5 % 0.5", "5 % 0", "9223372036854775808 % -1.5"])
def test_remainders_that_end_the_reference_process_have_a_value(text: str) -> None:
    values, error = run(text, a=numbers(1))
    assert error == "" and len(values) == 1


def test_no_rows_is_no_error_even_with_wrong_arguments() -> None:
    assert run("upper(1, 2)", a=Column(np.zeros(0))) == ([], "")


def test_rounding_down_is_right_after_february_2100() -> None:
    march_1_2100 = 4107542400
    assert run(f"day({march_1_2100 + 3601})", a=numbers(1))[0] == [float(march_1_2100)]


def test_times_round_down_for_every_row_and_are_null_for_what_is_no_time() -> None:
    column = column_of([3601.0, -1.0, b"x", b"86400"])
    assert run("hour(@a)", a=column)[0] == [3600.0, None, None, 86400.0]
