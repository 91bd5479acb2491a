"""Dialect 2's clauses behind a field name and behind `=>[`: tags, ranges, geo, shapes, vectors, `ismissing`."""

from __future__ import annotations

from redisvss import ast
from redisvss.errors import QuerySyntaxError
from redisvss.query.grouping import Operand, decode, freeze, unescape
from redisvss.query.lexer import T, Token, is_stopword
from redisvss.query.shift_reduce import TEXT_SLOT, ShiftReduce, syntax_error

_NAMES = frozenset({T.TERM, T.EXACT, T.AS, T.ISMISSING})
_AFFIXES = frozenset({T.PREFIX, T.SUFFIX, T.CONTAINS})
_SHAPE_PREDICATES = ("WITHIN", "CONTAINS", "INTERSECTS", "DISJOINT")
_INFINITY = float("inf")
_MAX_K = 2**63  # a count of digits no integer holds is as good as this one: the binder refuses both


class ClausesV2(ShiftReduce):
    words = _NAMES | {T.NUMBER, T.SIZE, T.ATTRIBUTE}

    def field_clause(self) -> Operand:
        modifier = self.expect(T.MODIFIER)
        name = unescape(modifier.text or b"")
        match self.kind:
            case T.OP:
                return self._comparison(name)
            case T.COLON:
                return self._behind_colon(name)
            case T.OR:
                self._scope_of_many(name)
                return None
        raise self.error()

    def _behind_colon(self, name: str) -> Operand:
        self.at += 1
        match self.kind:
            case T.LB:
                return self._tag(name)
            case T.LSQB:
                return self._bracket(name)
        self.open_scope((name,))
        self.slot = TEXT_SLOT
        return None

    def _scope_of_many(self, name: str) -> None:
        """`@a|b|c:` takes text only."""
        self.room(3)
        names = [name]
        while self.accept(T.OR):
            token = self.take(_NAMES | {T.NUMBER, T.SIZE})
            if not token.text:
                raise syntax_error("Syntax error", token.offset, b"")
            names.append(decode(token.text))
        self.expect(T.COLON)
        self.open_scope(tuple(names))
        self.slot = TEXT_SLOT

    def missing(self) -> ast.Missing:
        self.expect(T.ISMISSING)
        self.room(4)
        self.expect(T.LP)
        name = self.expect(T.MODIFIER)
        self.expect(T.RP)
        return ast.Missing(unescape(name.text or b""))

    def wildcard(self) -> ast.Wildcard:
        """The pattern keeps its escapes: `\\*` is a star for whoever matches."""
        token = self.expect(T.WILDCARD)
        pattern = decode(token.text or b"")
        return ast.Wildcard(ast.Param(pattern) if token.param else pattern, fields=self.fields)

    # Tags

    def _tag(self, name: str) -> ast.Tag:
        self.room(5)
        self.expect(T.LB)
        items = [self._tag_item()]
        while self.accept(T.OR):
            self.room(6)
            items.append(self._tag_item())
        self.expect(T.RB)
        return ast.Tag(name, tuple(items))

    def _tag_item(self) -> ast.Node:
        if self.kind in _AFFIXES:
            return self.affix(None)
        if self.kind == T.WILDCARD:
            return self.wildcard()
        words = [self.take(self.words)]
        while self.kind in self.words:
            words.append(self.take(self.words))
        return self._tag_of(words)

    def _tag_of(self, words: list[Token]) -> ast.Node:
        """One tag of all the words. RediSearch drops stop words from the third word on, and so do we."""
        kept = words[:2] + [word for word in words[2:] if not self._is_stopword(word)]
        texts = [self.text(word) for word in kept]
        if len(texts) == 1:
            return ast.Term(texts[0])
        if any(isinstance(text, ast.Param) for text in texts):
            return ast.Phrase(tuple(ast.Term(text) for text in texts))
        return ast.Term(" ".join(text for text in texts if isinstance(text, str)))

    def _is_stopword(self, word: Token) -> bool:
        return word.kind in _NAMES and is_stopword(word.text or b"", self.stopwords)

    # Brackets

    def _comparison(self, name: str) -> ast.Node:
        """`@n>5`; the scanner made sure that a value follows."""
        self.room(3)
        operator = decode(self.expect(T.OP).text or b"")
        value = self._value()
        match operator:
            case ">" | ">=":
                return ast.Numeric(name, _exclusive(value, operator == ">"), ast.Bound(_INFINITY), operator)
            case "<" | "<=":
                return ast.Numeric(name, ast.Bound(-_INFINITY), _exclusive(value, operator == "<"), operator)
        node = ast.Numeric(name, value, value, operator)
        return ast.Not(node) if operator == "!=" else node

    def _bracket(self, name: str) -> ast.Node:
        self.room(5)
        self.expect(T.LSQB)
        if self.kind in _NAMES:
            return self._shape_or_vector_range(name)
        low = self._bound()
        if not low.exclusive and self.accept(T.RSQB):
            return ast.Numeric(name, low, low, "==")
        self.room(6)
        high = self._bound()
        if low.exclusive or high.exclusive or self.kind == T.RSQB:
            self.expect(T.RSQB)
            return ast.Numeric(name, low, high)
        self.room(8)
        radius = self._value()
        unit = self.raw_text(self.take(self.words))
        self.expect(T.RSQB)
        return ast.Geo(name, _signed(low), _signed(high), _signed(radius), unit)

    def _bound(self) -> ast.Bound:
        if self.accept(T.LP):
            return _exclusive(self._value(), True)
        return self._value()

    def _value(self) -> ast.Bound:
        """A number after any count of `-`, or a parameter after one at most."""
        minuses = 0
        while self.accept(T.MINUS):
            minuses += 1
        token = self.take({T.NUMBER, T.SIZE} if minuses > 1 else {T.NUMBER, T.SIZE, T.ATTRIBUTE})
        if token.kind == T.ATTRIBUTE:
            return ast.Bound(ast.Param(decode(token.text or b"")), negative=minuses == 1 or token.negative)
        return ast.Bound(-token.number if minuses % 2 else token.number)

    def _shape_or_vector_range(self, name: str) -> ast.Node:
        self.room(6)
        command = self.take(_NAMES)
        radius = self._value()
        if isinstance(radius.value, ast.Param) and not radius.negative and self.kind == T.RSQB:
            return self._shape(name, command, radius.value)
        blob = self.expect(T.ATTRIBUTE)
        if (command.text or b"").upper() != b"VECTOR_RANGE":
            raise self._not_a_command("Syntax error: expecting vector similarity range command", command)
        self.expect(T.RSQB)
        return ast.VectorRange(name, _signed(radius), ast.Param(decode(blob.text or b"")))

    def _not_a_command(self, problem: str, command: Token) -> QuerySyntaxError:
        """RediSearch does not show the word where the last affix or pattern before it is a pattern (seen on 2.10.5)."""
        before = self.tokens[: self.tokens.index(command)]
        patterns = [token.kind == T.WILDCARD for token in before if token.kind in _AFFIXES | {T.WILDCARD}]
        return syntax_error(problem, command.offset, None if patterns[-1:] == [True] else command.text)

    def _shape(self, name: str, command: Token, shape: ast.Param) -> ast.GeoShape:
        predicate = decode(command.text or b"").upper()
        if predicate not in _SHAPE_PREDICATES:
            parameter = self.tokens[self.at - 1]
            raise syntax_error("Syntax error: Expecting a geoshape predicate", parameter.offset)
        self.expect(T.RSQB)
        return ast.GeoShape(name, predicate, shape)

    # KNN

    def knn(self, operand: Operand) -> ast.Knn:
        """`=>[KNN k @field $blob …]` to the end of the query; the arrow is consumed."""
        self.expect(T.LSQB)
        command = self.take(_NAMES)
        k = self._count()
        field = self.expect(T.MODIFIER)
        blob = self.expect(T.ATTRIBUTE)
        if (command.text or b"").upper() != b"KNN":
            raise self._not_a_command("Syntax error: Expecting Vector Similarity command", command)
        options, score_as = self._knn_options()
        self.expect(T.RSQB)
        attributes = tuple(self.attributes()) if self.accept(T.ARROW) else ()
        self.expect(T.END)
        return ast.Knn(
            unescape(field.text or b""),
            k,
            ast.Param(decode(blob.text or b"")),
            ast.All() if operand is None else freeze(operand),
            options,
            score_as,
            attributes=ast.Attributes(attributes),
        )

    def _count(self) -> int | ast.Param:
        token = self.take({T.SIZE, T.ATTRIBUTE})
        if token.kind == T.ATTRIBUTE:
            return ast.Param(decode(token.text or b""))
        return int(min(token.number, _MAX_K))

    def _knn_options(self) -> tuple[tuple[tuple[str, ast.Text], ...], ast.Text | None]:
        """`NAME value …` and, last, `AS name`."""
        options: list[tuple[str, ast.Text]] = []
        while self.kind in (T.TERM, T.EXACT, T.ISMISSING):
            name = decode(self.take(_NAMES).text or b"")
            options.append((name, self.raw_text(self.take(self.words))))
        score_as = self.raw_text(self.take(self.words)) if self.accept(T.AS) else None
        return tuple(options), score_as


def _exclusive(bound: ast.Bound, exclusive: bool) -> ast.Bound:
    return ast.Bound(bound.value, exclusive, bound.negative)


def _signed(bound: ast.Bound) -> float | ast.Param:
    """A slot without a sign of its own: the parameter carries it."""
    if isinstance(bound.value, ast.Param) and bound.negative:
        return ast.Param(bound.value.name, negative=True)
    return bound.value
