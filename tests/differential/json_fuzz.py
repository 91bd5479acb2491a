"""Compare JSON.* with a real RedisJSON 2.8.3: random documents, paths and commands, in RESP2 and RESP3.

    python tests/differential/json_fuzz.py --url redis://127.0.0.1:7379 --count 50000 --seed 1 [--record FILE]

Each round sets a document on both sides, runs one command, and compares the reply with its protocol's types and the
document that is left. WARNING: it uses the keys `fuzz:*` of that server. Prints the differences; exit status 1 if any.
`--record` keeps each round that agrees as a line of JSON, for tests/unit/json/test_recorded_answers.py.

Left out are the rounds whose answer differs on purpose (`Round.outside`), and 2.8.3's filters are put in the place of
ours (`filters_of_2_8_3`), except to record.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hiredis

sys.path.insert(0, str(Path(__file__).parents[1]))

from json_side import Ours, ReplyError, same_json, shown

from redisvss.documents import jsonfilter, jsonpath
from redisvss.documents.json import compile_path
from redisvss.errors import CommandError

NAMES = ["a", "b", "c", "de", "fg h", "é", "z"]  # none begins another: 2.8.3's JSON.DEL mixes such members up
PLAIN_NAMES = ["a", "b", "c", "de", "z"]
STRINGS = ["", "a", "b", "foo", "Bar baz", "é😀", 'q"\\\n', "10"]
NUMBERS = [0, 1, -1, 2, 7, 100, 2**40, 0.0, 0.5, -1.25, 2.0, 1e20, 1e-7]  # doubles that serde_json reads exactly
REGEXES = ["a", "^b", "(?i)BAR", "o+$", "[", "."]
DAMAGE = "[]().*$@?\"',: =!<>&|x0-"
_WRONG_TYPE = "Existing key has wrong Redis type"
_SYNTAX = "Error occurred on position"
KEY, OTHER, ABSENT_KEY, WRONG_KEY = "fuzz:k", "fuzz:o", "fuzz:none", "fuzz:hash"


class Reference:
    """A connection of one protocol to the server, whose error replies keep their prefix."""

    def __init__(self, host: str, port: int, protocol: int) -> None:
        self.address, self.protocol = (host, port), protocol
        self.connect()

    def connect(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(self.address)
                self.reader = hiredis.Reader(replyError=ReplyError)
                self.run(["HELLO", str(self.protocol)])
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def run(self, *commands: list[str]) -> list[Any]:
        """The replies of a pipeline; ConnectionError when the server went away."""
        request = b""
        for command in commands:
            parts = [part.encode() for part in command]
            request += b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(request)
        return [self._reply() for _ in commands]

    def _reply(self) -> Any:
        while (reply := self.reader.gets()) is False:
            received = self.socket.recv(1 << 16)
            if not received:
                raise ConnectionError("the reference went away")
            self.reader.feed(received)
        return reply


@dataclass(frozen=True)
class Round:
    document: str
    command: list[str]
    paths: tuple[str, ...]
    protocol: int
    changes: bool

    def outside(self) -> str | None:
        """Why this round's answers differ on purpose, None where they should agree."""
        for text in self.paths:
            try:
                path = compile_path(text)
                locations = [at for at, _ in path.locate(json.loads(self.document))]
            except CommandError:
                continue
            if not self.changes:
                continue
            if any(_filters_members(path.segments, at) for at in locations):
                return "2.8.3 takes the member a filter finds for an element of an array"
            if len(set(locations)) != len(locations):
                return "a value selected twice"
            known = set(locations)
            if any(at[:depth] in known for at in locations for depth in range(len(at))):
                return "a value selected with one inside it"
        return None


def _filters_members(segments: tuple[jsonpath.Segment, ...], location: jsonpath.Location) -> bool:
    """Whether a filter may have selected a member of an object, or a scalar itself, on the way to the location."""
    filters = [at for at, segment in enumerate(segments) if isinstance(segment.selector, jsonpath.Filter)]
    if not filters:
        return False
    return any(segment.deep for segment in segments) or any(not isinstance(location[at], int) for at in filters)


class Rounds:
    """Random documents, and commands on paths that often exist in them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.choice = self.random.choice

    def next(self) -> Round:
        rng = self.random
        document = self.value(4, container=rng.random() < 0.95)
        protocol = self.choice((2, 3))
        family = self.choice(
            [self.get, self.mget, self.set, self.merge, self.multiple, self.delete, self.question]
            if rng.random() < 0.5
            else [self.number, self.string, self.append, self.insert, self.index, self.pop, self.trim]
        )
        command, paths, changes = family(document)
        return Round(_json(document), command, tuple(paths), protocol, changes)

    def value(self, depth: int, container: bool = False) -> Any:
        kind = self.random.random()
        if container or (depth and kind < 0.45):
            if self.random.random() < 0.55:
                names = self.random.sample(NAMES, self.random.randrange(5))
                return {name: self.value(depth - 1) for name in names}
            return [self.value(depth - 1) for _ in range(self.random.randrange(6))]
        if kind < 0.6:
            return self.choice([None, True, False])
        return self.choice(STRINGS) if kind < 0.75 else self.choice(NUMBERS)

    # ---- paths -------------------------------------------------------------------------------------------------------

    def path(self, document: Any) -> str:
        """Mostly a walk along the document with steps generalised; sometimes damaged."""
        steps, value = "", document
        for _ in range(self.choice((0, 1, 1, 2, 2, 3, 4))):
            step, value = self.step(value)
            steps += step
        text = "$" + steps
        if self.random.random() < 0.3:
            text = self.legacy(steps)
        if self.random.random() < 0.04:
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.choice(DAMAGE) + text[at + self.choice((0, 1)) :]
        return text

    def legacy(self, steps: str) -> str:
        if not steps or not steps.startswith("."):
            return steps or "."
        return self.choice((steps, steps[1:])) if not steps.startswith("..") else steps

    def step(self, value: Any) -> tuple[str, Any]:
        kind = self.random.random()
        if isinstance(value, dict) and value and kind < 0.75:
            name = self.choice(list(value))
            return self.member(name), value[name]
        if isinstance(value, list) and value and kind < 0.75:
            at = self.random.randrange(len(value))
            return self.element(at, len(value)), value[at]
        inner = next(iter(value.values() if isinstance(value, dict) else value), None) if _full(value) else None
        return self.general(), inner

    def member(self, name: str) -> str:
        plain = name.isascii() and " " not in name
        forms = [f'["{name}"]', f"['{name}']", f'["{name}","nope"]'] + ([f".{name}"] * 4 + [f"..{name}"]) * plain
        return self.choice(forms)

    def element(self, at: int, size: int) -> str:
        forms = [f"[{at}]"] * 3 + [f"[{at - size}]", f"[{at},{self.random.randrange(-3, 4)}]", f"[{at}:]", f"[:{at}]"]
        return self.choice([*forms, f"[{at - 1}:{at + 2}]", f"[{at - size}::2]", "[::2]", "[*]"])

    def general(self) -> str:
        name = self.choice(PLAIN_NAMES)
        forms = [".*", "[*]", f"..{name}", "..*", f".{name}", f"[{self.random.randrange(-4, 5)}]", ".nope", "..[0]"]
        return self.choice([*forms, f'["{name}","{self.choice(PLAIN_NAMES)}"]', self.filter(), self.filter()])

    def filter(self) -> str:
        condition = self.comparison()
        for _ in range(self.choice((0, 0, 1, 2))):
            other = self.comparison()
            condition = self.choice(
                (
                    f"{condition}&&{other}",
                    f"{condition} || {other}",
                    f"({condition})&&{other}",
                    f"({condition}||{other})",
                )
            )
        return self.choice((f"[?({condition})]", f"[?{condition}]"))

    def comparison(self) -> str:
        left, right = self.operand(), self.choice((self.literal, self.literal, self.operand))()
        if self.random.random() < 0.1:
            return f'{left}=~"{self.choice(REGEXES)}"'
        if self.random.random() < 0.2:
            return left
        return left + self.choice(("==", "!=", "<", "<=", ">", ">=", " == ")) + right

    def operand(self) -> str:
        name = self.choice(PLAIN_NAMES)
        return self.choice(("@", f"@.{name}", f"@.{name}", "@[0]", f"$.{name}", f"@.{name}.*", f'@["{name}"]'))

    def literal(self) -> str:
        number = self.choice([n for n in NUMBERS if "e" not in repr(n) and n < 2**31])
        return self.choice(
            (str(number), f'"{self.choice(STRINGS[:5])}"', f"'{self.choice(STRINGS[:5])}'", "true", "null")
        )

    # ---- commands ----------------------------------------------------------------------------------------------------

    def key(self) -> str:
        return self.choice([KEY] * 30 + [ABSENT_KEY, WRONG_KEY])

    def json(self) -> str:
        text = _json(self.value(2))
        if self.random.random() < 0.03:
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.choice('[]{},:"\\ tn0-') + text[at + 1 :]
        return text

    def get(self, document: Any) -> tuple[list[str], list[str], bool]:
        paths = [self.path(document) for _ in range(self.choice((0, 1, 1, 1, 2, 3)))]
        options: list[str] = []
        if self.random.random() < 0.2:
            options += self.choice((["INDENT", "  "], ["SPACE", " "], ["NEWLINE", "\n", "indent", "\t"], ["NOESCAPE"]))
        if self.random.random() < 0.2:
            options += ["FORMAT", self.choice(("STRING", "EXPAND", "EXPAND1", "STRINGS", "x"))]
        return ["JSON.GET", self.key(), *options, *paths], paths, False

    def mget(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        keys = self.random.sample([KEY, OTHER, ABSENT_KEY, WRONG_KEY], self.choice((1, 2, 4)))
        return ["JSON.MGET", *keys, path], [path], False

    def set(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        options = self.choice(([], [], [], ["NX"], ["XX"], ["nx"], ["FORMAT", "JSON"], ["bad"]))
        return ["JSON.SET", self.key(), path, self.json(), *options], [path], True

    def merge(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        return ["JSON.MERGE", self.key(), path, self.json()], [path], True

    def multiple(self, document: Any) -> tuple[list[str], list[str], bool]:
        path, other = self.path(document), self.path(document)
        parts = [KEY, path, self.json()]
        if self.random.random() < 0.5:
            parts += [self.choice((OTHER, WRONG_KEY)), other, self.json()]
        return ["JSON.MSET", *parts], [path, other], True

    def delete(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        return [self.choice(("JSON.DEL", "JSON.FORGET", "JSON.CLEAR")), self.key(), path], [path], True

    def question(self, document: Any) -> tuple[list[str], list[str], bool]:
        names = ("JSON.TYPE", "JSON.STRLEN", "JSON.ARRLEN", "JSON.OBJKEYS", "JSON.OBJLEN", "JSON.RESP")
        path = [self.path(document)] if self.random.random() < 0.95 else []
        if self.random.random() < 0.1:
            return ["JSON.DEBUG", "MEMORY", self.key(), *path], path, False
        return [self.choice(names), self.key(), *path], path, False

    def number(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        by = self.choice([str(number) for number in NUMBERS if number != 1e20] + ["x", '"1"', "null", "1 "])
        if self.random.random() < 0.2:
            return ["JSON.TOGGLE", self.key(), path], [path], True
        return [self.choice(("JSON.NUMINCRBY", "JSON.NUMMULTBY")), self.key(), path, by], [path], True

    def string(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        text = _json(self.choice(STRINGS)) if self.random.random() < 0.9 else self.json()
        return ["JSON.STRAPPEND", self.key(), path, text], [path], True

    def append(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        return ["JSON.ARRAPPEND", self.key(), path, *(self.json() for _ in range(self.choice((1, 1, 2))))], [path], True

    def insert(self, document: Any) -> tuple[list[str], list[str], bool]:
        path, values = self.path(document), [self.json() for _ in range(self.choice((1, 1, 2)))]
        return ["JSON.ARRINSERT", self.key(), path, self.integer(), *values], [path], True

    def index(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        bounds = [self.integer() for _ in range(self.choice((0, 1, 2)))]
        return ["JSON.ARRINDEX", self.key(), path, self.json(), *bounds], [path], False

    def pop(self, document: Any) -> tuple[list[str], list[str], bool]:
        path, index = self.path(document), self.choice(([], [self.integer()]))
        form = self.choice(([], [], [], ["FORMAT", self.choice(("STRINGS", "EXPAND", "EXPAND1", "STRING"))]))
        return ["JSON.ARRPOP", self.key(), *form, path, *index], [path], True

    def trim(self, document: Any) -> tuple[list[str], list[str], bool]:
        path = self.path(document)
        return ["JSON.ARRTRIM", self.key(), path, self.integer(), self.integer()], [path], True

    def integer(self) -> str:
        return str(self.random.randrange(-7, 8)) if self.random.random() < 0.98 else self.choice(("x", "1.5", "", "+1"))


def _full(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def filters_of_2_8_3() -> None:
    """A path inside a filter that finds several values finds none; a scalar may pass a filter itself."""

    def holds(self: jsonfilter.Exists, current: Any, root: Any, budget: Any) -> bool:
        return len(self.operand.values(current, root, budget)) == 1

    compare = jsonfilter.Comparison.holds

    def holds_one(self: jsonfilter.Comparison, current: Any, root: Any, budget: Any) -> bool:
        sides = (self.left.values(current, root, budget), self.right.values(current, root, budget))
        return compare(self, current, root, budget) if all(len(side) < 2 for side in sides) else self.operator == "!="

    items = jsonpath.Filter.items

    def items_or_itself(self: jsonpath.Filter, value: Any, root: Any, budget: Any) -> Any:
        if isinstance(value, dict | list):
            return items(self, value, root, budget)
        return [("", value)] if self.condition.holds(value, root, budget) else []  # a name, see _filters_members

    jsonfilter.Exists.holds = holds  # type: ignore[method-assign]
    jsonfilter.Comparison.holds = holds_one  # type: ignore[method-assign]
    jsonpath.Filter.items = items_or_itself  # type: ignore[method-assign]


def play(each: Round, reference: Reference) -> tuple[Any, Any]:
    """(the command's reply, the document left) on the reference."""
    setup = [["DEL", KEY, OTHER, ABSENT_KEY, WRONG_KEY], ["JSON.SET", KEY, "$", each.document]]
    setup += [["JSON.SET", OTHER, "$", '{"a":[1]}'], ["HSET", WRONG_KEY, "f", "v"]]
    replies = reference.run(*setup, each.command, ["JSON.GET", KEY])
    return replies[-2], replies[-1]


def play_ours(each: Round, ours: Ours) -> tuple[Any, Any]:
    ours.fresh({KEY: each.document, OTHER: '{"a":[1]}'}, hashes=[WRONG_KEY])
    return ours.run(each.command, each.protocol), ours.run(["JSON.GET", KEY], each.protocol)


def verdict(each: Round, theirs: tuple[Any, Any], mine: tuple[Any, Any]) -> str:
    """What became of the round: `agree`, one of the differences that are meant, or `DIFFER`."""
    wanted, got = theirs[0], mine[0]
    if same_json(theirs, mine):
        return "agree"
    if not isinstance(got, ReplyError):
        return "DIFFER"
    if "trailing characters" in got:
        return "2.8.3 overlooks what follows a value"
    if "numeric overflow" in got:
        return "2.8.3 wraps an overflow around"
    if not isinstance(wanted, ReplyError):
        absent = wanted in (None, [None], 0, [])
        return "2.8.3 overlooks a malformed path it has no use for" if absent and _SYNTAX in got else "DIFFER"
    if wanted == got:
        return "2.8.3 leaves half a change behind an error"
    if _SYNTAX in wanted and _SYNTAX in got:
        return "malformed path refused in other words"
    if each.command[0] == "JSON.MSET" or _WRONG_TYPE in (wanted, got) or _SYNTAX in got:
        return "two faults, the other one reported"
    return "DIFFER"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", default="redis://127.0.0.1:7379")
    arguments.add_argument("--count", type=int, default=5000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--show", type=int, default=20)
    arguments.add_argument("--record", type=Path)
    options = arguments.parse_args()
    address = urlsplit(options.url)
    references = {p: Reference(address.hostname or "127.0.0.1", address.port or 6379, p) for p in (2, 3)}
    if not options.record:
        filters_of_2_8_3()
    rounds, ours, tally, kept = Rounds(options.seed), Ours(), Counter[str](), []
    for _ in range(options.count):
        each = rounds.next()
        if reason := each.outside():
            tally[f"left out: {reason}"] += 1
            continue
        try:
            theirs = play(each, references[each.protocol])
        except ConnectionError:
            tally["left out: ended the reference"] += 1
            print("ended the reference:", each)
            for reference in references.values():
                reference.connect()
            continue
        mine = play_ours(each, ours)
        result = verdict(each, theirs, mine)
        tally[result] += 1
        if result == "agree":
            kept.append([each.document, each.command, each.protocol, *(shown(part) for part in theirs)])
        if result == "DIFFER" and tally["DIFFER"] <= options.show:
            print(f"RESP{each.protocol} {each.command}\n  on   {each.document}\n  want {theirs}\n  got  {mine}")
    if options.record:
        options.record.write_bytes(gzip.compress("\n".join(map(json.dumps, kept)).encode(), mtime=0))
    for name, count in tally.most_common():
        print(f"{count:8d} {name}")
    return 1 if tally["DIFFER"] else 0


if __name__ == "__main__":
    sys.exit(main())
