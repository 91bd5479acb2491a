"""Text → CompiledPath: RedisJSON's path language and the errors it answers with.

A path that starts with `$.`, `$[` or is `$` is a JSONPath; any other is a legacy path, read as if behind `$.`.
Seen on RedisJSON 2.8.3: only blanks separate tokens, names without quotes are ASCII, quoted strings know the escapes
`\\\\` and their own quote. Where it drops the blanks that begin a quoted name, this parser keeps them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from redisvss.documents.jsonfilter import Comparison, Condition, Either, Every, Exists, Literal, Operand
from redisvss.documents.jsonpath import (
    CompiledPath,
    Filter,
    Indices,
    Names,
    Segment,
    Selected,
    Selector,
    Slice,
    Wild,
)
from redisvss.errors import CommandError

_NAME = re.compile(r"[a-zA-Z0-9\-_`~+#%$^/:]+")
_NUMBER = re.compile(r"-?[1-9][0-9]*|-?[0-9]")
_DECIMAL = re.compile(r"(?:-?[1-9][0-9]*|-?[0-9])(?:\.[0-9]+)?")
_STRING = re.compile(r"\"((?:[^\"\\]|\\[\"\\])*)\"|'((?:[^'\\]|\\['\\])*)'")
_ESCAPE = re.compile(r"\\(.)")
_OPERATOR = re.compile(r">=|<=|==|!=|=~|>|<")
_RANGE = re.compile(r"(-?[1-9][0-9]*|-?[0-9])? *: *(-?[1-9][0-9]*|-?[0-9])?(?: *(:) *([1-9][0-9]*)?)?")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}

MAX_NESTING = 64  # filters and parentheses inside one another
CACHED_PATHS = 1024

# What RedisJSON says it expected, by where it stopped.
_MEMBER = "<string>, '*'"
_RANGES = "['start:end:steps']"
_NUMBERS_OR_RANGES = f"'<number>', {_RANGES}"
_BRACKET = f"'<string>[,<string>,...]', {_NUMBERS_OR_RANGES}, '*'"
_END = "EOI, '..'"
_OPERAND = "decimal, from_current, from_root, boolean_true, boolean_false, null"
_OPERATORS = "ge, gt, le, lt, eq, ne, re, and, or"
_RELATION = "and, or"


@lru_cache(maxsize=CACHED_PATHS)
def compile_path(original: str) -> CompiledPath:
    """Raises CommandError `Error occurred on position …` for a malformed path."""
    text = _with_dollar(original)
    return CompiledPath(text, original, is_legacy(original), _Parser(text).path())


def is_legacy(path: str) -> bool:
    return path != "$" and not path.startswith(("$.", "$["))


def _with_dollar(path: str) -> str:
    if not is_legacy(path):
        return path
    if path == ".":
        return "$"
    return "$" + path if path.startswith(".") else "$." + path


@dataclass
class _Parser:
    text: str
    at: int = 1  # behind the `$`
    depth: int = 0

    def path(self) -> tuple[Segment, ...]:
        segments = self.segments()
        self.blanks()
        if self.at < len(self.text):
            raise self.failed(self.at, _END)
        return segments

    def segments(self) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        while (segment := self.segment()) is not None:
            segments.append(segment)
        return tuple(segments)

    def segment(self) -> Segment | None:
        """The next step of the path, None where the path ends."""
        self.blanks()
        if self.accept(".."):
            return Segment(self.member(), deep=True)
        if self.accept("."):
            return Segment(self.member())
        if self.accept("["):
            return Segment(self.bracket())
        return None

    def member(self) -> Selector:
        self.blanks()
        if self.accept("["):
            return self.bracket()
        if self.accept("*"):
            return Wild()
        return Names((self.name(),))

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self.failed(self.at, _MEMBER)
        self.at = found.end()
        return found.group()

    def bracket(self) -> Selector:
        """The selector behind a `[`, its `]` included."""
        self.blanks()
        begin = self.at
        if self.accept("?"):
            condition = self.condition()
            self.close("]", self.at, _RELATION)
            return Filter(condition)
        if self.accept("*"):
            self.close("]", begin, f"'<string>[,<string>,...]', {_NUMBERS_OR_RANGES}")
            return Wild()
        if strings := self.listed(_STRING):
            self.close("]", begin, _NUMBERS_OR_RANGES)
            return Names(tuple(_unquoted(string) for string in strings))
        if found := _RANGE.match(self.text, begin):
            return self.range(found)
        if numbers := self.listed(_NUMBER):
            self.close("]", begin, _RANGES)
            return Indices(tuple(int(number.group()) for number in numbers))
        raise self.failed(begin, _BRACKET)

    def range(self, found: re.Match[str]) -> Slice:
        self.at = found.end()
        self.blanks()
        if found[3] and not found[4] and not self.text.startswith("]", self.at):
            raise self.failed(self.at, "pos_number")
        self.close("]", self.at, "'<number>'")
        start, stop, step = (int(found[group]) if found[group] else None for group in (1, 2, 4))
        return Slice(start, stop, step or 1)

    def listed(self, item: re.Pattern[str]) -> list[re.Match[str]]:
        """`item, item …`, empty where the first does not match."""
        items: list[re.Match[str]] = []
        while found := item.match(self.text, self.at):
            items.append(found)
            self.at = found.end()
            self.blanks()
            if not self.text.startswith(",", self.at):
                break
            after = re.compile(" *").match(self.text, self.at + 1)
            if after is None or not item.match(self.text, after.end()):
                break
            self.at = after.end()
        return items

    def condition(self) -> Condition:
        """`a && b || c`, && binding tighter."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.failed(self.at, "a path that is not nested as deeply")
        alternatives: list[tuple[Condition, ...]] = []
        conditions = [self.single()]
        while relation := self.relation():
            if relation == "||":
                alternatives.append(tuple(conditions))
                conditions = []
            conditions.append(self.single())
        alternatives.append(tuple(conditions))
        self.depth -= 1
        joined = tuple(_joined(each, Every) for each in alternatives)
        return _joined(joined, Either)

    def relation(self) -> str | None:
        self.blanks()
        return next((word for word in ("&&", "||") if self.accept(word)), None)

    def single(self) -> Condition:
        self.blanks()
        if self.accept("("):
            condition = self.condition()
            self.close(")", self.at, _RELATION)
            return condition
        left = self.operand("single_filter")
        self.blanks()
        found = _OPERATOR.match(self.text, self.at)
        if not found:
            self.expect(")]&|", _OPERATORS + self.more(left))
            return Exists(left)
        self.at = found.end()
        self.blanks()
        right = self.operand(_OPERAND)
        self.blanks()
        self.expect(")]&|", _RELATION + self.more(right))
        return Comparison(left, found.group(), right)

    def operand(self, expected: str) -> Operand:
        begin = self.text[self.at : self.at + 1]
        if begin and begin in "@$":
            self.at += 1
            return Selected(self.relative(), from_root=begin == "$")
        if found := _DECIMAL.match(self.text, self.at):
            self.at = found.end()
            return Literal(float(found.group()) if "." in found.group() else int(found.group()))
        if found := _STRING.match(self.text, self.at):
            self.at = found.end()
            return Literal(_unquoted(found))
        for word, value in _WORDS.items():
            if self.accept(word):
                return Literal(value)
        raise self.failed(self.at, expected)

    def relative(self) -> tuple[Segment, ...]:
        """The path behind an operand's `@` or `$`, whose first member may lack its dot: `@a`."""
        self.blanks()
        if _NAME.match(self.text, self.at):
            first: Selector = Names((self.name(),))
        elif self.accept("*"):
            first = Wild()
        else:
            return self.segments()
        return (Segment(first), *self.segments())

    def more(self, operand: Operand) -> str:
        """A path might have gone on where a literal could not."""
        return ", '..'" if isinstance(operand, Selected) else ""

    def blanks(self) -> None:
        while self.text.startswith(" ", self.at):
            self.at += 1

    def accept(self, word: str) -> bool:
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def expect(self, characters: str, expected: str) -> None:
        """One of `characters` must come next; it is not consumed."""
        following = self.text[self.at : self.at + 1]
        if not following or following not in characters:
            raise self.failed(self.at, expected)

    def close(self, bracket: str, position: int, expected: str) -> None:
        self.blanks()
        if not self.accept(bracket):
            raise self.failed(position, expected)

    def failed(self, position: int, expected: str) -> CommandError:
        """RedisJSON's text; positions count bytes."""
        before, after = self.text[:position], self.text[position:]
        shown = f'"{before} ---->>>> {after}"' if after else f'"{before} <<<<----"'
        where = len(before.encode("utf-8", "surrogatepass"))
        return CommandError(f"Error occurred on position {where}, {shown}, expected one of the following: {expected}.")


def _unquoted(string: re.Match[str]) -> str:
    return _ESCAPE.sub(r"\1", string[1] if string[1] is not None else string[2])


def _joined(conditions: tuple[Condition, ...], kind: type[Every] | type[Either]) -> Condition:
    return conditions[0] if len(conditions) == 1 else kind(conditions)
