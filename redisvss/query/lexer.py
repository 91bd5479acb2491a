"""Query text to tokens, for both grammars: dialect 1, and dialects 2 to 4.

Owns the character-level rules; knows nothing of the grammar above them. The scanner takes the longest token at
every position, and silently skips what starts none (`,` `.` `!` blanks and control characters …), so every byte
string has a token sequence. Seen token by token on RediSearch 2.10.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple


class T:
    """What a token is. `OP` is a numeric comparison; `VERBATIM` is `'…'`, which no rule of the grammar takes.

    Plain integers: the parser looks them up for every token, and hashing an enum member costs five times as much.
    """

    END: Final = 0
    TERM: Final = 1
    STOPWORD: Final = 2
    NUMBER: Final = 3
    SIZE: Final = 4
    EXACT: Final = 5
    AS: Final = 6
    ISMISSING: Final = 7
    ATTRIBUTE: Final = 8
    MODIFIER: Final = 9
    OP: Final = 10
    PREFIX: Final = 11
    SUFFIX: Final = 12
    CONTAINS: Final = 13
    WILDCARD: Final = 14
    VERBATIM: Final = 15
    ARROW: Final = 16
    QUOTE: Final = 17
    OR: Final = 18
    LP: Final = 19
    RP: Final = 20
    LB: Final = 21
    RB: Final = 22
    LSQB: Final = 23
    RSQB: Final = 24
    COLON: Final = 25
    SEMICOLON: Final = 26
    MINUS: Final = 27
    TILDE: Final = 28
    STAR: Final = 29
    PERCENT: Final = 30


class Token(NamedTuple):
    """`text` is what an error calls "near": None where the token leaves the previous one's standing.

    `number` is the value of NUMBER and SIZE; `param` tells `$name*` from `name*`, and `w'$name'` from `w'name'`;
    `negative` marks the parameter of `@f==-$p`. `passing` marks the parts of a comparison: once past them, RediSearch
    reports errors as if they had not been there.
    """

    kind: int
    offset: int
    text: bytes | None = None
    number: float = 0.0
    param: bool = False
    negative: bool = False
    passing: bool = False


_PUNCTUATION: dict[bytes, int] = {
    b'"': T.QUOTE,
    b"|": T.OR,
    b"(": T.LP,
    b")": T.RP,
    b"{": T.LB,
    b"}": T.RB,
    b"[": T.LSQB,
    b"]": T.RSQB,
    b":": T.COLON,
    b";": T.SEMICOLON,
    b"-": T.MINUS,
    b"~": T.TILDE,
    b"*": T.STAR,
    b"%": T.PERCENT,
}

# Building blocks. Loops are written unrolled (`x*(?:yx*)*`) so that no input makes the matcher retry a byte often.
_CHAR = rb"[^\x00-\x20\x7f!-/:-@\[-^`{-~]"  # any byte but ASCII control, blank and punctuation; `_` is a letter
_ESCAPE = rb"\\[!-/:-@\[-`{-~\t-\r ]"
_TERM = rb"(?:%s|%s)%s*(?:%s%s*)*" % (_CHAR, _ESCAPE, _CHAR, _ESCAPE, _CHAR)
_NO_TERM = rb"(?!%s|%s)" % (_CHAR, _ESCAPE)
_BLANKS = rb"[\t-\r ]*"
_EXACT = rb'[^"\\]*(?:\\"?[^"\\]*)*'
_VERBATIM = rb"(?!')[^'\\]*(?:\\.[^'\\]*)*"
_SKIP = rb"[\x00-\x20\x7f!#&,./<>?^`]+"
_SINGLE = rb'(?P<single>["|(){}\[\]:;~*%-])'


def _number(sign: bytes, exponent_sign: bytes) -> bytes:
    """A number, where no longer term starts at the same place (`1e5x` is a term, `1.5x` a number and a term)."""
    digits, exponent = rb"[0-9]+", rb"(?:[eE]%s?[0-9]+)?" % exponent_sign
    forms = (
        rb"%s%s(?:\.%s)?%s" % (sign, digits, digits, exponent),
        rb"%s\.%s%s" % (digits, digits, exponent),
        rb"%s[eE]%s%s" % (digits, exponent_sign, digits),
        rb"%s(?:[eE][0-9]+)?%s" % (digits, _NO_TERM),
    )
    return rb"(?:%s)" % rb"|".join(forms)


def _scanner(*alternatives: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"|".join((_SKIP, *alternatives, _SINGLE, rb".")), re.DOTALL)


_NUMBER_V1 = _number(rb"-", rb"-")
_NUMBER_V2 = _number(rb"[+-]", rb"['+-]")  # `1e'5` is one token, worth 1: RediSearch lists the quote as a sign
_OPERAND = rb"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE]['+-]?[0-9]+)?|[+-]?[iI][nN][fF]"

_SCAN_V1 = _scanner(
    rb"(?P<inf>['+-]inf|inf(?!\*)%s)" % _NO_TERM,
    rb"(?P<number>%s)(?P<number_prefix>\*)?" % _NUMBER_V1,
    rb"(?P<term>%s)(?P<term_prefix>\*)?" % _TERM,
    rb"@(?P<modifier>%s)" % _TERM,
    rb"\$(?P<attribute>%s)" % _TERM,
    rb"\*(?P<suffix>%s|%s)(?P<contains>\*)?" % (_NUMBER_V1, _TERM),
    rb"(?P<arrow>=>)",
)
_SCAN_V2 = _scanner(
    rb"(?P<wildcard>w'%s')" % _VERBATIM,
    rb"(?P<inf>[+-][iI][nN][fF]|[iI][nN][fF](?!\*)%s)" % _NO_TERM,
    rb"(?P<number>%s)(?P<number_prefix>\*)?" % _NUMBER_V2,
    rb"(?P<term>%s)(?P<term_prefix>\*)?" % _TERM,
    rb"@(?P<modifier>%s)" % _TERM
    + rb"(?:%s(?P<op>==|!=|>=|<=|>|<)%s" % (_BLANKS, _BLANKS)
    + rb"(?:(?P<op_number>%s)|(?P<op_sign>[+-]?)\$(?P<op_param>%s)))?" % (_OPERAND, _TERM),
    rb"\$(?P<attribute>%s)(?P<attribute_prefix>\*)?" % _TERM,
    rb"""(?P<empty>""|'')""",
    rb'"(?P<exact>%s)"(?P<exact_prefix>\*)?' % _EXACT,
    rb'\*(?:(?P<suffix>%s|%s)|"(?P<suffix_exact>(?!")%s)")(?P<contains>\*)?' % (_NUMBER_V2, _TERM, _EXACT),
    rb"\*\$(?P<suffix_param>%s)(?P<contains_param>\*)?" % _TERM,
    rb"'(?P<verbatim>%s)'" % _VERBATIM,
    rb"(?P<arrow>=>)",
)


def tokenize_v1(text: bytes, stopwords: frozenset[str]) -> list[Token]:
    """Dialect 1. The scanner itself tells stop words from terms, and the grammar treats them differently."""
    tokens = _scan(_SCAN_V1, text)
    for i, token in enumerate(tokens):
        if token.kind == T.SIZE:
            tokens[i] = token._replace(kind=T.NUMBER)
        elif token.kind in (T.AS, T.ISMISSING, T.TERM):
            tokens[i] = token._replace(kind=T.STOPWORD if is_stopword(token.text or b"", stopwords) else T.TERM)
    return tokens


def tokenize_v2(text: bytes) -> list[Token]:
    """Dialects 2, 3 and 4."""
    return _scan(_SCAN_V2, text)


def is_stopword(term: bytes, stopwords: frozenset[str]) -> bool:
    return bool(stopwords) and term.decode("utf-8", "surrogateescape").lower() in stopwords


def _scan(scanner: re.Pattern[bytes], text: bytes) -> list[Token]:
    """The tokens, and an END that stands where the last one did: that is where RediSearch reports a short query."""
    tokens: list[Token] = []
    for match in scanner.finditer(text):
        group = match.lastgroup
        if group is None:
            continue
        if group == "single":
            tokens.append(Token(_PUNCTUATION[match[0]], match.start()))
        elif group == "term":
            word = match[0]
            tokens.append(Token(_KEYWORDS.get(word.lower(), T.TERM), match.start(), word))
        else:
            tokens.extend(_TOKENS[group](match))
    end = next((token.offset for token in reversed(tokens) if not token.passing), 0)
    tokens.append(Token(T.END, end))
    return tokens


_KEYWORDS = {b"as": T.AS, b"ismissing": T.ISMISSING}
_Match = re.Match[bytes]
_Emit = Callable[[_Match], tuple[Token, ...]]


def _plain(kind: int, *groups: str, param: bool = False) -> _Emit:
    """A token whose text is the first of the groups that matched."""

    def emit(match: _Match) -> tuple[Token, ...]:
        text = next(match[group] for group in groups if match[group] is not None)
        return (Token(kind, match.start(), text, param=param),)

    return emit


def _number_token(match: _Match) -> tuple[Token, ...]:
    """Digits alone are a SIZE, which KNN asks for; anything else a NUMBER, infinity too."""
    text = match[0]
    return (Token(T.SIZE if text.isdigit() else T.NUMBER, match.start(), text, _value(text)),)


def _value(text: bytes) -> float:
    """What C's strtod reads: it stops at the apostrophe that the scanner takes for a sign."""
    if b"'" in text:
        text = text.lstrip(b"'").partition(b"'")[0].rstrip(b"eE")
    return float(text)


def _comparison(match: _Match) -> tuple[Token, ...]:
    """`@field >= 5` arrives as one match and is three tokens, all at the offset of the `@`.

    RediSearch 2.10 takes one character too many into a parameter's name (`(@n==$p)` looks for the parameter `p)`);
    that fault is not repeated.
    """
    offset, operator = match.start(), match["op"]
    name = Token(T.MODIFIER, offset, match["modifier"], passing=True)
    sign = Token(T.OP, offset, operator, passing=True)
    if match["op_param"] is not None:
        negative = match["op_sign"] == b"-"
        return name, sign, Token(T.ATTRIBUTE, offset, match["op_param"], negative=negative, passing=True)
    number = match["op_number"]
    return name, sign, Token(T.NUMBER, offset, number, _value(number), passing=True)


def _wildcard(match: _Match) -> tuple[Token, ...]:
    """The error offset of `w'…'` is that of the pattern itself."""
    inner = match[0][2:-1]
    param = inner.startswith(b"$")
    return (Token(T.WILDCARD, match.start() + 2, inner[1:] if param else inner, param=param),)


def _verbatim(match: _Match) -> tuple[Token, ...]:
    """No rule takes it, so only its error text shows; there RediSearch looks for `$` one byte too far."""
    text = match["verbatim"]
    return (Token(T.VERBATIM, match.start(), text[1:] if text[1:2] == b"$" else text),)


def _arrow(match: _Match) -> tuple[Token, ...]:
    """An arrow's text is its `>` and the character after it."""
    return (Token(T.ARROW, match.start(), match.string[match.start() + 1 : match.start() + 3]),)


_TOKENS: dict[str, _Emit] = {
    "wildcard": _wildcard,
    "inf": _number_token,
    "number": _number_token,
    "number_prefix": _plain(T.PREFIX, "number"),
    "term_prefix": _plain(T.PREFIX, "term"),
    "modifier": _plain(T.MODIFIER, "modifier"),
    "op_number": _comparison,
    "op_param": _comparison,
    "attribute": _plain(T.ATTRIBUTE, "attribute"),
    "attribute_prefix": _plain(T.PREFIX, "attribute", param=True),
    "empty": lambda match: (Token(T.TERM, match.start(), b""),),
    "exact": _plain(T.EXACT, "exact"),
    "exact_prefix": _plain(T.PREFIX, "exact"),
    "suffix": _plain(T.SUFFIX, "suffix"),
    "suffix_exact": _plain(T.SUFFIX, "suffix_exact"),
    "contains": _plain(T.CONTAINS, "suffix", "suffix_exact"),
    "suffix_param": _plain(T.SUFFIX, "suffix_param", param=True),
    "contains_param": _plain(T.CONTAINS, "suffix_param", param=True),
    "verbatim": _verbatim,
    "arrow": _arrow,
}
