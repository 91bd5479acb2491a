"""What the prompt knows of command lines: half-typed words, and which keywords each command takes.

Pure text; it must not know a terminal or a server.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r""""(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\S+""")

_COMMON = "PARAMS DIALECT TIMEOUT LIMIT SORTBY ASC DESC"
_STEPS = "LOAD GROUPBY REDUCE APPLY FILTER AS"
_REDUCERS = "COUNT COUNT_DISTINCT COUNT_DISTINCTISH SUM MIN MAX AVG STDDEV QUANTILE TOLIST FIRST_VALUE RANDOM_SAMPLE"
_SEARCH = (
    "NOCONTENT VERBATIM NOSTOPWORDS WITHSCORES WITHPAYLOADS WITHSORTKEYS FILTER GEOFILTER INKEYS INFIELDS RETURN AS "
    "SUMMARIZE HIGHLIGHT FIELDS FRAGS LEN SEPARATOR TAGS SLOP INORDER LANGUAGE EXPANDER SCORER EXPLAINSCORE PAYLOAD"
)
_SCHEMA = (
    "TEXT TAG NUMERIC GEO VECTOR SORTABLE UNF NOINDEX INDEXMISSING INDEXEMPTY WEIGHT NOSTEM PHONETIC SEPARATOR "
    "CASESENSITIVE WITHSUFFIXTRIE AS FLAT HNSW TYPE FLOAT32 FLOAT64 FLOAT16 BFLOAT16 INT8 UINT8 DIM DISTANCE_METRIC "
    "COSINE L2 IP M EF_CONSTRUCTION EF_RUNTIME INITIAL_CAP"
)

KEYWORDS: dict[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys(words.split()))
    for name, words in {
        "FT.SEARCH": f"{_SEARCH} {_COMMON}",
        "FT.AGGREGATE": f"{_STEPS} {_REDUCERS} VERBATIM ADDSCORES WITHCURSOR MAXIDLE {_COMMON}",
        "FT.HYBRID": f"SEARCH VSIM KNN K EF_RUNTIME RANGE RADIUS EPSILON COMBINE RRF WINDOW CONSTANT LINEAR ALPHA BETA "
        f"YIELD_SCORE_AS SCORER NOSORT {_STEPS} {_REDUCERS} PARAMS TIMEOUT LIMIT SORTBY ASC DESC",
        "FT.PROFILE": f"SEARCH AGGREGATE LIMITED QUERY {_SEARCH} {_STEPS} {_COMMON}",
        "FT.CREATE": "ON HASH JSON PREFIX FILTER LANGUAGE LANGUAGE_FIELD SCORE SCORE_FIELD PAYLOAD_FIELD MAXTEXTFIELDS "
        f"TEMPORARY NOOFFSETS NOHL NOFIELDS NOFREQS STOPWORDS SKIPINITIALSCAN SCHEMA {_SCHEMA}",
        "FT.ALTER": f"SKIPINITIALSCAN SCHEMA ADD {_SCHEMA}",
        "FT.EXPLAIN": "DIALECT",
        "FT.EXPLAINCLI": "DIALECT",
        "FT.DROPINDEX": "DD",
        "FT.SPELLCHECK": "DISTANCE TERMS INCLUDE EXCLUDE DIALECT",
        "FT.SUGGET": "FUZZY WITHSCORES WITHPAYLOADS MAX",
        "FT.SUGADD": "INCR PAYLOAD",
        "JSON.GET": "INDENT NEWLINE SPACE",
        "JSON.SET": "NX XX",
    }.items()
}

# Where an index's name stands; in every other FT.* command it is the first argument.
_INDEX_AT = {"FT.CURSOR": 2, "FT.CONFIG": 0, "FT._LIST": 0, "FT.CREATE": 0, "FT.ALIASADD": 2, "FT.ALIASUPDATE": 2}
_NO_INDEX = ("FT.DICT", "FT.SUG", "FT.ALIASDEL")

SUBCOMMANDS = {"FT.CURSOR": ("READ", "DEL"), "FT.CONFIG": ("GET", "SET", "HELP")}


class Typed(NamedTuple):
    """A line up to the cursor. words: those before the one being typed; quoted: whether that one is in quotes."""

    words: list[str]
    current: str
    quoted: bool


def typed(line: str) -> Typed:
    """Quotes taken off the words; the last may still be open."""
    words = _WORD.findall(line)
    if not words or (line[-1:].isspace() and not _open(words[-1])):
        return Typed([_bare(word) for word in words], "", False)
    return Typed([_bare(word) for word in words[:-1]], _bare(words[-1]), words[-1][0] in "\"'")


def index_position(command: str) -> int:
    """Which word of the line is the index's name; 0 if none is."""
    if not command.startswith("FT.") or command.startswith(_NO_INDEX):
        return 0
    return _INDEX_AT.get(command, 1)


def _open(word: str) -> bool:
    quote = word[0]
    return quote in "\"'" and (len(word) == 1 or not re.fullmatch(rf"{quote}(?:\\.|[^\\])*{quote}", word, re.DOTALL))


def _bare(word: str) -> str:
    if word[0] not in "\"'":
        return word
    return word[1:] if _open(word) else word[1:-1]
