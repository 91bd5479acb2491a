"""JSON.* on plain string keys, in process and on a real Redis: what random comparison with RedisJSON does not reach."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest
from json_side import Ours, ReplyError
from servers import RedisProcess, start_redis

from redisvss.commands import COMMANDS
from redisvss.stores.server import ServerStore

WRONG_TYPE = "Existing key has wrong Redis type"
NO_KEY = "ERR could not perform this operation on a key that doesn't exist"
ON_ONE_KEY = {
    "JSON.GET": "k",
    "JSON.SET": "k $ 1",
    "JSON.MERGE": "k $ 1",
    "JSON.DEL": "k",
    "JSON.FORGET": "k $.a",
    "JSON.CLEAR": "k",
    "JSON.TYPE": "k",
    "JSON.RESP": "k",
    "JSON.STRLEN": "k",
    "JSON.STRAPPEND": 'k $ "x"',
    "JSON.NUMINCRBY": "k $ 1",
    "JSON.NUMMULTBY": "k $ 1",
    "JSON.TOGGLE": "k $",
    "JSON.ARRAPPEND": "k $ 1",
    "JSON.ARRINSERT": "k $ 0 1",
    "JSON.ARRINDEX": "k $ 1",
    "JSON.ARRLEN": "k",
    "JSON.ARRPOP": "k",
    "JSON.ARRTRIM": "k $ 0 1",
    "JSON.OBJKEYS": "k",
    "JSON.OBJLEN": "k",
}


@pytest.fixture(scope="module")
def running() -> Iterator[RedisProcess]:
    with start_redis() as server:
        yield server


@pytest.fixture(params=["embedded", "server"])
def ours(request: pytest.FixtureRequest) -> Iterator[Ours]:
    if request.param == "embedded":
        yield Ours()
        return
    store = ServerStore.from_url(request.getfixturevalue("running").url)
    store.call("FLUSHALL")
    yield Ours(store)
    store.close()


def run(ours: Ours, line: str, protocol: int = 2) -> Any:
    return ours.run(line.split(" "), protocol)


def test_a_document_is_a_string_key_any_program_can_read_and_write(ours: Ours) -> None:
    assert run(ours, 'JSON.SET k $ {"b":1.0,"a":[1,"x"]}') == b"OK"
    assert ours.store.call("GET", "k") == b'{"b":1.0,"a":[1,"x"]}'
    ours.store.call("SET", "k", ' { "n" : 12345678901234567890123 ,\n "z" : 1e2 } ')
    assert run(ours, "JSON.NUMINCRBY k $.z 1") == b"[101.0]"
    assert ours.store.call("GET", "k") == b'{"n":12345678901234567890123,"z":101.0}'


@pytest.mark.parametrize("name", ON_ONE_KEY)
def test_a_key_that_is_no_document_is_refused_and_left_alone(ours: Ours, name: str) -> None:
    for setup, check in ((("HSET", "k", "f", "v"), ("HGET", "k", "f")), (("SET", "k", "plain text"), ("GET", "k"))):
        ours.store.call("DEL", "k")
        ours.store.call(*setup)
        before = ours.store.call(*check)
        assert run(ours, f"{name} {ON_ONE_KEY[name]}") == WRONG_TYPE
        assert ours.store.call(*check) == before


def test_mget_answers_null_for_whatever_is_no_document(ours: Ours) -> None:
    ours.store.call("HSET", "h", "f", "v")
    ours.store.call("SET", "s", "plain text")
    run(ours, 'JSON.SET k $ {"a":1}')
    assert run(ours, "JSON.MGET k h s none k $.a") == [b"[1]", None, None, None, b"[1]"]
    assert run(ours, "JSON.MGET k h .b") == [None, None]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("JSON.GET none", None),
        ("JSON.TYPE none $", None),
        ("JSON.DEL none", 0),
        ("JSON.STRLEN none", None),
        ("JSON.STRLEN none $", NO_KEY),
        ("JSON.ARRLEN none $", NO_KEY),
        ("JSON.OBJKEYS none $", NO_KEY),
        ("JSON.OBJLEN none $.x", "ERR Path '$.x' does not exist or not an object"),
        ("JSON.ARRINDEX none .x 1", "ERR Path '.x' does not exist"),
        ("JSON.NUMINCRBY none $ 1", NO_KEY),
        ("JSON.CLEAR none", NO_KEY),
        ("JSON.RESP none", None),
        ("JSON.DEBUG MEMORY none", 0),
        ("JSON.SET none $.a 1", "ERR new objects must be created at the root"),
        ("JSON.SET none $.a 1 XX", None),
        ("JSON.MERGE none $.a 1", "ERR new objects must be created at the root"),
    ],
)
def test_a_key_that_does_not_exist(command: str, reply: Any) -> None:
    assert run(Ours(), command) == reply


def test_every_change_keeps_the_expiry(ours: Ours) -> None:
    ours.store.call("SET", "k", '{"a":[1,2,3],"n":1,"s":"x","b":true,"o":{"p":1}}', "PX", 60_000)
    for command in (
        "JSON.SET k $.a[0] 5",
        "JSON.NUMINCRBY k $.n 1",
        'JSON.STRAPPEND k $.s "y"',
        "JSON.TOGGLE k $.b",
        "JSON.ARRPOP k $.a",
        "JSON.CLEAR k $.o",
        'JSON.MERGE k $ {"m":1}',
        "JSON.DEL k $.m",
        'JSON.MSET k $ {"a":2}',
        'JSON.SET k $ {"a":3}',
    ):
        run(ours, command)
        assert ours.store.call("PTTL", "k") > 0, command
    assert run(ours, "JSON.GET k") == b'{"a":3}'


def test_members_keep_their_order_when_one_goes(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"a":1,"b":2,"c":3,"d":4}')
    assert run(ours, "JSON.DEL k $.b") == 1
    assert run(ours, 'JSON.MERGE k $ {"a":null,"e":5}') == b"OK"
    assert run(ours, "JSON.GET k") == b'{"c":3,"d":4,"e":5}'


def test_deleting_the_root_deletes_the_key(ours: Ours) -> None:
    run(ours, "JSON.SET k $ [1]")
    assert run(ours, "JSON.DEL k") == 1
    assert ours.store.call("EXISTS", "k") == 0


def test_delete_takes_every_match_however_they_lie(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"ab":[0,{"x":1},2,3,4,5,6,7,8,9,{"x":2}],"a":{"x":{"x":3}},"abc":4}')
    assert run(ours, "JSON.DEL k $..x") == 3
    assert run(ours, "JSON.GET k") == b'{"ab":[0,{},2,3,4,5,6,7,8,9,{}],"a":{},"abc":4}'
    assert run(ours, "JSON.DEL k $.ab[0,0,1,10]") == 3
    assert run(ours, "JSON.DEL k $.*") == 3
    assert run(ours, "JSON.GET k") == b"{}"


def test_a_match_inside_another_is_replaced_with_it(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"a":{"a":1,"b":2}}')
    assert run(ours, 'JSON.SET k $..a {"n":0}') == b"OK"
    assert run(ours, "JSON.GET k") == b'{"a":{"n":0}}'


def test_popping_nested_arrays_answers_in_document_order(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"a":[[1,2,3],[4,5,6]]}')
    assert run(ours, "JSON.ARRPOP k $..*") == [b"[4,5]", b"3", b"6", *[None] * 6]
    assert run(ours, "JSON.GET k") == b'{"a":[[1,2]]}'


def test_a_filter_over_an_object_can_be_written_through(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"x":{"v":1},"y":{"v":5},"z":[{"v":7}]}')
    assert run(ours, "JSON.SET k $[?(@.v>2)].v 0") == b"OK"
    assert run(ours, "JSON.NUMINCRBY k $.z[?(@.v==7)].v 1") == b"[8]"
    assert run(ours, "JSON.GET k") == b'{"x":{"v":1},"y":{"v":0},"z":[{"v":8}]}'


def test_merge_follows_rfc_7396(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"a":{"b":{"c":1,"d":2}},"l":[1,2]}')
    assert run(ours, 'JSON.MERGE k $.a {"b":{"c":null,"e":{"f":null,"g":1}},"l":5}') == b"OK"
    assert run(ours, 'JSON.MERGE k $ {"l":{"m":1},"n":null}') == b"OK"
    assert run(ours, "JSON.GET k") == b'{"a":{"b":{"d":2,"e":{"g":1}},"l":5},"l":{"m":1}}'
    run(ours, 'JSON.SET k $ {"a":{"b":{"b":1}}}')
    run(ours, 'JSON.MERGE k $..b {"f":3}')
    assert run(ours, "JSON.GET k") == b'{"a":{"b":{"b":{"f":3},"f":3}}}'


def test_mset_sets_all_or_nothing(ours: Ours) -> None:
    ours.store.call("HSET", "hash", "f", "v")
    assert run(ours, "JSON.MSET a $ 1 hash $ 2") == WRONG_TYPE
    assert run(ours, "JSON.MSET a $ 1 b $.x 2") == "ERR new objects must be created at the root"
    assert run(ours, "JSON.MSET a $ 1 b $ [") == "EOF while parsing a list at line 1 column 1"
    assert run(ours, "JSON.MSET a $ 1 b $") == "ERR wrong number of arguments for 'json.mset' command"
    assert ours.store.call("EXISTS", "a", "b") == 0
    assert run(ours, 'JSON.MSET a $ {"x":{}} b $ [] a $.x.y 1 a $.z {} a $.z.w 2') == b"OK"
    assert run(ours, "JSON.MGET a b .") == [b'{"x":{"y":1},"z":{"w":2}}', b"[]"]


def test_values_set_in_several_places_stay_apart(ours: Ours) -> None:
    run(ours, 'JSON.SET k $ {"p":{"a":1},"q":{"a":2}}')
    assert run(ours, "JSON.MSET k $..a {} k $.p.a.n 1") == b"OK"
    assert run(ours, "JSON.GET k") == b'{"p":{"a":{"n":1}},"q":{"a":{}}}'


def test_an_overflow_is_an_error_and_changes_nothing(ours: Ours) -> None:
    run(ours, "JSON.SET k $ [1,18446744073709551615]")
    assert run(ours, "JSON.NUMINCRBY k $[*] 1") == "ERR numeric overflow"
    assert run(ours, "JSON.GET k $[0]") == b"[1]"
    run(ours, "JSON.SET k $ [9223372036854775807,1e308]")
    assert run(ours, "JSON.NUMINCRBY k $[0] 1") == b"[9223372036854775808]"
    assert run(ours, "JSON.NUMMULTBY k $[1] 10") == "ERR result is not a number"


@pytest.mark.parametrize("protocol", [2, 3])
def test_reply_shapes(ours: Ours, protocol: int) -> None:
    three = protocol == 3
    run(ours, 'JSON.SET k $ {"a":1,"b":[1,2.5,null,"x"],"o":{"a":true}}')
    assert run(ours, "JSON.NUMINCRBY k $..a 1", protocol) == ([2, None] if three else b"[2,null]")
    assert run(ours, "JSON.NUMINCRBY k .a 1", protocol) == ([3] if three else b"3")
    assert run(ours, "JSON.TYPE k $.b", protocol) == ([[b"array"]] if three else [b"array"])
    assert run(ours, "JSON.TYPE k", protocol) == ([b"object"] if three else b"object")
    assert run(ours, "JSON.TYPE none", protocol) == ([None] if three else None)
    assert run(ours, "JSON.ARRPOP k $.b", protocol) == [b'"x"']
    assert run(ours, "JSON.TOGGLE k $.o.a", protocol) == [0]
    assert run(ours, "JSON.TOGGLE k .o.a", protocol) == b"true"
    resp = [b"{", b"a", 3, b"b", [b"[", 1, 2.5 if three else b"2.5", None], b"o", [b"{", b"a", b"true"]]
    assert run(ours, "JSON.RESP k", protocol) == resp
    expanded = [[{b"a": 3, b"b": [1, 2.5, None], b"o": {b"a": True}}]]
    refused = "ERR FORMAT argument is not supported on RESP2"
    assert run(ours, "JSON.GET k FORMAT EXPAND $", protocol) == (expanded if three else refused)


def test_root_conditions(ours: Ours) -> None:
    assert run(ours, "JSON.SET k $ 1 XX") is None
    assert run(ours, "JSON.SET k $ 1 NX") == b"OK"
    assert run(ours, "JSON.SET k $ 2 NX") is None
    assert run(ours, "JSON.SET k . 3 XX") == b"OK"
    assert run(ours, "JSON.GET k") == b"3"
    assert run(ours, "JSON.SET k $ 1 NX XX") == "ERR syntax error"


def test_memory_is_what_redisjson_reports(ours: Ours) -> None:
    ours.run(["JSON.SET", "k", "$", '{"a":100.12,"b":"foo","c":true,"d":126,"e":-112,"f":7388608,"g":-6388608,'
              '"h":9388608,"i":-9485608,"j":[],"k":{},"l":[1,"asas",{"a":1}],"m":{"t":"f"}}'])  # fmt: skip
    assert run(ours, "JSON.DEBUG MEMORY k") == 903
    assert run(ours, "JSON.DEBUG HELP")[0].startswith(b"MEMORY")
    assert run(ours, "JSON.DEBUG nope") == "ERR unknown subcommand - try `JSON.DEBUG HELP`"


def test_a_change_that_leaves_the_text_alone_writes_nothing(running: RedisProcess) -> None:
    ours = Ours(ServerStore.from_url(running.url))
    run(ours, 'JSON.SET k $ {"a":[]}')
    writes = _writes(running)
    assert run(ours, "JSON.ARRPOP k $.a") == [None]
    assert run(ours, "JSON.SET k $.a []") == b"OK"
    assert _writes(running) == writes
    ours.store.close()


def _writes(running: RedisProcess) -> int:
    stats: Any = running.client().info("commandstats")
    return int(stats["cmdstat_set"]["calls"])


def test_a_document_cannot_grow_too_deep_to_be_read_back(ours: Ours) -> None:
    run(ours, f"JSON.SET k $ {'[' * 127}{']' * 127}")
    path = "$" + "[0]" * 126
    assert run(ours, f"JSON.ARRAPPEND k {path} {'[' * 127}{']' * 127}") == [1]
    deeper = run(ours, f"JSON.ARRAPPEND k {path}{'[0]' * 127} []")
    assert isinstance(deeper, ReplyError)
    assert "recursion limit exceeded" in deeper
    assert run(ours, "JSON.ARRLEN k $") == [1]


def test_every_command_is_described() -> None:
    names = {info.name for info in COMMANDS.values() if info.group == "json"}
    assert names == {*ON_ONE_KEY, "JSON.MGET", "JSON.MSET", "JSON.DEBUG", "REDISVSS.SCAN"}
    assert all(info.summary and info.arity < 0 for info in COMMANDS.values() if info.group == "json")


WRITERS, ROUNDS = 8, 25


def _write(url: str, number: int) -> None:
    ours = Ours(ServerStore.from_url(url))
    for step in range(ROUNDS):
        run(ours, "JSON.NUMINCRBY shared $.count 1")
        run(ours, f"JSON.ARRAPPEND shared $.list {number * ROUNDS + step}")
        run(ours, f"JSON.SET shared $.members.w{number}s{step} {step}")
    ours.store.close()


def test_eight_processes_lose_no_update(running: RedisProcess) -> None:
    ours = Ours(ServerStore.from_url(running.url))
    run(ours, 'JSON.SET shared $ {"count":0,"list":[],"members":{}}')
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(running.url, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
        assert writer.exitcode == 0
    document = json.loads(run(ours, "JSON.GET shared"))
    assert document["count"] == WRITERS * ROUNDS
    assert sorted(document["list"]) == list(range(WRITERS * ROUNDS))
    assert len(document["members"]) == WRITERS * ROUNDS
    ours.store.close()
