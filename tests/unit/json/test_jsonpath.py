"""The path language: what paths select and how malformed ones are refused, as recorded from RedisJSON 2.8.3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from redisvss.documents.json import compile_path, values_at
from redisvss.errors import CommandError

DOCUMENT = json.loads(
    """{"a":1,"b":[1,2.5,null,"x",{"a":5}],"o":{"a":true,"b c":"q","d":{"a":7,"e":[10,20,30]}},"s":"str","z-z":1,
    "é":3,"$x":4,"1":9,"n":null,"nested":[[1,2],[3,[4,5]]],"objs":[{"p":1,"t":"foo","tags":["x","y"]},
    {"p":7.5,"t":"Bar","ok":true},{"p":"str","t":"baz","ok":false,"q":null},{"p":null}]}"""
)

SELECTED = {
    "$.a": "[1]",
    '$["a"]': "[1]",
    "$['a',\"s\"]": '[1,"str"]',
    "$.b[0]": "[1]",
    "$.b[-1]": '[{"a":5}]',
    "$.b[-9]": "[1]",  # a negative index stops at the beginning
    "$.b[9]": "[]",
    "$.b[2,0,0]": "[null,1,1]",
    "$.b[0:2]": "[1,2.5]",
    "$.b[::2]": '[1,null,{"a":5}]',
    "$.b[-2:]": '["x",{"a":5}]',
    "$.b[3:1]": "[]",
    "$.b[1:100]": '[2.5,null,"x",{"a":5}]',
    "$.b[99999999999999999999]": "[]",  # ends RedisJSON 2.8.3
    "$.b[ 0 , 1 ]": "[1,2.5]",
    "$. a": "[1]",
    "$..a": "[1,5,true,7]",
    "$..[0]": '[1,10,[1,2],1,3,4,{"p":1,"t":"foo","tags":["x","y"]},"x"]',
    '$..["a","p"]': '[1,5,true,7,1,7.5,"str",null]',
    "$..*.a": "[true,5,7]",
    "$.*.a": "[true]",
    "$.nested[*][0]": "[1,3]",
    "$.nested..[0]": "[[1,2],1,3,4]",
    "$.o..a": "[true,7]",
    '$.o["b c"]': '["q"]',
    "$.z-z": "[1]",
    "$.$x": "[4]",
    "$.1": "[9]",
    "$[1]": "[]",
    '$["é"]': "[3]",
    "$.b.0": "[]",
    "$.b.[0]": "[1]",
    "$.b.length": "[]",
    "$.b[?(@>1)]": "[2.5]",
    "$.b[?@>1]": "[2.5]",
    "$.b[?(@==1.0)]": "[1]",
    "$.b[?(@!=1)]": '[2.5,null,"x",{"a":5}]',
    "$.b[?(@==null)]": "[null]",
    "$.b[?(@.a)]": '[{"a":5}]',
    "$.objs[?(@.p>=1)].t": '["foo","Bar"]',
    '$.objs[?("foo"==@.t)].p': "[1]",
    "$.objs[?(5<@.p)].t": '["Bar"]',
    "$.objs[?(@.ok)].t": '["Bar","baz"]',
    "$.objs[?(@.ok==false)].t": '["baz"]',
    "$.objs[?(@.q==null)].t": '["baz"]',
    '$.objs[?(@.t=~"(?i)bar")].t': '["Bar"]',
    '$.objs[?(@.t=~"^ba")].t': '["baz"]',
    '$.objs[?(@.t=~"[")].t': "[]",
    '$.objs[?(@.t=~"\\\\w{3}")].t': '["foo","Bar","baz"]',
    '$.objs[?(@.p>5||@.t=="foo"&&@.p<2)].t': '["foo","Bar"]',
    '$.objs[?((@.p>5||@.t=="foo")&&@.p<2)].t': '["foo"]',
    "$.objs[?(@.p>$.a)].t": '["Bar"]',
    "$.objs[?(@.tags[*]=='y')].t": '["foo"]',  # any of several, as the last RedisJSON 2.8
    "$.objs[?(@.*)].t": '["foo","Bar","baz"]',
    '$.objs[?(@["p"]==1)].tags[*]': '["x","y"]',
    "$.o[?(@.a==7)]": '[{"a":7,"e":[10,20,30]}]',
    "$.s[?(@=='str')]": "[]",
    "$..[?(@.p>5)].t": '["Bar"]',
    "$.nope.x": "[]",
    "$.s.x": "[]",
}


@pytest.mark.parametrize(("path", "expected"), SELECTED.items())
def test_a_path_selects_in_document_order(path: str, expected: str) -> None:
    compiled = compile_path(path)
    values = values_at(DOCUMENT, compiled)
    assert json.dumps(values, separators=(",", ":")) == expected
    assert [value for _, value in compiled.locate(DOCUMENT)] == values


@pytest.mark.parametrize("path", SELECTED)
def test_locations_lead_to_the_values(path: str) -> None:
    for location, value in compile_path(path).locate(DOCUMENT):
        found: Any = DOCUMENT
        for key in location:
            found = found[key]
        assert found is value


@pytest.mark.parametrize(
    ("path", "text"),
    [(".", "$"), (".a", "$.a"), ("a", "$.a"), ('["a"]', '$.["a"]'), ("..a", "$..a"), ("$a", "$.$a"), ("*", "$.*")],
)
def test_any_path_without_a_dollar_step_is_a_legacy_path(path: str, text: str) -> None:
    compiled = compile_path(path)
    assert (compiled.legacy, compiled.text, compiled.original) == (True, text, path)


@pytest.mark.parametrize("path", ["$", "$.a", '$["a"][0]', "$.a[-1].b"])
def test_single_paths(path: str) -> None:
    assert compile_path(path).is_single
    assert not compile_path(path).legacy


@pytest.mark.parametrize("path", ["$.*", "$..a", "$.a[0,1]", "$.a[0:1]", '$["a","b"]', "$.a[?(@.x)]"])
def test_paths_that_may_select_several(path: str) -> None:
    assert not compile_path(path).is_single


_MEMBER = "<string>, '*'"
_BRACKET = "'<string>[,<string>,...]', '<number>', ['start:end:steps'], '*'"
_OPERAND = "decimal, from_current, from_root, boolean_true, boolean_false, null"
MALFORMED = {
    "$.": f'2, "$. <<<<----", expected one of the following: {_MEMBER}',
    "$..": f'3, "$.. <<<<----", expected one of the following: {_MEMBER}',
    "": f'2, "$. <<<<----", expected one of the following: {_MEMBER}',
    "$.a b": "4, \"$.a  ---->>>> b\", expected one of the following: EOI, '..'",
    "$[": f'2, "$[ <<<<----", expected one of the following: {_BRACKET}',
    '$["\\n"]': f'2, "$[ ---->>>> "\\n"]", expected one of the following: {_BRACKET}',
    "$.b[1": "4, \"$.b[ ---->>>> 1\", expected one of the following: ['start:end:steps']",
    "$.b[00]": "4, \"$.b[ ---->>>> 00]\", expected one of the following: ['start:end:steps']",
    '$.b["a"': "4, \"$.b[ ---->>>> \"a\"\", expected one of the following: '<number>', ['start:end:steps']",
    "$.b[::-1]": '6, "$.b[:: ---->>>> -1]", expected one of the following: pos_number',
    "$.b[?(@.p==": f'11, "$.b[?(@.p== <<<<----", expected one of the following: {_OPERAND}',
    "$.b[?(@.p==1": '12, "$.b[?(@.p==1 <<<<----", expected one of the following: and, or',
    "$.b[?(!@.p)]": '6, "$.b[?( ---->>>> !@.p)]", expected one of the following: single_filter',
    "$.b[?(@.p=1)]": (
        "9, \"$.b[?(@.p ---->>>> =1)]\", expected one of the following: ge, gt, le, lt, eq, ne, re, and, or, '..'"
    ),
    "$.é": f'2, "$. ---->>>> é", expected one of the following: {_MEMBER}',
    '$["é"].': f'8, "$["é"]. <<<<----", expected one of the following: {_MEMBER}',
}


@pytest.mark.parametrize(("path", "error"), MALFORMED.items())
def test_a_malformed_path_is_refused_in_redisjsons_words(path: str, error: str) -> None:
    with pytest.raises(CommandError) as refused:
        compile_path(path)
    assert str(refused.value) == f"Error occurred on position {error}."


def test_quoted_names_keep_their_blanks_and_escapes() -> None:
    document = {" a ": 1, 'q"q': 2, "q'q": 3, "b\\b": 4}
    assert values_at(document, compile_path('$[" a "]')) == [1]
    assert values_at(document, compile_path('$["q\\"q","b\\\\b"]')) == [2, 4]
    assert values_at(document, compile_path("$['q\\'q']")) == [3]


def test_a_pattern_that_would_take_exponential_time_does_not() -> None:
    document = {"s": ["a" * 100_000 + "b"]}
    assert values_at(document, compile_path('$.s[?(@=~"^(a+)+$")]')) == []


def test_a_path_that_would_select_too_much_is_refused() -> None:
    deep: Any = 1
    for _ in range(120):
        deep = {"a": deep}
    with pytest.raises(CommandError, match="visits too many values"):
        values_at(deep, compile_path("$..*..*..*..*..*"))
    with pytest.raises(CommandError, match="visits too many values"):
        compile_path("$..*..*..*..*.zz").locate(deep)
    with pytest.raises(CommandError, match="visits too many values"):
        values_at([list(range(3000))] * 2, compile_path("$[0][?(@==$[1][*])]"))


def test_a_filter_nested_too_deeply_is_refused() -> None:
    with pytest.raises(CommandError, match="not nested as deeply"):
        compile_path("$[?" + "(" * 5000 + "@" + ")" * 5000 + "]")
    with pytest.raises(CommandError, match="not nested as deeply"):
        compile_path("$" + "[?@" * 5000)


def test_a_document_deeper_than_pythons_stack_can_be_searched() -> None:
    deep: Any = {"x": 7}
    for _ in range(5000):
        deep = [deep]
    assert values_at(deep, compile_path("$..x")) == [7]
