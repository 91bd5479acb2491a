"""Compare the query parser with a real RediSearch 2.10.5, on random queries and mutations of them.

    python tests/differential/query_syntax.py --url redis://127.0.0.1:7379 --count 20000 --seed 1

Each query goes to FT.EXPLAIN in dialects 1 and 2, on an index without stop words and on one with the default list, and
through our parser. Accepting, the text of a syntax error with its offset, and the tree must agree. WARNING: it drops
and creates the indexes `syntax:plain` and `syntax:stop` on that server. Prints the differences; exit status 1 if any.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).parents[1]))

from query_printer import BLANKS, Printer

from redisvss.errors import QuerySyntaxError
from redisvss.index.tokenizer import DEFAULT_STOPWORDS
from redisvss.query.parser_v1 import ParserV1
from redisvss.query.parser_v2 import ParserV2

STOPWORDS = frozenset(DEFAULT_STOPWORDS)
SCHEMA = "t TEXT INDEXMISSING b TEXT tag TAG INDEXMISSING n NUMERIC g GEO s GEOSHAPE"
VECTOR = "v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2"
PARAMS = {"p": "xy", "k": "5", "v": "\1" * 8, "q": "m", "w": "POINT(1 1)"}
PRINTER = Printer(("t", "b"), PARAMS)

VOCABULARY = r"hello world foo Bar 5 12 -3 1.5 the a to hello_w café fo\-o a\ b as ismissing inf -inf km m 1e5 w $p $k"
WORDS = VOCABULARY.split(" ")
AFFIXES = ["he*", "*lo", "*ell*", "5*", "*5", "$p*", "*$p", "*$p*", '"a b"*', '*"a b"', "w'h?l*'", "w'$p'"]
NAMES = ["t", "b", "t", "b", "nosuch", "t|b", "t|nosuch", "tag"]
PIECES = [*"|-~()[]{}:;*%\"'$@=>,. \\ 5", "=>", "@t:", "@n:[", "@tag:{", "=>[KNN 5 @v $v]", "the", "hello", "as"]


CRASHING = re.compile(r"\{[^}$]*;[^}]*\$")  # `=>{;$weight:1}` kills the server


class Queries:
    """Random query strings: grammatical ones mostly, many of them then damaged; a quarter is a soup of pieces."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.choice = self.random.choice

    def next(self) -> str:
        if self.random.random() < 0.25:
            return "".join(self.choice(PIECES + WORDS) for _ in range(self.random.randint(1, 9)))
        query = self.query()
        for _ in range(self.choice((0, 0, 0, 1, 1, 2, 3))):
            query = self._damage(query)
        return query

    def query(self) -> str:
        rare = self.random.random()
        if rare < 0.03:
            return self.choice(("*", "(*)", "((*))")) + self.choice(("", self._knn()))
        if rare < 0.15:
            return self.choice((f"({self._expression(3)})", self._operand(2))) + self._knn()
        return self._expression(self.choice((1, 2, 3, 4)))

    def _expression(self, depth: int) -> str:
        parts = [self._operand(depth) for _ in range(self.choice((1, 1, 2, 2, 3, 4)))]
        query = parts[0]
        for part in parts[1:]:
            query += self.choice((" ", " ", " ", "|", " | ", ",")) + part
        return query

    def _operand(self, depth: int) -> str:
        kind = self.random.random()
        if depth > 0 and kind < 0.2:
            return f"({self._expression(depth - 1)})"
        if depth > 0 and kind < 0.3:
            return self.choice("-~") + self._operand(depth - 1)
        if depth > 0 and kind < 0.42:
            return f"@{self.choice(NAMES)}:{self._operand(depth - 1)}"
        if depth > 0 and kind < 0.5:
            return self._operand(depth - 1) + self._attributes()
        if kind < 0.6:
            return self._clause()
        if kind < 0.68:
            return self.choice(AFFIXES)
        if kind < 0.74:
            return f'"{" ".join(self.choice(WORDS) for _ in range(self.choice((1, 2, 2, 3))))}"'
        if kind < 0.78:
            return self.choice(("%{}%", "%%{}%%", "%%%{}%%%", '""', "ismissing(@t)")).format(self.choice(WORDS))
        return self.choice(WORDS)

    def _attributes(self) -> str:
        names = ("$weight: 2", "$weight:0.5", "$slop:1", "$slop:-1", "$inorder:true", "$WEIGHT: $k", "$inorder: 0")
        inside = "; ".join(self.choice(names) for _ in range(self.choice((0, 1, 1, 2))))
        return "=>{" + inside + self.choice(("", ";", " ")) + "}"

    def _clause(self) -> str:
        number = lambda: self.choice(("1", "(2", "-3.5", "inf", "-inf", "+inf", "$k", "($k", "-$k", "- 4", "1e3"))  # noqa: E731
        kind = self.random.randrange(7)
        if kind <= 1:
            items = [self._tag_item() for _ in range(self.choice((1, 1, 2, 3)))]
            return f"@{self.choice(('tag', 'tag', 'nosuch', 't'))}:{{{self.choice(('|', ' | ')).join(items)}}}"
        if kind <= 3:
            return f"@n:[{number()}{self.choice(' ,')}{number()}]" if self.random.random() < 0.8 else f"@n:[{number()}]"
        if kind == 4:
            operator, value = (
                self.choice(("==", "!=", ">", ">=", "<", "<=")),
                self.choice(("5", "-2", "inf", "$k ", "-$k ")),
            )
            return f"@n{self.choice(('', ' '))}{operator}{self.choice(('', ' '))}{value}"
        if kind == 5:
            return f"@g:[{self.choice('1$')}k 2 {self.choice(('3', '$k'))} {self.choice(('km', 'm', '$q'))}]".replace(
                "1k", "1"
            )
        return self.choice(
            (
                "@s:[within $w]",
                "@s:[DISJOINT $w]",
                "@s:[Contains $w]",
                "@s:[intersects $w]",
                "@v:[VECTOR_RANGE 2 $v]",
                "@v:[vector_range $k $v]",
            )
        )

    def _tag_item(self) -> str:
        kind = self.random.random()
        if kind < 0.15:
            return self.choice(AFFIXES)
        if kind < 0.3:
            return f'"{self.choice(WORDS)} {self.choice(WORDS)}"'
        return " ".join(self.choice(WORDS) for _ in range(self.choice((1, 1, 1, 2, 3))))

    def _knn(self) -> str:
        options = self.choice(("", "", " AS d", " as $p", " EF_RUNTIME 10", " HYBRID_POLICY ADHOC_BF AS x"))
        return f"=>[{self.choice(('KNN', 'knn', 'FOO'))} {self.choice(('5', '$k', '0'))} @v $v{options}]"

    def _damage(self, query: str) -> str:
        at = self.random.randrange(len(query) + 1)
        kind = self.random.randrange(4)
        if kind == 0:
            return query[:at] + query[at + 1 :]
        if kind == 1:
            return query[:at] + self.choice(PIECES) + query[at:]
        if kind == 2:
            return query[:at] + query[at : at + 2][::-1] + query[at + 2 :]
        return query[:at] + query[at : at + self.random.randrange(6)] + query[at:]


class Referee:
    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url)
        for index, options in (("syntax:plain", ("STOPWORDS", "0")), ("syntax:stop", ())):
            if index.encode() in self.redis.execute_command("FT._LIST"):
                self.redis.execute_command("FT.DROPINDEX", index)
            self.redis.execute_command("FT.CREATE", index, *options, "SCHEMA", *f"{SCHEMA} {VECTOR}".split())
        self.params = [part for pair in PARAMS.items() for part in pair]

    def explain(self, index: str, query: str, dialect: int) -> str:
        arguments = (index, query, "VERBATIM", "PARAMS", len(self.params), *self.params, "DIALECT", dialect)
        try:
            reply = self.redis.execute_command("FT.EXPLAIN", *arguments)
        except redis.ResponseError as error:
            return f"error {error}"
        return comparable(reply.decode("utf-8", "surrogateescape"))


def comparable(explained: str) -> str:
    """One line; inside a tag clause without escapes and scopes, a tag of several words as our tree has it."""
    lines, inside = [], None
    for line in explained.split("\n"):
        depth = len(line) - len(line.lstrip(" "))
        if inside is None:
            lines.append(line)
            inside = depth if re.match(r" *(@\S+:)?TAG:@", line) else None
        elif depth == inside and line.strip().startswith("}"):
            lines.append(line)
            inside = None
        elif not re.fullmatch(r" *(@\S+:)?INTERSECT \{| *\}", line):
            lines.append(tag_word(line))
    return BLANKS.sub(" ", " ".join(lines)).strip()


def tag_word(line: str) -> str:
    word = re.sub(r"^ *@(t|b|t\|b|NULL):", "", line)
    return re.sub(r"\\(?=[^\w ]|_| )", "", word).lower()


def ours(query: str, dialect: int, stopwords: frozenset[str]) -> str:
    text = query.encode("utf-8", "surrogateescape")
    try:
        tree = ParserV1(text, stopwords).parse() if dialect == 1 else ParserV2(text, stopwords, flatten=False).parse()
    except QuerySyntaxError as error:
        return f"error {error}".replace("\n", " ").replace("\r", " ").rstrip("\n")
    try:
        return PRINTER.show(tree)
    except ValueError:  # an attribute or parameter whose value the binder will refuse
        return "unprintable"


def verdict(theirs: str, mine: str) -> str:
    """`same`, the name of a known difference, or `different`."""
    if theirs.rstrip() == mine.rstrip():
        return "same"
    if mine.startswith("error Parser stack") and not theirs.startswith("error Parser stack"):
        return "dialect 1 loses its place there when it is nested too deep"
    if re.match("error Syntax error: (Expecting|expecting) [Vv]ector", theirs) and mine.startswith(theirs):
        return "near text missing there (after an affix of a parameter, or a wildcard)"
    if theirs.startswith("error Syntax") and "\\" in mine and theirs.split(" near")[0] == mine.split(" near")[0]:
        return "near text of an escaped field name garbled there"
    syntax = ("error Syntax error", "error Parser stack")
    if theirs.startswith("error ") and not theirs.startswith(syntax):
        return "refused by the binder there" if not mine.startswith("error ") else "refused earlier by the binder there"
    return "different"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", default="redis://127.0.0.1:7379")
    arguments.add_argument("--count", type=int, default=20000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--show", type=int, default=20)
    options = arguments.parse_args()
    sys.setrecursionlimit(5000)  # the printer goes four frames deep for each of 254 levels
    queries, referee, counts, shown = Queries(options.seed), Referee(options.url), Counter[str](), 0
    for _ in range(options.count):
        query = queries.next()
        if CRASHING.search(query):
            continue
        for dialect in (1, 2):
            for index, stopwords in (("syntax:plain", frozenset[str]()), ("syntax:stop", STOPWORDS)):
                if stopwords and dialect == 2 and "|" in query:
                    continue  # 2.10.5 loses the union after a stop word, or crashes; 2.10.33 does neither
                theirs, mine = referee.explain(index, query, dialect), ours(query, dialect, stopwords)
                result = verdict(theirs, mine)
                counts[result] += 1
                if result == "different" and shown < options.show:
                    shown += 1
                    print(f"{query!r} dialect {dialect} {index}\n  theirs {theirs}\n  ours   {mine}")
    for name, count in counts.most_common():
        print(f"{count:8} {name}")
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
