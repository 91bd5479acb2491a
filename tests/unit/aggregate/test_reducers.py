"""Reducers one by one, against what RediSearch 2.10.5 answered and against plain Python."""

from __future__ import annotations

import hashlib
import json
import math
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redisvss.aggregate.reducers import REDUCERS, Arguments, Groups
from redisvss.aggregate.reducers.sketches import estimate, read_sketch
from redisvss.expression import Column, Multi, Text, Value, column_of

RECORDED = json.loads(Path(__file__).with_name("quantiles-2.10.5.json").read_text())


def reduce(text: str, codes: Sequence[int], *columns: Column) -> list[Any]:
    """`NAME args…` applied to groups given by each row's number."""
    name, *args = text.split()
    reducer = REDUCERS[name](Arguments(name, [arg.encode() for arg in args], lambda property: None))
    groups = Groups(np.array(codes, np.intp), max(codes, default=-1) + 1)
    return reducer.reduce(groups, columns).values.tolist()


def numbers(*values: float | None) -> Column:
    return Column(np.array([value or 0.0 for value in values]), np.array([value is not None for value in values]))


ROWS = [0, 1, 0, 0, 1, 2]
SOME = numbers(1, 2, 3, None, 5, None)
MIXED = column_of([1.0, b"2", b"x", [b"3", 4.0], None, b""], [True, True, True, True, True, False])


@pytest.mark.parametrize(
    ("text", "column", "values"),
    [
        ("SUM p", SOME, [4.0, 7.0, 0.0]),
        ("AVG p", SOME, [4 / 3, 3.5, 0.0]),
        ("MIN p", SOME, [1.0, 2.0, 0.0]),
        ("MAX p", SOME, [3.0, 5.0, 0.0]),
        ("STDDEV p", SOME, [math.sqrt(2), math.sqrt(4.5), 0.0]),
        ("COUNT_DISTINCT p", SOME, [2.0, 2.0, 0.0]),
        ("TOLIST p", SOME, [[1.0, 3.0], [2.0, 5.0], []]),
        ("FIRST_VALUE p", SOME, [1.0, 2.0, None]),
        ("QUANTILE p 0.5", SOME, [1.0, 2.0, 0.0]),
        ("SUM p", MIXED, [1.0, 2.0, 0.0]),
        ("MIN p", MIXED, [1.0, 2.0, 0.0]),
        ("STDDEV p", MIXED, [pytest.approx(statistics.stdev([1, 3, 4])), 0.0, 0.0]),
        ("QUANTILE p 1", MIXED, [4.0, 2.0, 0.0]),
        ("COUNT_DISTINCT p", MIXED, [3.0, 1.0, 0.0]),
        ("TOLIST p", MIXED, [[1.0, b"x", b"3", 4.0], [b"2", None], []]),
        ("RANDOM_SAMPLE p 5", SOME, [[1.0, 3.0], [2.0, 5.0], []]),
    ],
)
def test_what_counts_as_a_value(text: str, column: Column, values: list[Value]) -> None:
    assert reduce(text, ROWS, column) == values


def test_infinite_extremes_show_as_zero() -> None:
    assert reduce("MAX p", [0, 0], numbers(1, math.inf)) == [0.0]


def test_the_number_one_is_not_the_string_one() -> None:
    assert reduce("COUNT_DISTINCT p", [0, 0, 0], column_of([1.0, b"1", Text(b"1")])) == [2.0]


def test_multi_values_count_by_their_first_value() -> None:
    column = column_of([Multi(1.0, b"[1,2]"), Multi(1.0, b"[1,3]"), 1.0])
    assert reduce("COUNT_DISTINCT p", [0, 0, 0], column) == [1.0]


@pytest.mark.parametrize(("order", "wanted"), [("ASC", "b"), ("DESC", "c"), ("", "b")])
def test_first_value_by_passes_over_rows_that_sort_by_nothing(order: str, wanted: str) -> None:
    """In ascending order RediSearch forgets the best row when it meets a null, and would answer `e` here."""
    values, by = column_of([b"a", b"b", b"c", b"d", b"e"]), numbers(None, 1, 9, None, 4)
    assert reduce(f"FIRST_VALUE p BY q {order}", [0] * 5, values, by) == [wanted.encode()]


def test_first_value_by_skips_rows_without_the_value_and_keeps_the_first_of_equals() -> None:
    values = column_of([b"a", b"b", b"c", b"d"], [False, True, True, True])
    assert reduce("FIRST_VALUE p BY q", [0, 0, 0, 1], values, numbers(1, 2, 2, 3)) == [b"b", b"d"]
    assert reduce("FIRST_VALUE p BY q DESC", [0] * 4, values, column_of([b"z", b"b", b"y", b"a"])) == [b"c"]


def test_a_sample_is_of_the_group_and_no_larger_than_asked() -> None:
    (sample,) = reduce("RANDOM_SAMPLE p 10", [0] * 1000, Column(np.arange(1000.0)))
    assert len(set(sample)) == 10 and all(0 <= value < 1000 for value in sample)


@pytest.mark.parametrize("setting", RECORDED["answers"])
def test_quantiles_follow_redisearchs_estimate(setting: str) -> None:
    random.seed(1)
    values = [round(random.gauss(0, 100), 3) for _ in range(3000)]
    resolution, fraction = setting.split(",")
    (found,) = reduce(f"QUANTILE n {fraction} {resolution}", [0] * 3000, numbers(*values))
    assert found == float(RECORDED["answers"][setting])


DIGEST_OF_NUMBERS = "5682095c1ea14e24d0f409039fa095f8e3d42b1dbb949f2bf5b7ce86b215dc73"
DIGEST_OF_WORDS = "81e2e996c4fccbc8ecc54863e812d3fad4d872b62191ecd664839e5e1b05cab8"


def test_a_sketch_is_redisearchs_byte_for_byte() -> None:
    ordinals = Column(np.arange(500) * 1.5)
    words = column_of([b"word%d" % (row % 321) for row in range(500)])
    for column, digest in ((ordinals, DIGEST_OF_NUMBERS), (words, DIGEST_OF_WORDS)):
        (sketch,) = reduce("HLL p", [0] * 500, column)
        assert hashlib.sha256(sketch).hexdigest() == digest


def test_sketches_add_up_and_what_is_none_is_passed_over() -> None:
    codes = [row // 67 for row in range(500)]
    parts = reduce("HLL n", codes, Column(np.arange(500) * 1.5))
    column = column_of([*parts, b"no sketch", None, 3.0])
    assert reduce("HLL_SUM h", [0] * len(column), column) == [115.0]  # as RediSearch estimates the 500 values
    assert reduce("HLL_SUM h", [0], column_of([b""])) == [0.0]


def test_an_estimate_of_well_spread_hashes_is_close() -> None:
    chance = np.random.default_rng(5)
    registers = np.zeros(256, np.uint8)
    for value in chance.integers(0, 2**32, 5000).tolist():
        rank = min(((value & -value).bit_length() or 33), 25)
        registers[value >> 24] = max(registers[value >> 24], rank)
    assert abs(estimate(registers) - 5000) < 5000 * 0.2


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0\xff", b"\0\0\0\0\x08" + b"\0" * 255, b"\0\0\0\0\x40", 1.0, None])
def test_what_is_no_sketch(raw: Value) -> None:
    assert read_sketch(raw) is None


NAIVE: dict[str, Callable[[list[float | None]], float]] = {
    "SUM": lambda values: math.fsum(v for v in values if v is not None),
    "AVG": lambda values: math.fsum(v for v in values if v is not None) / len(values),
    "MIN": lambda values: min((v for v in values if v is not None), default=0.0),
    "MAX": lambda values: max((v for v in values if v is not None), default=0.0),
    "COUNT_DISTINCT": lambda values: len({v for v in values if v is not None}),
    "STDDEV": lambda values: _deviation([v for v in values if v is not None]),
    "COUNT": len,
}


def _deviation(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


@pytest.mark.parametrize("name", NAIVE)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_plain_python_on_random_groups(name: str, seed: int) -> None:
    chance = random.Random(seed)
    size, groups = 2000, 37
    codes = [*range(groups), *(chance.randrange(groups) for _ in range(size - groups))]
    values = [
        None if chance.random() < 0.2 else chance.choice([chance.gauss(0, 1e6), float(chance.randint(0, 9))])
        for _ in codes
    ]
    args = name if name == "COUNT" else f"{name} p"
    found = reduce(args, codes, *([] if name == "COUNT" else [numbers(*values)]))
    for group in range(groups):
        wanted = NAIVE[name]([value for code, value in zip(codes, values, strict=True) if code == group])
        assert found[group] == pytest.approx(wanted, rel=1e-9, abs=1e-6)
