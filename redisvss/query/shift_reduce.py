"""The parsing engine of both grammars: a cursor over tokens, the operand stack, and the clauses both dialects have.

The parsers are shift-reduce, with a stack of their own instead of recursion, because RediSearch's are: its nesting
limits, the offsets of its errors and its unusual precedences (in dialect 2, `-a b*` negates both) are those of the
tables of an LALR parser generator, and an explicit stack reproduces all three. An operand is extended or completed by
weighing the token that follows it (`power`) against the symbol before it (`hold`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from redisvss import ast
from redisvss.errors import QuerySyntaxError
from redisvss.query.grouping import Fields, Operand, decode, freeze, join, unescape, with_attributes
from redisvss.query.lexer import T, Token

STACK_OVERFLOW = "Parser stack overflow. Try moving nested parentheses more to the left"
MAX_FUZZY_DISTANCE = 3
NUL = b"\0"

# What the grammar allows where an operand may begin. TOP: nothing but parentheses before, so `*` may stand there.
TEXT_SLOT, ANY_SLOT, TOP_SLOT = 0, 1, 2


class S:
    """A symbol on the stack. TEXT is an operand made of text alone, EXPRESSION any other.

    A UNION may still take alternatives in; it becomes an operand when something else than `|` follows.
    """

    LP: Final = 1
    NEGATE: Final = 2
    OPTIONAL: Final = 3
    MODIFIER: Final = 4
    COLON: Final = 5
    OR: Final = 6
    TEXT: Final = 7
    EXPRESSION: Final = 8
    TEXT_UNION: Final = 9
    UNION: Final = 10


class Entry(NamedTuple):
    """One place of the stack; `slot` where it begins, `fields` the scope outside an open `@field:`."""

    symbol: int
    operand: Operand = None
    slot: int = ANY_SLOT
    fields: Fields = None


class ShiftReduce(ABC):
    """One parse. A grammar derives from it and adds its tables and its leaves."""

    max_stack: ClassVar[int]
    power: ClassVar[Mapping[int, int]]  # what a token binds with after an operand; an absent one ends every operand
    hold: ClassVar[Mapping[int, int]]  # what an operand is bound with by the symbol before it
    words: ClassVar[frozenset[int]]  # the tokens that are a word where a value is expected
    text_union: ClassVar[bool]  # whether a union of text stays text, and a union waits for more alternatives
    flatten = False  # see `grouping.join`

    def __init__(self, tokens: list[Token], stopwords: frozenset[str]) -> None:
        self.tokens = tokens
        self.stopwords = stopwords
        self.slot = TOP_SLOT
        self.at = 0
        self.stack: list[Entry] = []
        self.fields: Fields = None  # the scope new nodes are born with

    def parse(self) -> ast.Node:
        if self.tokens[0].kind == T.END:
            return ast.Empty()
        root = None
        while root is None:
            root = self._operand() or self._operators()
        return root

    @abstractmethod
    def leaf(self, kind: int) -> tuple[int, Operand]:
        """One operand that is no prefix operator, parenthesis or `@field`."""

    @abstractmethod
    def field_clause(self) -> Operand:
        """What follows `@field`, which is the current token; or `open_scope` and None where text comes next."""

    @abstractmethod
    def everything(self) -> ast.Node:
        """The rest of a query that began with `*`."""

    # Cursor

    @property
    def kind(self) -> int:
        return self.tokens[self.at].kind

    def take(self, kinds: frozenset[int] | set[int]) -> Token:
        """The current token, which must be of one of these kinds."""
        token = self.tokens[self.at]
        if token.kind not in kinds:
            raise self.error()
        self.at += 1
        return token

    def expect(self, kind: int) -> Token:
        token = self.tokens[self.at]
        if token.kind != kind:
            raise self.error()
        self.at += 1
        return token

    def accept(self, kind: int) -> bool:
        if self.tokens[self.at].kind != kind:
            return False
        self.at += 1
        return True

    def error(self) -> QuerySyntaxError:
        """The current token refused: its offset, and the last text that was read, its own if it has one."""
        token = self.tokens[self.at]
        texts = (past.text for past in reversed(self.tokens[: self.at]) if past.text is not None and not past.passing)
        return syntax_error("Syntax error", token.offset, next(texts, b"") if token.text is None else token.text)

    # Stack

    def push(self, symbol: int, operand: Operand, slot: int, fields: Fields = None) -> None:
        if len(self.stack) >= self.max_stack:
            raise QuerySyntaxError(STACK_OVERFLOW)
        self.stack.append(Entry(symbol, operand, slot, fields))

    def room(self, symbols: int) -> None:
        """Refuse what would need that many places more; RediSearch's parser keeps a clause's tokens on its stack."""
        if len(self.stack) + symbols > self.max_stack:
            raise QuerySyntaxError(STACK_OVERFLOW)

    def open_scope(self, names: tuple[str, ...]) -> None:
        """`@a|b:` before text: everything born until the scope is reduced applies to these fields only."""
        self.push(S.MODIFIER, None, self.slot)
        self.push(S.COLON, None, self.slot, self.fields)
        outer = self.fields
        self.fields = names if outer is None else tuple(name for name in outer if name in names)

    def _operand(self) -> ast.Node | None:
        """Push what stands before an operand, then the operand. Returns the root if `*` settles the query."""
        while True:
            kind = self.tokens[self.at].kind
            if kind == T.LP:
                self._open(S.LP, self.slot)
            elif kind == T.MINUS:
                self._open(S.NEGATE, min(self.slot, ANY_SLOT))
            elif kind == T.TILDE:
                self._open(S.OPTIONAL, min(self.slot, ANY_SLOT))
            elif kind == T.STAR and self.slot == TOP_SLOT:
                return self.everything()
            elif kind == T.MODIFIER and self.slot != TEXT_SLOT:
                self.room(1)
                operand = self.field_clause()
                if operand is not None:
                    self.push(S.EXPRESSION, operand, self.slot)
                    return None
            else:
                slot = self.slot
                symbol, operand = self.leaf(kind)
                self.push(symbol, operand, slot)
                return None

    def _open(self, symbol: int, slot: int) -> None:
        self.push(symbol, None, self.slot)
        self.at += 1
        self.slot = slot

    def _operators(self) -> ast.Node | None:
        """Complete operands and consume operators until another operand is due, or return the root at the end."""
        while True:
            kind = self.tokens[self.at].kind
            if self._completes(kind):
                self._reduce()
                continue
            top = self.stack[-1]
            if kind == T.OR:
                self.push(S.OR, None, top.slot)
                self.at += 1
                self.slot = TEXT_SLOT if top.symbol == S.TEXT_UNION else min(top.slot, ANY_SLOT)
                return None
            if kind == T.RP:
                self._close()
            elif kind == T.ARROW:
                self.at += 1
                root = self.arrow()
                if root is not None:
                    return root
            elif kind == T.END and len(self.stack) == 1:
                return ast.Empty() if top.operand is None else freeze(top.operand)
            elif kind in self.power and not (kind == T.MODIFIER and top.slot == TEXT_SLOT):
                self.slot = min(top.slot, ANY_SLOT)
                return None
            else:
                raise self.error()

    def _completes(self, kind: int) -> bool:
        """Whether the operand on top belongs to the symbol before it, rather than to what this token begins."""
        stack = self.stack
        top = stack[-1]
        if top.symbol >= S.TEXT_UNION:
            return not (kind == T.OR and self.text_union)
        if len(stack) == 1 or (before := stack[-2].symbol) == S.LP:
            return False
        if before == S.OR:
            if kind == T.OR and top.symbol == S.TEXT and stack[-3].symbol == S.UNION:
                return False  # `@n:[1 2] | a | b | c`: text after a union makes a union of its own first
            if kind == T.MODIFIER and top.slot == TEXT_SLOT:
                return True  # `a|b|c @t:d` is (a|b|c) AND d, though `a|b @t:d` is a|(b AND d)
        return self.power.get(kind, 0) <= self.hold[before]

    def _reduce(self) -> None:
        symbol, operand, slot, _ = self.stack.pop()
        if symbol >= S.TEXT_UNION:
            self.push(S.TEXT if symbol == S.TEXT_UNION else S.EXPRESSION, operand, slot)
            return
        before = self.stack.pop()
        match before.symbol:
            case S.NEGATE:
                operand = None if operand is None else ast.Not(freeze(operand), fields=self.fields)
            case S.OPTIONAL:
                operand = None if operand is None else ast.Optional(freeze(operand), fields=self.fields)
            case S.COLON:
                self.stack.pop()
                self.fields = before.fields
                symbol = S.EXPRESSION
            case S.OR:
                before = self.stack.pop()
                operand = join(ast.Union, before.operand, operand, self.fields, flatten=self.flatten)
                text = self.text_union and symbol == S.TEXT and before.symbol in (S.TEXT, S.TEXT_UNION)
                symbol = S.TEXT_UNION if text else S.UNION
            case _:
                operand = join(ast.Intersect, before.operand, operand, self.fields, flatten=self.flatten)
                symbol = S.TEXT if symbol == before.symbol == S.TEXT else S.EXPRESSION
        self.push(symbol, operand, before.slot)

    def _close(self) -> None:
        """`)`: the operand takes the place of its parenthesis."""
        if len(self.stack) < 2 or self.stack[-2].symbol != S.LP:
            raise self.error()
        self.room(1)
        inner = self.stack.pop()
        opening = self.stack.pop()
        self.push(inner.symbol, inner.operand, opening.slot)
        self.at += 1

    def arrow(self) -> ast.Node | None:
        """`=>{ … }` after an operand, or several in a row; the first arrow is consumed."""
        items = self.attributes()
        while self.kind == T.ARROW and self.tokens[self.at + 1].kind == T.LB:
            self.at += 1
            items += self.attributes()
        top = self.stack.pop()
        self.stack.append(top._replace(operand=with_attributes(top.operand, items)))
        return None

    # Clauses

    def attributes(self) -> list[tuple[str, ast.Text]]:
        """`{ $name: value; … }`; a `;` may repeat, lead or trail."""
        items: list[tuple[str, ast.Text]] = []
        self.room(4)
        self.expect(T.LB)
        separated = True
        while not self.accept(T.RB):
            if self.accept(T.SEMICOLON):
                separated = True
            elif separated:
                self.room(7 if items else 5)
                name = self.expect(T.ATTRIBUTE)
                self.expect(T.COLON)
                items.append((decode(name.text or b"").lower(), self.raw_text(self.take(self.words))))
                separated = False
            else:
                raise self.error()
        return items

    def text(self, token: Token) -> ast.Text:
        """A word as a value: a parameter, or its text without escapes."""
        if token.kind == T.ATTRIBUTE or token.param:
            return ast.Param(decode(token.text or b""))
        return unescape(token.text or b"")

    def raw_text(self, token: Token) -> ast.Text:
        """The same where RediSearch leaves the escapes in: attribute values, KNN options and names."""
        return self.text(token) if token.kind == T.ATTRIBUTE else decode(token.text or b"")

    def affix(self, fields: Fields) -> ast.Affix:
        """`a*`, `*a` or `*a*`, the current token."""
        token = self.tokens[self.at]
        self.at += 1
        prefix, suffix = token.kind != T.SUFFIX, token.kind != T.PREFIX
        return ast.Affix(self.text(token), prefix, suffix, fields=fields)

    def fuzzy(self, words: frozenset[int]) -> ast.Fuzzy:
        """`%word%`, with as many `%` behind as before."""
        distance = 0
        while distance < MAX_FUZZY_DISTANCE and self.accept(T.PERCENT):
            distance += 1
        self.room(2 * distance + 1)
        text = self.text(self.take(words))
        for _ in range(distance):
            self.expect(T.PERCENT)
        return ast.Fuzzy(text, distance, fields=self.fields)


def syntax_error(problem: str, offset: int, near: bytes | None = None) -> QuerySyntaxError:
    """RediSearch's wording; `near` ends at a NUL, being a C string there."""
    where = "" if near is None else f" near {decode(near.partition(NUL)[0])}"
    return QuerySyntaxError(f"{problem} at offset {offset}{where}")
