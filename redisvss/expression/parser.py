"""Tokens → tree, with RediSearch's precedences and its error texts.

Its grammar knows four levels, all left-associative: `&& ||` together, comparisons, `+ -`, and `* / % ^` together (so
`2*3^2` is 36). `!` takes everything that binds closer than `&&`. Knows the functions' names, not what they do.
"""

from __future__ import annotations

from functools import lru_cache

from redisvss.errors import CommandError
from redisvss.expression.functions import FUNCTIONS
from redisvss.expression.lexer import MAX_TOKENS, Token, plain_name, tokens
from redisvss.expression.tree import Call, Chain, Literal, Node, Not, Property
from redisvss.expression.values import name_of

# RediSearch's parser stack has 100 entries; a parenthesis takes one of them, a function call two.
MAX_NESTING = 97
_CACHED = 256
_CACHED_LENGTH = 4096

_LEVELS = {
    operator: level
    for level, operators in enumerate((("&&", "||"), ("==", "!=", "<", "<=", ">", ">="), "+-", "*/%^"), start=1)
    for operator in operators
}
_LOGICAL, _COMPARISON = 1, 2


class ExpressionError(CommandError):
    """The text is no expression."""


def parse_expression(text: bytes) -> Node:
    """The tree of `text`; raises ExpressionError."""
    return _parse_cached(text) if len(text) <= _CACHED_LENGTH else _Parser(text).parse()


@lru_cache(maxsize=_CACHED)
def _parse_cached(text: bytes) -> Node:
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: bytes) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._open: list[str] = []  # what is open around here: "(" or "call"
        if len(self._tokens) > MAX_TOKENS:
            self._at = len(self._tokens) - 1
            raise self._syntax_error()

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def parse(self) -> Node:
        node = self._climb(_LOGICAL)
        if self._token.kind != "end":
            raise self._syntax_error()
        return node

    def _climb(self, lowest: int) -> Node:
        """An expression of operators that bind at least as closely as `lowest`."""
        node = self._operand()
        while (level := _LEVELS.get(self._token.kind, 0)) >= lowest:
            rest: list[tuple[str, Node]] = []
            while _LEVELS.get(self._token.kind) == level:
                operator = self._next().kind
                rest.append((operator, self._climb(level + 1)))
            node = Chain(node, tuple(rest))
        return node

    def _operand(self) -> Node:
        token = self._token
        match token.kind:
            case "number" | "string":
                return Literal(self._next().value)
            case "property":
                self._next()
                return Property(name_of(token.near), name_of(plain_name(token.near)))
            case "symbol":
                self._next()
                return self._call(token) if self._token.kind == "(" else self._symbol(token)
            case "-":
                return self._negative()
            case "!":
                return self._not()
            case "(":
                return self._group()
        raise self._syntax_error()

    def _negative(self) -> Node:
        """`-` in front of anything but a number is no expression."""
        self._next()
        value = self._token.value
        if self._token.kind != "number" or not isinstance(value, float):
            raise self._syntax_error()
        self._next()
        return Literal(-value)

    def _not(self) -> Node:
        times = 0
        while self._token.kind == "!":
            self._next()
            times += 1
        return Not(self._climb(_COMPARISON), times)

    def _group(self) -> Node:
        self._enter("(")
        node = self._climb(_LOGICAL)
        self._leave()
        return node

    def _call(self, name: Token) -> Node:
        self._enter("call")
        args: list[Node] = []
        if self._token.kind not in (",", ")"):  # a first argument may be missing: `f(,1)` is `f(1)`
            args.append(self._climb(_LOGICAL))
        while self._token.kind == ",":
            self._next()
            args.append(self._climb(_LOGICAL))
        self._leave()
        function = name_of(name.near).lower()
        if function not in FUNCTIONS:
            raise self._refused(f"Unknown function name '{name_of(name.near)}'")
        return Call(name_of(name.near), function, tuple(args))

    def _symbol(self, token: Token) -> Node:
        if token.near == b"NULL":
            return Literal(None)
        raise self._refused(f"Unknown symbol '{name_of(token.near)}'")

    def _enter(self, kind: str) -> None:
        self._next()
        self._open.append(kind)
        if len(self._open) + self._open.count("call") > MAX_NESTING:
            raise self._syntax_error()

    def _leave(self) -> None:
        if self._token.kind != ")":
            raise self._syntax_error()
        self._next()
        self._open.pop()

    def _refused(self, reason: str) -> ExpressionError:
        """RediSearch notices a bad name when it sees the next token, which may be wrong as well."""
        return ExpressionError(reason) if self._may_follow_operand() else self._syntax_error(reason)

    def _may_follow_operand(self) -> bool:
        match self._token.kind:
            case "end":
                return not self._open
            case ")":
                return bool(self._open)
            case ",":
                return self._open[-1:] == ["call"]
            case kind:
                return kind in _LEVELS

    def _syntax_error(self, reason: str = "") -> ExpressionError:
        token = self._token
        text = f"Syntax error at offset {token.position} near '{name_of(token.near)}'"
        return ExpressionError(f"{text}: {reason}" if reason else text)
