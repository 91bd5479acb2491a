"""Random FT.AGGREGATE pipelines over random hashes, answered by a real RediSearch 2.10.5 and by us, side by side.

    python tests/differential/aggregate.py --url-native redis://127.0.0.1:7379 [--url URL] --count 2000 --seed 1

Without --url the other side is embedded, in process. Totals, rows, their order and error texts must agree; groups and
what TOLIST lists are compared in any order. WARNING: both servers are flushed. Prints the differences; exit status 1
if there are any. Left out are texts 2.10.33 words differently (translated below) and what the reference gets wrong:
SORTBY, TOLIST and COUNT_DISTINCT of an APPLY that only renames or splits, FIRST_VALUE BY with values missing, groups
whose hashes collide (numbers in front of another key), `NULL` (a literal that changes while it is used), `to_str` of
a computed string, dialect 4 (whose early stop takes SORTBY's order along), and what ends its process: `%` by less
than one, QUANTILE without a fraction. Not left out, though faults of the reference: scores of 0 under a SORTBY, dates
beyond C's calendar, and `(null)` for a name in an error behind LOAD *. BM25STD is float32 there; `text_scoring.py`
compares it.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
from collections.abc import Sequence
from typing import Any

import redis

import redisvss

_SCHEMA = """
    k NUMERIC SORTABLE n NUMERIC SORTABLE m NUMERIC t TEXT SORTABLE b TEXT g TAG u TAG SORTABLE UNF al AS alias TAG
    p GEO
"""
_FUNCTIONS = "log floor abs ceil sqrt log2 exp"
_CALENDAR = "hour day month year dayofweek minute"
_REDUCERS = "SUM AVG MIN MAX STDDEV COUNT_DISTINCT TOLIST"
SCHEMA, FUNCTIONS, CALENDAR, REDUCERS = (words.split() for words in (_SCHEMA, _FUNCTIONS, _CALENDAR, _REDUCERS))
NAMES = ["k", "n", "m", "t", "b", "g", "u", "alias", "p", "raw"]
NUMERIC, STRINGS = ["k", "n", "m"], ["t", "b", "g", "u", "alias", "p", "raw"]
SCORERS = ["TFIDF", "TFIDF.DOCNORM", "BM25", "DISMAX", "DOCSCORE"]
QUERIES = ["*", "*", "*", "*", "@n:[-inf 20]", "@g:{red|blue}", "hello", "@u:{A}", "nothinglikethis"]
WORDS = ["Hello", "hello world", "World", "zebra", "Éa", "a,b", "b, c ,a", "12", "1.5", " 7", "0x10", "x y"]
TRANSLATED = [
    (
        r"Could not find the value for a parameter name, consider using EXISTS if applicable for (.*)",
        r"\1: has no value, consider using EXISTS if applicable",
    ),
    (r"Bad arguments for LOAD: .*", "Bad arguments for LOAD: SUCCESS"),
    (r"Property is not present in document or pipeline: (.*)", r"Property \1 not present in document or pipeline"),
]


def documents(chance: random.Random, count: int) -> list[dict[str, str]]:
    made = []
    for key in range(count):
        document = {
            "k": str(key),
            "n": chance.choice(["1", "2", "2.50", "-3", "1e2", "0", "17.25"]),
            "m": str(chance.randint(-5, 5)),
            "t": chance.choice(WORDS),
            "b": chance.choice(WORDS),
            "g": chance.choice(["red", "red,blue", "Blue", "green", "blue"]),
            "u": chance.choice("AbBc"),
            "al": chance.choice(["x", "Y", "x|y"]),
            "p": chance.choice(["1,2", "3,4", "-10.5,20"]),
            "raw": chance.choice(WORDS),
        }
        made.append({name: value for name, value in document.items() if name == "k" or chance.random() < 0.85})
    return made


class Expressions:
    """Random expressions: of numbers, of strings, and conditions."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.numeric = list(NUMERIC)
        self.strings = list(STRINGS)

    def any(self, depth: int = 3) -> str:
        return self.chance.choice((self.number, self.string, self.condition))(depth)

    def number(self, depth: int) -> str:
        kind = self.chance.random()
        if depth <= 0 or kind < 0.3:
            return self.chance.choice([f"@{self.chance.choice(self.numeric)}", *["0", "1", "2.5", "-3", "1e2"]])
        if kind < 0.6:
            operator = self.chance.choice("+-*/^")
            return f"({self.number(depth - 1)} {operator} {self.number(depth - 1)})"
        if kind < 0.65:
            return f"({self.number(depth - 1)} % {self.chance.choice([2, 3, 7, -4])})"
        if kind < 0.8:
            name = self.chance.choice(
                [
                    "log",
                    "floor",
                    "abs",
                    "ceil",
                    "sqrt",
                    "log2",
                    "exp",
                    "hour",
                    "day",
                    "month",
                    "year",
                    "dayofweek",
                    "minute",
                ]
            )
            return f"{name}({self.number(depth - 1)})"
        if kind < 0.85:  # times before 2100, from when on the reference is a day off
            return f"{self.chance.choice(CALENDAR)}(@{self.chance.choice(NUMERIC)} * 1e6)"
        text = self.string(depth - 1)
        return self.chance.choice(
            [f"strlen({text})", f"to_number({text})", f'contains({text}, "a")', f'startswith({text}, "h")', text]
        )

    def string(self, depth: int) -> str:
        kind = self.chance.random()
        if depth <= 0 or kind < 0.4:
            return self.chance.choice([f"@{self.chance.choice(self.strings)}", '"a"', "'Hello'", '"2"', '""'])
        text = self.string(depth - 1)
        return self.chance.choice(
            [
                f"upper({text})",
                f"lower({text})",
                f"substr({text}, {self.chance.randint(-4, 4)}, {self.chance.randint(-3, 4)})",
                f'format("%s-%s", {text}, {self.any(depth - 1)})',
                f"to_str({self.number(0)})",
                f"timefmt({self.number(depth - 1)} * 86400)",
                f"split({text})",
                f"geodistance(@p, {text})" if text == '"1,2"' else text,
            ]
        )

    def condition(self, depth: int) -> str:
        kind = self.chance.random()
        if kind < 0.25:
            return f"exists(@{self.chance.choice(self.numeric + self.strings)})"
        if depth <= 0 or kind < 0.6:
            operator = self.chance.choice(["==", "!=", "<", "<=", ">", ">="])
            side = self.chance.choice((self.number, self.string))
            other = side if self.chance.random() < 0.8 else self.any
            return f"({side(depth - 1)} {operator} {other(depth - 1)})"
        if kind < 0.7:
            return f"!{self.condition(depth - 1)}"
        return f"({self.condition(depth - 1)} {self.chance.choice(['&&', '||'])} {self.condition(depth - 1)})"


class Pipelines:
    """Random pipelines. `ordered` says whether the last one's rows come in a defined order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ordered = True

    def next(self) -> list[str]:
        self.ordered, self._grouped, self._sorts = True, False, 0
        self._expressions = Expressions(self.chance)
        self._known = [name for name in NAMES if name != "raw"]
        self._sortable = list(self._known)
        self._fresh = 0
        args = [self.chance.choice(QUERIES)]
        args += self._options(args[0])
        if self.chance.random() < 0.5:
            args += self._load()
        for _ in range(self.chance.randint(0, 4)):
            args += self._step()
        return args

    def _options(self, query: str) -> list[str]:
        """Scores of words only: to what holds no text the reference gives no finite ones."""
        args: list[str] = []
        if self.chance.random() < 0.3:
            args += ["DIALECT", str(self.chance.randint(1, 3))]
        if self.chance.random() < 0.2:
            args += ["WITHCURSOR", "COUNT", str(self.chance.choice((1, 2, 7, 1000)))]
        if query == "hello" and self.chance.random() < 0.7:
            args += ["ADDSCORES", "SCORER", self.chance.choice(SCORERS)]
            self._sortable.append("__score")
            self._known.append("__score")
        return args

    def _step(self) -> list[str]:
        if self._grouped:
            return self._after_group()
        kind = self.chance.choices(
            ("load", "apply", "filter", "sort", "limit", "group", "wrong"), (2, 4, 3, 2, 2, 3, 0.3)
        )
        return getattr(self, f"_{kind[0]}")()  # type: ignore[no-any-return]

    def _load(self) -> list[str]:
        if self.chance.random() < 0.15:
            return ["LOAD", "*"]
        args: list[str] = []
        for name in self.chance.sample([*NAMES, "__key", "nosuch"], self.chance.randint(1, 5)):
            args.append(self.chance.choice(("@", "")) + name)
            if self.chance.random() < 0.1:
                args += ["AS", f"{name}2"]
        return ["LOAD", str(len(args)), *args]

    def _apply(self) -> list[str]:
        self._fresh += 1
        alias = f"a{self._fresh}"
        kind = self.chance.choice(("number", "string", "condition"))
        expression = getattr(self._expressions, kind)(3)
        if kind != "string" and not expression.startswith("@"):
            self._expressions.numeric.append(alias)
            if re.fullmatch(r"\(.*\)", expression):
                self._sortable.append(alias)
        return ["APPLY", expression, "AS", alias]

    def _filter(self) -> list[str]:
        return ["FILTER", self._expressions.condition(3)]

    def _sort(self) -> list[str]:
        keys: list[str] = []
        for name in self.chance.sample(self._sortable, self.chance.randint(1, 3)):
            keys += [f"@{name}", *self.chance.choice(([], ["ASC"], ["DESC"]))]
        most = self.chance.choice(([], ["MAX", str(self.chance.randint(1, 30))]))
        return ["SORTBY", str(len(keys)), *keys, *most]

    def _limit(self) -> list[str]:
        return ["LIMIT", str(self.chance.randint(0, 12)), str(self.chance.choice((0, 1, 3, 10, 100)))]

    def _wrong(self) -> list[str]:
        return self.chance.choice(
            [["FOO"], ["LOAD", "x"], ["LIMIT", "1"], ["SORTBY", "1", "n"], ["APPLY", "@n -1"], ["GROUPBY", "1", "g"]]
        )

    def _group(self) -> list[str]:
        self._grouped, self.ordered = True, False
        properties = self.chance.sample(self._known, self.chance.randint(0, 2))
        if properties and properties[0] in NUMERIC:  # in front of another key, numbers collide
            properties = properties[:1]
        args = ["GROUPBY", str(len(properties)), *(f"@{name}" for name in properties)]
        self._group_keys, self._aliases = properties, []
        for number in range(self.chance.randint(0, 4)):
            args += [*self._reducer(), "AS", f"r{number}"]
        return args

    def _reducer(self) -> list[str]:
        name = self.chance.choice(self._known)
        return self.chance.choice(
            [
                ["REDUCE", "COUNT", "0"],
                [
                    "REDUCE",
                    self.chance.choice(REDUCERS),
                    "1",
                    f"@{name}",
                ],
                ["REDUCE", "FIRST_VALUE", "1", name],
                ["REDUCE", "FIRST_VALUE", "4", f"@{name}", "BY", "@k", self.chance.choice(("ASC", "desc"))],
                [
                    "REDUCE",
                    "QUANTILE",
                    "2",
                    f"@{self.chance.choice(NUMERIC)}",
                    str(self.chance.choice((0, 0.5, 0.9, 1))),
                ],
                ["REDUCE", "HLL", "1", f"@{name}"],
            ]
        )

    def _after_group(self) -> list[str]:
        """Only what does not depend on the order of the groups."""
        if self._group_keys and not self.ordered and self.chance.random() < 0.4:
            self.ordered = True
            keys = [word for name in self._group_keys for word in (f"@{name}", self.chance.choice(("ASC", "DESC")))]
            return ["SORTBY", str(len(keys)), *keys, "MAX", str(self.chance.randint(1, 40))]
        return ["APPLY", self.chance.choice(("1 + 1", '"x"', "exists(@r0)")), "AS", "z"]


def ask(client: Any, args: Sequence[str]) -> Any:
    """The pages of the answer, one without a cursor; or the text of the error."""
    try:
        reply = client.execute_command("FT.AGGREGATE", "agg:idx", *args)
        if "WITHCURSOR" not in args:
            return [reply]
        pages = [reply[0]]
        while reply[1]:
            reply = client.execute_command("FT.CURSOR", "READ", "agg:idx", reply[1])
            pages.append(reply[0])
        return pages
    except redis.ResponseError as error:
        text = str(error)
        for pattern, replacement in TRANSLATED:
            text = re.sub(pattern, replacement, text)
        return text


def comparable(value: Any) -> Any:
    """A reply's value with numbers rounded and lists in one order."""
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=repr)
    try:
        return f"{float(value):.9g}"
    except (TypeError, ValueError):
        return value


def _pairs(row: list[Any]) -> list[Any]:
    """A row's fields in any order: after LOAD * it is that of the first document with each field."""
    return [[name, value] for name, value in zip(row[::2], row[1::2], strict=True)]


def same(ours: Any, theirs: Any, ordered: bool) -> bool:
    """Page by page; rows without an order may stand on any page."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return bool(ours == theirs)
    rows, wanted = ([[comparable(_pairs(row)) for row in page[1:]] for page in pages] for pages in (ours, theirs))
    if not ordered:
        if [len(page) for page in rows] != [len(page) for page in wanted]:
            return False
        rows, wanted = ([sorted(itertools.chain(*pages), key=repr)] for pages in (rows, wanted))
    return bool([page[0] for page in ours] == [page[0] for page in theirs] and rows == wanted)


def fill(client: Any, hashes: Sequence[dict[str, str]]) -> None:
    client.flushall()
    client.execute_command("FT.CREATE", "agg:idx", "PREFIX", "1", "agg:d:", "SCHEMA", *SCHEMA)
    for number, fields in enumerate(hashes):
        client.hset(f"agg:d:{number}", mapping=fields)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url-native", default="redis://127.0.0.1:7379")
    parser.add_argument("--url")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    native = redis.Redis.from_url(options.url_native, protocol=2)
    ours = redis.Redis.from_url(options.url, protocol=2) if options.url else redisvss.Redis(protocol=2)
    hashes = documents(random.Random(options.seed), options.documents)
    fill(native, hashes)
    fill(ours, hashes)
    pipelines, different, errors = Pipelines(options.seed), 0, 0
    for _ in range(options.count):
        args = pipelines.next()
        try:
            theirs, mine = ask(native, args), ask(ours, args)
        except redis.ConnectionError:
            raise SystemExit(f"the reference ended at {args}") from None
        errors += isinstance(theirs, str)
        if not same(mine, theirs, pipelines.ordered):
            different += 1
            if different <= options.show:
                print(" ".join(repr(arg) if " " in arg else arg for arg in args))
                print("   native", str(theirs)[:700], "\n   ours  ", str(mine)[:700])
    print(f"{options.count} pipelines, {errors} refused by both or either, {different} different (seed {options.seed})")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
