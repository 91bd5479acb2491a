"""What clients ask to find the search module, and what they get."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from redisvss.doors.probes import Probes
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session, lower


@dataclass
class Row:
    name: str
    flags: tuple[str, ...] = ("readonly",)
    first_key: int = 1
    last_key: int = 1
    step: int = 1


COMMANDS = {
    b"FT.SEARCH": Row("FT.SEARCH", first_key=0, last_key=0, step=0),
    b"FT._LIST": Row("FT._LIST", first_key=0, last_key=0, step=0),
    b"JSON.SET": Row("JSON.SET", ("write", "denyoom")),
    b"JSON.MSET": Row("JSON.MSET", ("write", "denyoom"), 1, -1, 3),
}
PROBES = Probes(COMMANDS, info=lambda: b"# redisvss\r\nredisvss_version:1\r\n")
GET = [b"get", 2, ["readonly", "fast"], 1, 1, 1, [], [], [], []]


def ask(line: str, reply: Reply) -> Reply:
    args = line.encode().split()
    observe = PROBES.observer(args[0].upper(), args, Session())
    return reply if observe is None else observe(reply)


def test_command_info_fills_the_places_redis_left_empty() -> None:
    found = ask("COMMAND INFO ft.search get json.set nope", [None, GET, None, None])
    assert isinstance(found, list)
    search, get, json_set, nope = found
    assert get is GET
    assert nope is None
    assert (search[0], json_set[0]) == (b"FT.SEARCH", b"json.set")
    assert len(search) == 10


def test_command_info_has_redisearchs_shape_in_resp2() -> None:
    """As Redis Stack 7.4.1 answers COMMAND INFO ft.search."""
    spec = [
        *[b"flags", ["RW", "access", "update"]],
        *[b"begin_search", [b"type", b"index", b"spec", [b"index", 1]]],
        *[b"find_keys", [b"type", b"range", b"spec", [b"lastkey", 0, b"keystep", 1, b"limit", 0]]],
    ]
    expected = [b"FT.SEARCH", -1, ["readonly", "module"], 1, 1, 1, [], [], [spec], []]
    assert lower(ask("command info FT.SEARCH", [None])) == [expected]


def test_command_without_names_lists_ours_behind_redis() -> None:
    for line in ("COMMAND", "COMMAND INFO"):
        names = [row[0] for row in ask(line, [GET])]  # type: ignore[union-attr, index]
        assert names == [b"get", b"FT.SEARCH", b"FT._LIST", b"json.set", b"json.mset"]


def test_command_count_adds_ours() -> None:
    assert ask("COMMAND COUNT", 240) == 244


def test_command_docs_in_both_protocols() -> None:
    doc = {b"group": b"module", b"module": b"search"}
    assert ask("COMMAND DOCS FT.SEARCH nope", {}) == {b"FT.SEARCH": doc}
    assert ask("COMMAND DOCS ft.search", []) == [b"FT.SEARCH", doc]
    assert b"json.set" in ask("COMMAND DOCS", {b"get": {}})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("", [b"FT.SEARCH", b"FT._LIST", b"json.set", b"json.mset"]),
        ("FILTERBY MODULE search", [b"FT.SEARCH", b"FT._LIST"]),
        ("filterby module ReJSON", [b"json.set", b"json.mset"]),
        ("FILTERBY PATTERN json.*", [b"json.set", b"json.mset"]),
        ("FILTERBY ACLCAT read", []),
    ],
)
def test_command_list_honours_its_filters(filters: str, names: list[bytes]) -> None:
    assert ask(f"COMMAND LIST {filters}", []) == names


def test_command_getkeys() -> None:
    refused = CommandError("ERR Invalid command specified")
    assert ask("COMMAND GETKEYS ft.search idx *", refused) == [b"idx"]
    assert ask("COMMAND GETKEYS JSON.MSET a $ 1 b $ 2", refused) == [b"a", b"b"]
    assert str(ask("COMMAND GETKEYS FT._LIST", refused)) == "ERR The command has no key arguments"
    assert str(ask("COMMAND GETKEYS FT.SEARCH", refused)) == "ERR Invalid number of arguments specified for command"
    assert ask("COMMAND GETKEYS get a", [b"a"]) == [b"a"]


def test_module_list_and_hello_name_both_modules() -> None:
    listed = ask("MODULE LIST", [])
    assert [(m[b"name"], m[b"ver"]) for m in listed] == [(b"ReJSON", 20803), (b"search", 21033)]  # type: ignore[union-attr, index]
    assert PROBES.hello({b"proto": 3, b"modules": []}) == {b"proto": 3, b"modules": listed}
    assert PROBES.hello([b"proto", 2, b"modules", []]) == [b"proto", 2, b"modules", listed]


def test_info_gets_module_lines_where_redis_shows_its_own() -> None:
    text = ask("INFO", b"# Server\r\nredis_version:7.0.15\r\n\r\n# Modules\r\n\r\n# Keyspace\r\n")
    assert isinstance(text, bytes)
    lines = text.split(b"\r\n")
    at = lines.index(b"# Modules")
    assert lines[at + 1].startswith(b"module:name=ReJSON,ver=20803,api=1,filters=0,usedby=[search],")
    assert lines[at + 2].startswith(b"module:name=search,ver=21033,")
    assert lines[at + 4] == b"# Keyspace"
    assert b"redisvss" not in text


def test_info_sections() -> None:
    assert ask("INFO server", b"# Server\r\n") == b"# Server\r\n"
    assert ask("INFO redisvss", b"") == b"# redisvss\r\nredisvss_version:1\r\n"
    assert b"module:name=search" in ask("INFO modules", b"# Modules\r\n")  # type: ignore[operator]
    everything = ask("INFO EVERYTHING", b"# Modules\r\n")
    assert isinstance(everything, bytes)
    assert everything.endswith(b"\r\n\r\n# redisvss\r\nredisvss_version:1\r\n")


def test_errors_of_redis_stay_errors() -> None:
    error = CommandError("NOPERM no")
    for line in ("COMMAND", "COMMAND COUNT", "COMMAND INFO ft.search", "COMMAND DOCS", "MODULE LIST", "INFO"):
        assert ask(line, error) is error


def test_only_the_modules_whose_commands_are_ours() -> None:
    """Beside a Redis with its own ReJSON we answer FT.* alone."""
    probes = Probes({b"FT.SEARCH": COMMANDS[b"FT.SEARCH"]})
    assert [module.name for module in probes.modules] == ["search"]
