"""`w'…'` patterns: `*` any run, `?` any one character, backslash takes the next character literally."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_PART = re.compile(r"\\(?P<literal>.)|(?P<run>\*+)|(?P<one>\?)|(?P<text>[^\\*?]+)|(?P<tail>\\\Z)", re.DOTALL)


@lru_cache(maxsize=1024)
def wildcard(pattern: str) -> Callable[[str], bool]:
    """Whether a whole value matches the pattern.

    The pieces between runs are looked for from left to right, each at its first place: never backtracking, so no
    pattern takes longer than pattern × value. (One regular expression with `.*` between them would be exponential.)
    """
    pieces = [re.compile(piece, re.DOTALL) for piece in _pieces(pattern)]
    if len(pieces) == 1:
        return lambda value: pieces[0].fullmatch(value) is not None
    first, *middle, last = pieces
    last_length = _shortest(last)

    def matches(value: str) -> bool:
        head = first.match(value)
        if head is None:
            return False
        position = head.end()
        for piece in middle:
            found = piece.search(value, position)
            if found is None:
                return False
            position = found.end()
        return len(value) - last_length >= position and last.fullmatch(value, len(value) - last_length) is not None

    return matches


def _pieces(pattern: str) -> list[str]:
    """The regular expressions between the runs, each of fixed length; n runs make n + 1 pieces."""
    pieces = [""]
    for match in _PART.finditer(pattern):
        if match.lastgroup == "run":
            pieces.append("")
        elif match.lastgroup == "one":
            pieces[-1] += "."
        else:
            pieces[-1] += re.escape(match["literal"] or match[0])
    return pieces


def _shortest(piece: re.Pattern[str]) -> int:
    """How many characters a piece matches: it holds single characters only, escaped or not."""
    return len(re.sub(r"\\(.)", r"\1", piece.pattern, flags=re.DOTALL))
