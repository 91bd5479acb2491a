"""What each field type takes, from a hash and from JSON, and what it says of the rest. Texts: RediSearch 2.10."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from redisvss.fields import FIELD_TYPES
from redisvss.fields.base import Field, InvalidValue
from redisvss.index.distance import encode
from redisvss.schema import FieldSpec, IndexDefinition

VECTOR = {"algorithm": "FLAT", "dtype": "FLOAT32", "dim": 2, "metric": "L2"}


def field(kind: str, key_type: str = "HASH", options: dict[str, Any] | None = None, **flags: bool) -> Field:
    spec = FieldSpec(b"f", b"f", kind, options or {}, **flags)
    return FIELD_TYPES[kind](spec, IndexDefinition(b"idx", (spec,), key_type))


def failure(made: Field, raw: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        made.decode(raw) if isinstance(raw, bytes) else made.decode_json([raw])
    return str(caught.value)


HASHES = [
    (field("TAG"), b" Foo ,bar,, BAR ", ("foo", "bar")),
    (field("TAG", options={"separator": ";"}), b"x;y z;q,r", ("x", "y z", "q,r")),
    (field("TAG", options={"casesensitive": True}), b"Abc,abc", ("Abc", "abc")),
    (field("TAG", index_empty=True), b",a,", ("", "a")),
    (field("TAG"), b"", ()),
    (field("TAG"), b"before\0after", ("before",)),
    (field("TAG"), "Ünï,ÜNÏ".encode(), ("ünï",)),
    (field("NUMERIC"), b"1e3", [1000.0]),
    (field("NUMERIC"), b"-inf", [-np.inf]),
    (field("GEO"), b"1.5,-2", [(1.5, -2.0)]),
    (field("GEO"), b"1.5, -2", [(1.5, -2.0)]),
    (field("GEO"), b"1.5 -2", [(1.5, -2.0)]),
    (field("VECTOR", options=VECTOR), struct.pack("<2f", 1, 2), struct.pack("<2f", 1, 2)),
]


@pytest.mark.parametrize(("made", "raw", "value"), HASHES)
def test_values_of_a_hash(made: Field, raw: bytes, value: Any) -> None:
    assert made.decode(raw) == value


REFUSED = [
    (field("NUMERIC"), b"abc", "Invalid numeric value: 'abc'"),
    (field("NUMERIC"), b"", "Invalid numeric value: ''"),
    (field("NUMERIC"), b"nan", "Invalid numeric value: 'nan'"),
    (field("GEO"), b"", "Invalid geo string"),
    (field("GEO"), b"1,2,3", "Invalid geo string"),
    (field("GEO"), b"1 , 2", "Invalid geo string"),
    (field("GEO"), b"181,0", "Invalid geo coordinates: 181.000000, 0.000000"),
    (field("GEO"), b"0,-86", "Invalid geo coordinates: 0.000000, -86.000000"),
    (field("VECTOR", options=VECTOR), b"abc", "Could not add vector with blob size 3 (expected size 8)"),
    (field("VECTOR", options=VECTOR), b"", "Could not add vector with blob size 0 (expected size 8)"),
]


@pytest.mark.parametrize(("made", "raw", "text"), REFUSED)
def test_values_of_a_hash_that_are_refused(made: Field, raw: bytes, text: str) -> None:
    assert failure(made, raw) == text


JSON = [
    (field("TAG", "JSON"), "Dark Blue, red ", ("dark blue, red ",)),
    (field("TAG", "JSON", {"separator": ","}), "Dark Blue, red ", ("dark blue", "red")),
    (field("TAG", "JSON"), ["a", None, "B"], ("a", "b")),
    (field("TAG", "JSON"), True, ("true",)),
    (field("TAG", "JSON"), None, None),
    (field("NUMERIC", "JSON"), [1, None, 2.5], [1.0, 2.5]),
    (field("NUMERIC", "JSON"), 7, [7.0]),
    (field("NUMERIC", "JSON"), None, None),
    (field("GEO", "JSON"), ["1,2", "3,4"], [(1.0, 2.0), (3.0, 4.0)]),
]


@pytest.mark.parametrize(("made", "raw", "value"), JSON)
def test_values_of_json(made: Field, raw: Any, value: Any) -> None:
    assert made.decode_json([raw]) == value


def test_vectors_of_json() -> None:
    made = field("VECTOR", "JSON", VECTOR)
    blob = np.array([1, 2.5], "<f4").tobytes()
    for one in ([[1, 2.5]], [[[1, 2.5]]], [None, [1, 2.5]]):
        assert made.decode_json(one) == blob
    for several in ([[1, 2], [3, 4]], [[[1, 2], [3, 4]]]):
        assert np.array_equal(made.decode_json(several), [[1, 2], [3, 4]])
    for none in ([None], [None, None]):
        assert made.decode_json(none) is None
    assert np.array_equal(made.decode_json([[1, 2], None, [3, 4]]), [[1, 2], [3, 4]])


def test_a_path_that_finds_numbers_finds_no_vector() -> None:
    with pytest.raises(InvalidValue, match="Numeric type can represent only NUMERIC field"):
        field("VECTOR", "JSON", VECTOR).decode_json([1, 2.5])


@pytest.mark.parametrize("dtype", ["FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16", "INT8", "UINT8"])
def test_a_vector_of_json_is_the_blob_of_its_numbers(dtype: str) -> None:
    made = field("VECTOR", "JSON", {**VECTOR, "dtype": dtype})
    assert made.decode(made.decode_json([[1, 100]])) == encode(np.array([1.0, 100.0]), dtype).tobytes()


def test_a_document_of_several_vectors_becomes_one_of_one_and_back() -> None:
    made = field("VECTOR", "JSON", VECTOR)
    for vectors in ([[0, 1], [1, 0]], [[0, 1]], [[1, 0], [5, 5]], [[5, 5]]):
        made.replace([7, 8], [made.decode_json(vectors), made.decode_json([[9, 9]])])
        nearest = made.index.knn(np.array([5, 5], np.float32), 1)
        away = min((x - 5) ** 2 + (y - 5) ** 2 for x, y in vectors)
        expected = (7, away) if away < 32 else (8, 32)
        assert (*nearest.doc_ids.tolist(), *nearest.distances.tolist()) == expected


WRONG = [
    (field("TAG", "JSON"), 5, "Invalid JSON type: Numeric type can represent only NUMERIC field"),
    (field("TAG", "JSON"), ["a", 5], "TEXT/TAG fields can only contain strings or nulls"),
    (
        field("NUMERIC", "JSON"),
        "5",
        "Invalid JSON type: String type can represent only TEXT, TAG, GEO or GEOMETRY field",
    ),
    (field("TAG", "JSON"), [True], "TEXT/TAG fields can only contain strings or nulls"),
    (field("TAG", "JSON"), ["a", False], "TEXT/TAG fields can only contain strings or nulls"),
    (field("NUMERIC", "JSON"), True, "Invalid JSON type: Boolean type can be represent only TAG field"),
    (field("NUMERIC", "JSON"), [1, "x"], "NUMERIC fields can only contain numeric or nulls"),
    (field("NUMERIC", "JSON"), {}, "Invalid JSON type: Object type can represent only GEOMETRY fields"),
    (field("GEO", "JSON"), "here", "Invalid geo string"),
    (field("VECTOR", "JSON", VECTOR), [1, 2, 3], "Invalid vector length. Expected 2, got 3"),
    (field("VECTOR", "JSON", VECTOR), [], "Empty array for vector field on JSON document"),
]


@pytest.mark.parametrize(("made", "raw", "text"), WRONG)
def test_values_of_json_that_are_refused(made: Field, raw: Any, text: str) -> None:
    assert failure(made, raw) == text


@pytest.mark.parametrize("kind", ["TAG", "NUMERIC", "GEO", "VECTOR"])
def test_a_field_forgets_what_is_removed_and_takes_what_replaces_it(kind: str) -> None:
    made = field(kind, options=VECTOR if kind == "VECTOR" else {})
    raw = {"TAG": b"a", "NUMERIC": b"1", "GEO": b"1,2", "VECTOR": bytes(8)}[kind]
    value = made.decode(raw)
    made.put([3, 5], [value, value])
    assert list(made.docs()) == [3, 5]
    made.replace([5], [value])
    made.remove([3, 4])
    assert list(made.docs()) == [5]
    assert made.memory_bytes() > 0
