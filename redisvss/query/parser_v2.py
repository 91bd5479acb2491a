"""The grammar of dialects 2, 3 and 4: leaves, and the precedence tables.

From the weakest: `|`, juxtaposition (AND), `-` and `~`, `=>{…}`, `@field:`. But AND, `-`, `~` and `@field:` are weighed
against the token that follows, and a number, an affix, a fuzzy term, a parameter or a wildcard outweighs them all:
`@t:a b` scopes `a` alone, `@t:a b*` scopes both. RediSearch's tables say so, and so do its answers.

An operand stays "text only" as long as it can, since text is all that `@field:` takes. Where only text is allowed
(inside a scope, and after the second `|` of a list of text), a `@` is a syntax error and `ismissing` is a word.
"""

from __future__ import annotations

import re
from typing import ClassVar

from redisvss import ast
from redisvss.query.clauses_v2 import ClausesV2
from redisvss.query.grouping import Operand, unescape
from redisvss.query.lexer import T, is_stopword, tokenize_v2
from redisvss.query.shift_reduce import TEXT_SLOT, S

# Inside quotes only these separate words: `$`, line ends and other control characters do not.
_QUOTED_WORD = re.compile(rb"(?:[^ \t,./(){}\[\]:;~!@#%^&*=+|'`\"<>?\\-]|\\.?)+", re.DOTALL)


class ParserV2(ClausesV2):
    max_stack = 255  # RediSearch's parser has 256 places, one of which its start state takes
    text_union = True
    power: ClassVar = {
        T.OR: 4,
        T.ISMISSING: 5,
        T.MODIFIER: 6,
        T.EXACT: 8,
        T.TERM: 9,
        T.AS: 9,
        T.QUOTE: 10,
        T.LP: 11,
        T.TILDE: 12,
        T.MINUS: 12,
        T.ARROW: 14,
        T.NUMBER: 18,
        T.SIZE: 19,
        T.PREFIX: 23,
        T.SUFFIX: 23,
        T.CONTAINS: 23,
        T.PERCENT: 24,
        T.ATTRIBUTE: 25,
        T.WILDCARD: 26,
    }
    hold: ClassVar = {S.OR: 4, S.NEGATE: 12, S.OPTIONAL: 12, S.TEXT: 13, S.EXPRESSION: 13, S.COLON: 15}

    def __init__(self, text: bytes, stopwords: frozenset[str] = frozenset(), *, flatten: bool = True) -> None:
        super().__init__(tokenize_v2(text), stopwords)
        self.flatten = flatten

    def leaf(self, kind: int) -> tuple[int, Operand]:
        match kind:
            case T.ISMISSING if self.slot != TEXT_SLOT:
                return S.EXPRESSION, self.missing()
            case T.TERM | T.AS | T.ISMISSING | T.NUMBER | T.SIZE | T.ATTRIBUTE:
                return S.TEXT, self._term(kind)
            case T.EXACT:
                return S.TEXT, self._phrase()
            case T.PREFIX | T.SUFFIX | T.CONTAINS:
                return S.TEXT, self.affix(self.fields)
            case T.PERCENT:
                return S.TEXT, self.fuzzy(self.words)
            case T.WILDCARD:
                return S.TEXT, self.wildcard()
            case T.QUOTE:  # a quote without its partner
                self.at += 1
                self.accept(T.ATTRIBUTE)
        raise self.error()

    def _term(self, kind: int) -> ast.Term | None:
        token = self.tokens[self.at]
        self.at += 1
        number = kind == T.NUMBER or kind == T.SIZE
        if not number and kind != T.ATTRIBUTE and is_stopword(token.text or b"", self.stopwords):
            return None
        return ast.Term(self.text(token), number, fields=self.fields)

    def _phrase(self) -> ast.Phrase:
        quoted = (self.expect(T.EXACT).text or b"").partition(b"\0")[0]
        words = (unescape(word) for word in _QUOTED_WORD.findall(quoted))
        return ast.Phrase(tuple(ast.Term(word, True, fields=self.fields) for word in words), fields=self.fields)

    def everything(self) -> ast.Node:
        """`*`, in any number of parentheses, alone or as the filter of a KNN."""
        self.room(1)
        self.at += 1
        while self.stack and self.kind == T.RP:
            self.room(2)
            self.stack.pop()
            self.at += 1
        if not self.stack and self.accept(T.ARROW):
            if self.kind != T.LSQB:
                raise self.error()
            return self.knn(ast.All())
        if self.stack or self.kind != T.END:
            raise self.error()
        return ast.All()

    def arrow(self) -> ast.Node | None:
        if self.kind == T.LSQB and len(self.stack) == 1:
            return self.knn(self.stack[-1].operand)
        return super().arrow()
