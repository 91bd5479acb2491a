"""Keys and ids, and the order of indexing."""

from __future__ import annotations

import pytest

from redisvss.index.doctable import DocTable


def test_ids_are_dense_and_freed_ones_are_given_again() -> None:
    table = DocTable()
    assert [table.add(key) for key in (b"a", b"b", b"c")] == [0, 1, 2]
    assert table.remove(b"b") == 1
    assert table.add(b"d") == 1
    assert (table.id_of(b"b"), table.id_of(b"d"), table.key_of(1)) == (None, 1, b"d")
    assert (sorted(table.live), sorted(table.keys()), len(table)) == ([0, 1, 2], [b"a", b"c", b"d"], 3)


def test_an_id_without_a_document_has_no_key() -> None:
    table = DocTable()
    table.add(b"a")
    table.remove(b"a")
    assert b"a" not in table
    assert list(table.live) == []
    with pytest.raises(KeyError):
        table.key_of(0)
    with pytest.raises(KeyError):
        table.remove(b"a")


def test_an_update_moves_a_document_to_the_end_and_keeps_its_id() -> None:
    table = DocTable()
    for key in (b"a", b"b", b"c"):
        table.touch(table.add(key), 1.0)
    table.touch(0, 0.5)
    assert table.revision[:3].argsort().tolist() == [1, 2, 0]
    assert table.max_doc_id == 4
    assert table.score[:3].tolist() == [0.5, 1.0, 1.0]


def test_growing_keeps_what_was_there() -> None:
    table = DocTable()
    for number in range(3000):
        table.touch(table.add(b"%d" % number), number)
    assert table.revision[:3000].tolist() == list(range(1, 3001))
    assert table.score[:3000].tolist() == list(map(float, range(3000)))
    assert table.key_of(2999) == b"2999"
