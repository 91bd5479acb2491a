"""The grammar of dialect 1.

A run of plain words is one operand before anything else is weighed; then, from the weakest: `~`, `-`, `@field:`,
juxtaposition (AND), `|`, `=>{…}`. So `a b|"c" d` is ((a b)|"c") d, `-a b|c` negates it all, and `-a "b"` negates
only `a`, because a quote weighs less than `-`. A tag clause need not be closed, and a `|` behind its brace goes on
with the list.
"""

from __future__ import annotations

from typing import ClassVar

from redisvss import ast
from redisvss.query.grouping import Group, Operand, decode, unescape
from redisvss.query.lexer import T, Token, tokenize_v1
from redisvss.query.shift_reduce import S, ShiftReduce

_WORDS = frozenset({T.TERM, T.NUMBER})
_ANY_WORDS = _WORDS | {T.STOPWORD}
_AFFIXES = frozenset({T.PREFIX, T.SUFFIX, T.CONTAINS})


class ParserV1(ShiftReduce):
    max_stack = 99  # its parser was generated with the default of 100 places
    text_union = False
    words = _WORDS
    power: ClassVar = {
        T.TILDE: 2,
        T.QUOTE: 4,
        T.MINUS: 6,
        T.NUMBER: 7,
        T.STOPWORD: 8,
        T.TERM: 10,
        T.PREFIX: 11,
        T.SUFFIX: 11,
        T.CONTAINS: 11,
        T.PERCENT: 12,
        T.LP: 14,
        T.MODIFIER: 16,
        T.OR: 18,
        T.ARROW: 20,
    }
    hold: ClassVar = {S.OPTIONAL: 2, S.NEGATE: 6, S.COLON: 16, S.EXPRESSION: 17, S.OR: 18}

    def __init__(self, text: bytes, stopwords: frozenset[str] = frozenset()) -> None:
        super().__init__(tokenize_v1(text, stopwords), stopwords)

    def everything(self) -> ast.Node:
        """`*` is a whole query."""
        if self.stack:
            raise self.error()
        self.at += 1
        self.expect(T.END)
        return ast.All()

    def leaf(self, kind: int) -> tuple[int, Operand]:
        match kind:
            case T.TERM | T.NUMBER:
                return S.EXPRESSION, self._run()
            case T.STOPWORD:
                self.at += 1
                return S.EXPRESSION, None
            case T.QUOTE:
                return S.EXPRESSION, self._phrase()
            case T.PREFIX | T.SUFFIX | T.CONTAINS:
                return S.EXPRESSION, self.affix(self.fields)
            case T.PERCENT:
                return S.EXPRESSION, self.fuzzy(_ANY_WORDS)
        raise self.error()

    def _run(self) -> Operand:
        """Adjacent words: the second may be a number, later numbers and stop words end the run."""
        terms: list[ast.Node] = [self._term(self.take(_WORDS))]
        if self.kind in _WORDS:
            terms.append(self._term(self.take(_WORDS)))
            while self.kind == T.TERM:
                terms.append(self._term(self.take(_WORDS)))
        return terms[0] if len(terms) == 1 else Group(ast.Intersect, terms, self.fields)

    def _term(self, token: Token, verbatim: bool = False) -> ast.Term:
        return ast.Term(self.text(token), verbatim, fields=self.fields)

    def _phrase(self) -> ast.Node:
        """A stop word may stand in it from the third place on, and says nothing; one word alone is no phrase."""
        self.expect(T.QUOTE)
        words = [self.take(_WORDS)]
        if not self.accept(T.QUOTE):
            words.append(self.take(_WORDS))
            while not self.accept(T.QUOTE):
                words.append(self.take(_ANY_WORDS))
        terms = tuple(self._term(word, True) for word in words if word.kind != T.STOPWORD)
        return terms[0] if len(terms) == 1 else ast.Phrase(terms, fields=self.fields)

    # Behind a field name

    def field_clause(self) -> Operand:
        names = [unescape(self.expect(T.MODIFIER).text or b"")]
        while self.accept(T.OR):
            names.append(decode(self.take(_WORDS).text or b""))
        self.expect(T.COLON)
        if len(names) == 1 and self.kind == T.LB:
            self.room(4)
            return self._tag(names[0])
        if len(names) == 1 and self.kind == T.LSQB:
            self.room(6)
            return self._bracket(names[0])
        self.open_scope(tuple(names))
        return None

    def _tag(self, name: str) -> ast.Tag:
        """`{a|b c}`, its braces optional once open."""
        self.expect(T.LB)
        items = [self._tag_item()]
        while self.kind in (T.OR, T.RB):
            if not self.accept(T.RB):
                self.at += 1
                items.append(self._tag_item())
        return ast.Tag(name, tuple(items), fields=self.fields)

    def _tag_item(self) -> ast.Node:
        """A stop word is a tag alone; among words it is dropped, and can be neither first nor second."""
        if self.kind in _AFFIXES:
            return self.affix(None)
        words = [self.take(_ANY_WORDS)]
        if words[0].kind != T.STOPWORD and self.kind in _WORDS:
            while self.kind in _WORDS or (len(words) > 1 and self.kind == T.STOPWORD):
                words.append(self.take(_ANY_WORDS))
        kept = words[:1] + [word for word in words[1:] if word.kind != T.STOPWORD]
        return ast.Term(" ".join(unescape(word.text or b"") for word in kept))

    def _bracket(self, name: str) -> ast.Node:
        self.expect(T.LSQB)
        low, high = self._bound(), self._bound()
        if self.accept(T.RSQB):
            return ast.Numeric(name, low, high, fields=self.fields)
        radius = self._bound()
        unit = self.expect(T.TERM)
        self.expect(T.RSQB)
        return ast.Geo(name, low.value, high.value, radius.value, decode(unit.text or b""), fields=self.fields)

    def _bound(self) -> ast.Bound:
        sign, exclusive = 1.0, False
        while self.kind in (T.LP, T.MINUS):
            exclusive = exclusive or self.kind == T.LP
            sign = -sign if self.kind == T.MINUS else sign
            self.at += 1
        return ast.Bound(sign * self.expect(T.NUMBER).number, exclusive)
