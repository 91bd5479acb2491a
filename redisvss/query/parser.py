"""Query text to tree: the one function everybody calls."""

from __future__ import annotations

import functools

from redisvss import ast
from redisvss.query.parser_v1 import ParserV1
from redisvss.query.parser_v2 import ParserV2

# Enough for the distinct query strings of a busy application; with parameters in PARAMS there are few.
CACHED_QUERIES = 1024


def parse_query(text: bytes, dialect: int, stopwords: frozenset[str] = frozenset()) -> ast.Node:
    """The tree of a query string, without a look at any schema. Raises QuerySyntaxError with RediSearch's text.

    stopwords: lower-case words of the index (an empty set for NOSTOPWORDS). They belong to the grammar, so it drops
    them: in dialect 1 a stop word breaks a run of words and is an error inside a phrase; in dialect 2 it vanishes
    from the text and, from the third word on, from a tag. Words in quotes (dialect 2), affixes and fuzzy terms are
    never dropped. A query of stop words only is `Empty`; as the filter of a KNN it is `All`.
    """
    return _parse(text, dialect > 1, stopwords)


@functools.lru_cache(maxsize=CACHED_QUERIES)
def _parse(text: bytes, version_2: bool, stopwords: frozenset[str]) -> ast.Node:
    return ParserV2(text, stopwords).parse() if version_2 else ParserV1(text, stopwords).parse()
