"""Strings kept once each: values, order and reuse agree with a plain dictionary."""

from __future__ import annotations

import random

import numpy as np

from redisvss.index.columns import StringColumn


def test_values_and_ranks_follow_every_change() -> None:
    choose = random.Random(5)
    column, plain = StringColumn(), {}
    for step in range(4000):
        doc_id = choose.randrange(3000)
        column.remove(doc_id)
        plain.pop(doc_id, None)
        if choose.random() < 0.7:
            plain[doc_id] = f"w{choose.randrange(200)}é"
            column.put(doc_id, plain[doc_id])
        if step % 500 == 0:
            ids = np.arange(3100, dtype=np.uint32)
            assert column.values(ids) == [plain.get(i) for i in range(3100)]
            ranks = column.ranks(ids)
            assert np.isnan(ranks).tolist() == [i not in plain for i in range(3100)]
            present = sorted(plain, key=lambda i: (plain[i], i))
            assert sorted(plain, key=lambda i: (ranks[i], i)) == present


def test_strings_nobody_holds_are_let_go() -> None:
    column = StringColumn()
    for number in range(10_000):
        column.put(1, f"only {number}")
        column.remove(1)
    assert column.memory_bytes() < 20_000


def test_an_empty_column_ranks_nothing() -> None:
    assert np.isnan(StringColumn().ranks(np.array([0, 5], np.uint32))).all()
