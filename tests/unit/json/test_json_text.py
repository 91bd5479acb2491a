"""JSON text in and out: what survives, and how RedisJSON 2.8.3 words what is malformed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from redisvss.documents.json import Style, parse, parse_input, serialize, to_text
from redisvss.documents.jsonvalue import equal, type_name
from redisvss.errors import CommandError

UNCHANGED = [
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-123456789012345678901234567890",
    "[0.0012345678901234567,123456789012345678901]",
    '{"a":123456789012345678901,"b":0.012345678901234567}',
    "[-123456789012345678901234567890]",
    '["0.1234567890123456789012",1e23]',
    "1.0",
    "-0.0",
    "1000000000000000.0",
    "1e16",
    "1e22",
    "1.7976931348623157e308",
    "5e-324",
    "0.00001",
    "1e-6",
    "0.30000000000000004",
    '{"b":1,"a":2,"c":{"z":1,"y":2}}',
    '"\\u0000\\u001f\\n\\"\\\\é😀\x7f"',
    '["e+ in a string","1e+5",1e300]',
    "[]",
    "{}",
    '[null,true,false,{"":[]}]',
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_canonical_text_survives_unchanged(text: str) -> None:
    assert serialize(parse(text.encode())).decode() == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (' { "a" : [ 1 , 2 ] } ', '{"a":[1,2]}'),
        ('{"a":1,"b":3,"a":2}', '{"a":2,"b":3}'),
        ("-0", "-0.0"),
        ("[-0,1]", "[-0.0,1]"),
        ("1E2", "100.0"),
        ('"\\u00e9\\/"', '"é/"'),
        ('"2020-01-05 -0 1234567890123456789012"', '"2020-01-05 -0 1234567890123456789012"'),
    ],
)
def test_other_spellings_are_written_as_redisjson_does(text: str, written: str) -> None:
    assert serialize(parse(text.encode())).decode() == written


def test_long_fractions_do_not_take_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """As embeddings have them; the slow way took four times as long for 1,536 numbers."""
    monkeypatch.setattr("redisvss.documents.json._parse_exactly", lambda text: pytest.fail("parsed slowly"))
    text = '[0.0012345678901234567,-0.00012345678901234567,12345678901234567890123e-3,"12345678901234567890123"]'
    assert parse(text.encode()) == json.loads(text)


MALFORMED = {
    "": "EOF while parsing a value at line 1 column 0",
    "{": "EOF while parsing an object at line 1 column 1",
    "[": "EOF while parsing a list at line 1 column 1",
    "[1,": "EOF while parsing a value at line 1 column 3",
    "[1,]": "trailing comma at line 1 column 4",
    '{"a":1,}': "trailing comma at line 1 column 8",
    "[1 2]": "expected `,` or `]` at line 1 column 4",
    '{"a":1 "b":2}': "expected `,` or `}` at line 1 column 8",
    '{"a" 1}': "expected `:` at line 1 column 6",
    "{1:2}": "key must be a string at line 1 column 2",
    "nul": "EOF while parsing a value at line 1 column 3",
    '{"a":tru}': "expected ident at line 1 column 9",
    "NaN": "expected value at line 1 column 1",
    "01": "invalid number at line 1 column 2",
    "1.": "EOF while parsing a value at line 1 column 2",
    "--1": "invalid number at line 1 column 2",
    "1e400": "number out of range at line 1 column 5",
    '"abc': "EOF while parsing a string at line 1 column 4",
    '"\t"': "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2",
    '"\n"': "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0",
    '"\\x"': "invalid escape at line 1 column 3",
    '"\\u12G4"': "invalid escape at line 1 column 6",
    '"\\ud800"': "unexpected end of hex escape at line 1 column 8",
    '"\\udc00"': "lone leading surrogate in hex escape at line 1 column 7",
    '"\\ud800\\u0041"': "lone leading surrogate in hex escape at line 1 column 13",
    "[1,\n\n 2,,3]": "expected value at line 3 column 4",
    "1 2": "trailing characters at line 1 column 3",
    "[" * 128 + "]" * 128: "recursion limit exceeded at line 1 column 128",
    '{"a":' * 64 + "[" * 64 + "]" * 64 + "}" * 64: "recursion limit exceeded at line 1 column 384",
}


@pytest.mark.parametrize(("text", "error"), MALFORMED.items())
def test_malformed_text_is_refused_in_redisjsons_words(text: str, error: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse_input(text.encode())
    assert str(refused.value) == error


@pytest.mark.parametrize("text", [b'"\xff"', b"\xff", b'"a\xc3"', b'"\xed\xa0\x80"'])
def test_text_must_be_utf8(text: bytes) -> None:
    with pytest.raises(CommandError, match="Couldn't parse as UTF-8 string"):
        parse(text)


def test_a_value_may_nest_127_deep() -> None:
    text = b"[" * 127 + b"]" * 127
    assert serialize(parse_input(text)) == text
    wide = b"[" + b",".join([b"[]"] * 1000) + b"]"
    assert serialize(parse_input(wide)) == wide


def test_a_document_too_deep_to_write_is_an_error() -> None:
    with pytest.raises(CommandError, match="recursion limit exceeded"):
        serialize(parse(b"[" * 300 + b"]" * 300))


def _random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 7)
    match kind:
        case 0:
            return rng.choice([None, True, False])
        case 1:
            return rng.randint(-(2**70), 2**70)
        case 2:
            return rng.randint(-100, 100)
        case 3 | 4:
            return rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300)
        case 5 | 6:
            return "".join(rng.choices('ab"\\\n\x00é😀{[0e+-', k=rng.randrange(8)))
        case 7:
            return [_random_value(rng, depth - 1) for _ in range(rng.randrange(5))]
        case _:
            return {f"k{rng.randrange(20)}": _random_value(rng, depth - 1) for _ in range(rng.randrange(5))}


def test_random_values_survive_and_read_as_the_standard_library_reads_them() -> None:
    rng = random.Random(11)
    for _ in range(3000):
        value = _random_value(rng, 4)
        text = serialize(value)
        assert equal(parse(text), value, exact=True)
        assert equal(json.loads(text), value, exact=True)
        assert serialize(parse(text)) == text


def test_style_lays_out_as_redisjson_does() -> None:
    value = {"a": 1, "d": {"y": [1, 2]}, "e": [], "f": {}, "g": [[], [{}]]}
    assert serialize(value, Style(b"\t", b"\n", b" ")).decode() == (
        '{\n\t"a": 1,\n\t"d": {\n\t\t"y": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t},\n\t"e": [],\n\t"f": {},\n'
        '\t"g": [\n\t\t[],\n\t\t[\n\t\t\t{}\n\t\t]\n\t]\n}'
    )
    assert serialize({"a": [1, {}]}, Style(indent=b"--")) == b'{--"a":[----1,----{}--]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", b"it's"),
        (1.0, b"1"),
        (1.5, b"1.5"),
        (12345678901234, b"1.23456789012e+13"),
        (True, b"1"),
        (False, b"0"),
        (None, None),
        ([1, 2.0, "a"], b'[1,2.0,"a"]'),
        ({"a": None}, b'{"a":null}'),
    ],
)
def test_text_of_a_returned_value(value: Any, text: bytes | None) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("null", "null"),
        ("true", "boolean"),
        ("1", "integer"),
        ("18446744073709551615", "integer"),
        ("18446744073709551616", "number"),
        ("1.0", "number"),
        ('"a"', "string"),
        ("[]", "array"),
        ("{}", "object"),
    ],
)
def test_type_names(text: str, name: str) -> None:
    assert type_name(parse(text.encode())) == name


def test_equality_tells_booleans_from_numbers_and_exact_integers_from_doubles() -> None:
    assert not equal(True, 1, exact=False)
    assert not equal([{"a": False}], [{"a": 0}], exact=False)
    assert equal({"a": [1]}, {"a": [1.0]}, exact=False)
    assert not equal({"a": [1]}, {"a": [1.0]}, exact=True)
    assert equal({"a": 1, "b": None}, {"b": None, "a": 1}, exact=True)
    assert not equal({"a": 1}, {"a": 1, "b": None}, exact=True)
