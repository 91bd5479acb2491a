"""Query text to tokens, for both grammars: dialect 1, and dialects 2 to 4.

Owns the character-level rules; knows nothing of the grammar above them. The scanner takes the longest token at
every position, and silently skips what starts none (`,` `.` `!` blanks and control characters …), so every byte
string has a token sequence. Seen token by token on RediSearch 2.10.5.

The first byte chooses the rule: one regular expression of all rules takes three times as long.
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


# A rule reads the token that starts at a position, appends it, and returns where to go on.
_Rule = Callable[[bytes, int, list[Token]], int]
_Matcher = Callable[[bytes, int], re.Match[bytes] | None]

# Building blocks. Loops are written unrolled (`x*(?:yx*)*`) so that no input makes the matcher retry a byte often.
_CHAR = rb"[^\x00-\x20\x7f!-/:-@\[-^`{-~]"  # any byte but ASCII control, blank and punctuation; `_` is a letter
_ESCAPE = rb"\\[!-/:-@\[-`{-~\t-\r ]"
_TERM = rb"(?:%s|%s)%s*(?:%s%s*)*" % (_CHAR, _ESCAPE, _CHAR, _ESCAPE, _CHAR)
_BLANKS = rb"[\t-\r ]*"
_EXACT = rb'(?!")[^"\\]*(?:\\"?[^"\\]*)*'  # `\"` goes on, unless no other quote is left to end the phrase
_VERBATIM = rb"(?!')[^'\\]*(?:\\.[^'\\]*)*"


def _numbers(sign: bytes, exponent_sign: bytes) -> tuple[bytes, bytes]:
    """With a sign, and without one where no longer term starts there (`1e5x` is a term, `1.5x` is 1.5 and x)."""
    exponent = rb"(?:[eE]%s?[0-9]+)?" % exponent_sign
    signed = rb"%s[0-9]+(?:\.[0-9]+)?%s" % (sign, exponent)
    plain = (
        rb"[0-9]+\.[0-9]+%s" % exponent,
        rb"[0-9]+[eE]%s[0-9]+" % exponent_sign,
        rb"[0-9]+(?:[eE][0-9]+)?(?!%s|%s)" % (_CHAR, _ESCAPE),
    )
    return signed, rb"|".join(plain)


def _matcher(pattern: bytes) -> _Matcher:
    return re.compile(pattern, re.DOTALL).match


_SIGNED_V1, _NUMBER_V1 = _numbers(rb"-", rb"-")
_SIGNED_V2, _NUMBER_V2 = _numbers(rb"[+-]", rb"['+-]")  # `1e'5` is one token: RediSearch takes the quote for a sign
_OPERAND = rb"[+-]?[iI][nN][fF]|%s" % _SIGNED_V2.replace(b"[+-]", b"[+-]?", 1)

_match_word = _matcher(rb"(%s)(\*)?" % _TERM)
_match_exact = _matcher(rb'"(%s)"(\*)?' % _EXACT)
_match_verbatim = _matcher(rb"'(%s)'" % _VERBATIM)
_match_wildcard = _matcher(rb"w'(%s)'" % _VERBATIM)
_match_attribute = _matcher(rb"\$(%s)(\*)?" % _TERM)
_match_modifier = _matcher(
    rb"@(?P<name>%s)(?:%s(?P<op>==|!=|>=|<=|>|<)%s" % (_TERM, _BLANKS, _BLANKS)
    + rb"(?:(?P<number>%s)|(?P<sign>[+-]?)\$(?P<param>%s)))?" % (_OPERAND, _TERM)
)
_match_affix_v2 = _matcher(
    rb'\*(?:(?P<word>%s|%s|%s)|\$(?P<param>%s)|"(?P<exact>%s)")(?P<more>\*)?'
    % (_SIGNED_V2, _NUMBER_V2, _TERM, _TERM, _EXACT)
)
_match_affix_v1 = _matcher(rb"\*(%s|%s|%s)(\*)?" % (_SIGNED_V1, _NUMBER_V1, _TERM))


def tokenize_v1(text: bytes, stopwords: frozenset[str]) -> list[Token]:
    """Dialect 1. The scanner itself tells stop words from terms, and the grammar treats them differently."""
    tokens = _scan(_RULES_V1, text)
    if stopwords:
        for i, token in enumerate(tokens):
            if token.kind == T.TERM and is_stopword(token.text or b"", stopwords):
                tokens[i] = token._replace(kind=T.STOPWORD)
    return tokens


def tokenize_v2(text: bytes) -> list[Token]:
    """Dialects 2, 3 and 4."""
    return _scan(_RULES_V2, text)


def is_stopword(term: bytes, stopwords: frozenset[str]) -> bool:
    return bool(stopwords) and term.decode("utf-8", "surrogateescape").lower() in stopwords


def _scan(rules: list[_Rule | None], text: bytes) -> list[Token]:
    """The tokens, and an END that stands where the last one did: that is where RediSearch reports a short query."""
    tokens: list[Token] = []
    at, size = 0, len(text)
    while at < size:
        rule = rules[text[at]]
        at = at + 1 if rule is None else rule(text, at, tokens)
    end = next((token.offset for token in reversed(tokens) if not token.passing), 0)
    tokens.append(Token(T.END, end))
    return tokens


# Rules


def _single(kind: int) -> _Rule:
    def rule(_: bytes, at: int, tokens: list[Token]) -> int:
        tokens.append(Token(kind, at))
        return at + 1

    return rule


def _word_v1(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_word(text, at)
    if match is None:  # a backslash that escapes nothing
        return at + 1
    word, star = match.groups()
    if star is None and word == b"inf":
        tokens.append(Token(T.NUMBER, at, word, float("inf")))
    else:
        tokens.append(Token(T.TERM if star is None else T.PREFIX, at, word))
    return match.end()


def _word_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_word(text, at)
    if match is None:
        return at + 1
    word, star = match.groups()
    if star is not None:
        tokens.append(Token(T.PREFIX, at, word))
    elif (kind := _KEYWORDS.get(word.lower(), T.TERM)) == T.NUMBER:
        tokens.append(Token(kind, at, word, float("inf")))
    else:
        tokens.append(Token(kind, at, word))
    return match.end()


_KEYWORDS = {b"as": T.AS, b"ismissing": T.ISMISSING, b"inf": T.NUMBER}


def _digits(number: bytes, integer: int) -> _Rule:
    """A number, or a term that starts with a digit; either may be a prefix. `integer`: what digits alone are."""
    matcher = _matcher(rb"(?:(%s)|%s)(\*)?" % (number, _TERM))

    def rule(text: bytes, at: int, tokens: list[Token]) -> int:
        match = matcher(text, at)
        assert match is not None  # a digit starts a term
        if match[2] is not None:
            tokens.append(Token(T.PREFIX, at, match[0][:-1]))
        elif match[1] is None:
            tokens.append(Token(T.TERM, at, match[0]))
        else:
            tokens.append(Token(integer if match[1].isdigit() else T.NUMBER, at, match[1], _value(match[1])))
        return match.end()

    return rule


def _sign(infinity: bytes, number: bytes) -> _Rule:
    """`-5`, `+inf`; a `-` before anything else is an operator, any other sign is skipped."""
    matcher = _matcher(rb"(%s)|(%s)(\*)?" % (infinity, number))

    def rule(text: bytes, at: int, tokens: list[Token]) -> int:
        match = matcher(text, at)
        if match is None:
            if text[at] == ord("-"):
                tokens.append(Token(T.MINUS, at))
            return at + 1
        if match[3] is not None:
            tokens.append(Token(T.PREFIX, at, match[2]))
        else:
            tokens.append(Token(T.NUMBER, at, match[0], _value(match[0])))
        return match.end()

    return rule


def _value(text: bytes) -> float:
    """What C's strtod reads: it stops at the apostrophe that the scanner takes for a sign."""
    if b"'" in text:
        text = text.lstrip(b"'").partition(b"'")[0].rstrip(b"eE")
    return float(text)


def _modifier_v1(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_word(text, at + 1)
    if match is None:
        return at + 1
    tokens.append(Token(T.MODIFIER, at, match[1]))
    return match.end(1)


def _modifier_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    """`@field`, or a whole comparison (`@field >= 5`): one match, three tokens, all at the offset of the `@`.

    RediSearch 2.10 takes one character too many into a parameter's name (`(@n==$p)` looks for the parameter `p)`);
    that fault is not repeated.
    """
    match = _match_modifier(text, at)
    if match is None:
        return at + 1
    name, operator, number, sign, param = match.groups()
    if operator is None:
        tokens.append(Token(T.MODIFIER, at, name))
        return match.end()
    tokens.append(Token(T.MODIFIER, at, name, passing=True))
    tokens.append(Token(T.OP, at, operator, passing=True))
    if param is None:
        tokens.append(Token(T.NUMBER, at, number, _value(number), passing=True))
    else:
        tokens.append(Token(T.ATTRIBUTE, at, param, negative=sign == b"-", passing=True))
    return match.end()


def _attribute_v1(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_word(text, at + 1)
    if match is None:
        return at + 1
    tokens.append(Token(T.ATTRIBUTE, at, match[1]))
    return match.end(1)


def _attribute_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_attribute(text, at)
    if match is None:
        return at + 1
    if match[2] is None:
        tokens.append(Token(T.ATTRIBUTE, at, match[1]))
    else:
        tokens.append(Token(T.PREFIX, at, match[1], param=True))
    return match.end()


def _affix_v1(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_affix_v1(text, at)
    if match is None:
        tokens.append(Token(T.STAR, at))
        return at + 1
    tokens.append(Token(T.SUFFIX if match[2] is None else T.CONTAINS, at, match[1]))
    return match.end()


def _affix_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    match = _match_affix_v2(text, at)
    if match is None:
        tokens.append(Token(T.STAR, at))
        return at + 1
    word, param, exact, more = match.groups()
    kind = T.SUFFIX if more is None else T.CONTAINS
    tokens.append(Token(kind, at, word or param or exact, param=param is not None))
    return match.end()


def _quote_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    """`""`, `"phrase"`, `"prefix"*`, or a quote without its partner."""
    if text.startswith(b'""', at):
        tokens.append(Token(T.TERM, at, b""))
        return at + 2
    match = _match_exact(text, at)
    if match is None:
        tokens.append(Token(T.QUOTE, at))
        return at + 1
    tokens.append(Token(T.EXACT if match[2] is None else T.PREFIX, at, match[1]))
    return match.end()


def _apostrophe_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    """`''`; or `'…'`, of which only the error text shows, where RediSearch looks for a `$` one byte too far."""
    if text.startswith(b"''", at):
        tokens.append(Token(T.TERM, at, b""))
        return at + 2
    match = _match_verbatim(text, at)
    if match is None:
        return at + 1
    quoted = match[1]
    tokens.append(Token(T.VERBATIM, at, quoted[1:] if quoted[1:2] == b"$" else quoted))
    return match.end()


def _wildcard_v2(text: bytes, at: int, tokens: list[Token]) -> int:
    """`w'…'`; its error offset is that of the pattern itself."""
    match = _match_wildcard(text, at)
    if match is None:
        return _word_v2(text, at, tokens)
    pattern = match[1]
    param = pattern.startswith(b"$")
    tokens.append(Token(T.WILDCARD, at + 2, pattern[1:] if param else pattern, param=param))
    return match.end()


def _arrow(text: bytes, at: int, tokens: list[Token]) -> int:
    """An arrow's text is its `>` and the character after it; `=` alone is skipped."""
    if not text.startswith(b"=>", at):
        return at + 1
    tokens.append(Token(T.ARROW, at, text[at + 1 : at + 3]))
    return at + 2


_SINGLES = {
    "|": T.OR,
    "(": T.LP,
    ")": T.RP,
    "{": T.LB,
    "}": T.RB,
    "[": T.LSQB,
    "]": T.RSQB,
    ":": T.COLON,
    ";": T.SEMICOLON,
    "~": T.TILDE,
    "%": T.PERCENT,
}


def _rules(word: _Rule, digits: _Rule, sign: _Rule, others: dict[str, _Rule]) -> list[_Rule | None]:
    """The rule of every first byte; None where the byte starts no token."""
    starts_word = re.compile(_CHAR + rb"|\\").match
    rules: list[_Rule | None] = [word if starts_word(bytes((byte,))) else None for byte in range(256)]
    others |= {character: _single(kind) for character, kind in _SINGLES.items()}
    others |= dict.fromkeys("0123456789", digits) | dict.fromkeys("+-", sign)
    for character, rule in others.items():
        rules[ord(character)] = rule
    return rules


_SIGN_V1 = _sign(rb"['+-]inf", _SIGNED_V1)
_RULES_V1 = _rules(
    _word_v1,
    _digits(_NUMBER_V1, T.NUMBER),
    _SIGN_V1,
    {
        '"': _single(T.QUOTE),
        "'": _SIGN_V1,
        "@": _modifier_v1,
        "$": _attribute_v1,
        "*": _affix_v1,
        "=": _arrow,
    },
)
_RULES_V2 = _rules(
    _word_v2,
    _digits(_NUMBER_V2, T.SIZE),
    _sign(rb"[+-][iI][nN][fF]", _SIGNED_V2),
    {
        '"': _quote_v2,
        "'": _apostrophe_v2,
        "@": _modifier_v2,
        "$": _attribute_v2,
        "*": _affix_v2,
        "=": _arrow,
        "w": _wildcard_v2,
    },
)
