"""Double Metaphone codes, as PHONETIC fields keep them: the primary code's first four letters."""

from __future__ import annotations

from doublemetaphone import doublemetaphone

PHONETIC_PREFIX = b"<"  # how a code is told from a word in the term dictionary
MIN_PHONETIC_LENGTH = 3  # bytes; MIN_PHONETIC_TERM_LEN. Only documents are held to it, as with stems
_CODE_LENGTH = 4  # the algorithm's own limit, which the library does not keep


def phonetic(word: bytes) -> bytes | None:
    """The term a word sounds like; None where it has no sound (`www`, digits). One code serves all languages."""
    code: str = doublemetaphone(word.decode("utf-8", "replace"))[0]
    return PHONETIC_PREFIX + code[:_CODE_LENGTH].encode() if code else None
