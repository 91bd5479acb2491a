"""Strings and argument lists that were sound once: cut, turned round, repeated, mixed with pieces of the grammar."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator, Sequence

LONGEST = 10_000  # bytes a repetition may grow to

QUERIES = (
    b"(@brand:{nike | adi*} @price:[(0 100] -(old|worn))=>[KNN 5 @vec $q EF_RUNTIME 10 AS d]=>{$yield_distance_as: e}",
    b'@title|body:(hello wor* %fuzy% "exact phrase" ~maybe) @n>=5 @m!=-$p ismissing(@x)',
    b"@loc:[1.5 -2 3 km] @geom:[WITHIN $shape] @v:[VECTOR_RANGE 0.5 $blob]=>{$epsilon: 0.1; $weight: 2}",
    b"""@tag:{a b|"c-d"|w'x?y*'|$p*|*suf|*in*|esc\\-aped} '' "" w'wild\\'card' *"a b"*""",
    b'hello world | "goodbye moon" -@t:{x} @n:[-inf +inf] (a (b (c)))=>{$slop:1;$inorder:true;}',
    "caf\u00e9 1e5 -1.5 +inf as \u65e5\u672c \\\\ @a\\-b:c".encode(),
    b"w'h?l*o' %%hellp%% *ell* hel* *llo (hello|world)=>{$weight:2} ~(a b)",
    b"hello -(old|worn) @n:[(0 100]",
    b'"hello world" wor* | moon',
    b"(@t:hello)=>[KNN 5 @v $q AS d]",
    b"@tag:{a | b*} @loc:[1.5 -2 3 km]",
    b"(hello world)=>{$slop:1;$inorder:true}",
    b"@geom:[WITHIN $shape] | @v:[VECTOR_RANGE 0.5 $blob]",
    b"%mon% *ell* ismissing(@x) @n>=5",
)
QUERY_PIECES = (
    *b"""( ) @t: { } [ ] | - ~ * " ' % => $p 5 word the hello \\ ; : w' @n== as ismissing , ((( )))""".split(),
    *(
        b" ",
        b"\x00",
        b"\xff",
        b"\n",
        b"=>[KNN 3 @v $v]",
        b"5 5 5 km",
        b"@tag:{",
        b"=>{$weight:",
        b"%%%",
        b"**",
        b"-inf",
    ),
)

EXPRESSIONS = (
    b'format("%s-%d", upper(@t), @n * 2) == "x" && !exists(@m) || (@n + 1) ^ 2 >= floor(sqrt(@m)) % 7',
    b"timefmt(@n * 86400, '%Y') != substr(@t, 1, -2) || geodistance(@p, 1.5, -2) < 100",
    b"case(@n > 3, 'big', case(@n < 1, \"small\", NULL)) == lower(@g)",
    b"log2(exp(abs(-@n))) / -1e3 <= strlen(split(@t, ',', ' ')) && contains(@t, 'a') && startswith(@g, 'r')",
    b"(@n + 1) * 2 - @m / 3",
    b"upper(@t) == 'HELLO'",
    b'!exists(@m) || @n >= 5 && @t != "x"',
    b"parsetime('2020', '%Y') > to_number(to_str(@n)) && dayofweek(hour(@n)) == matched_terms(3)",
)
EXPRESSION_PIECES = (
    *b"""( ) , @n @t @nosuch + - * / % ^ == != < <= > >= && || ! ' " 1 1e400 -0 0x10 upper( format( "%s" case( NULL
    exists( ((( ))) !!! nosuch( \\ substr( '%' split( -nan inf 'a'""".split(),
    *(b" ", b"\x00", b"\xff", b"\n"),
)


def damaged(chance: random.Random, sound: Sequence[bytes], pieces: Sequence[bytes]) -> bytes:
    """One string: a sixth a soup of pieces, the others sound ones with a few wounds; some repeat a part at length."""
    if chance.random() < 0.15:
        return b"".join(chance.choices(pieces, k=chance.randint(1, 14)))
    text = chance.choice(sound)
    start = chance.randrange(len(text))
    text = text[start:] + text[:start] if chance.random() < 0.2 else text
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        at = chance.randrange(len(text) + 1)
        end = at + chance.choice((0, 0, 1, 1, 2, 8))
        new = chance.choice((b"", chance.choice(pieces), bytes((chance.randrange(256),)), text[at : at + 4][::-1]))
        text = text[:at] + new + text[end:]
    return _repeated(chance, text) if chance.random() < 0.004 else text


def _repeated(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text) + 1)
    piece = text[at : at + chance.choice((1, 2, 5, 30))]
    return text[:at] + piece * chance.choice((10, 100, 1000, LONGEST // max(len(piece), 1))) + text[at:]


COMMANDS = [
    shlex.split(line)
    for line in """
    FT.SEARCH idx hello NOCONTENT WITHSCORES LIMIT 0 5 SORTBY n DESC DIALECT 2
    FT.SEARCH idx '(@tag:{a})=>[KNN 2 @v $q AS d]' PARAMS 2 q 12345678 SORTBY d RETURN 3 t AS x DIALECT 2
    FT.SEARCH idx hello|world VERBATIM NOSTOPWORDS SLOP 1 INORDER INFIELDS 1 t INKEYS 2 d:1 d:2 LANGUAGE german
    FT.SEARCH idx hello HIGHLIGHT FIELDS 1 t TAGS < > SUMMARIZE FIELDS 1 t FRAGS 2 LEN 5 SEPARATOR ,
    FT.SEARCH idx * FILTER n (1 +inf GEOFILTER p 1 2 3 km SCORER BM25 EXPLAINSCORE WITHSCORES WITHPAYLOADS TIMEOUT 9
    FT.AGGREGATE idx * LOAD 2 @t n APPLY @n*2 AS x FILTER @x>1 GROUPBY 1 @tag REDUCE COUNT 0 AS c SORTBY 2 @c DESC MAX 3
    FT.AGGREGATE idx hello GROUPBY 1 @tag REDUCE QUANTILE 2 @n 0.5 REDUCE FIRST_VALUE 4 @t BY @n ASC LIMIT 0 2
    FT.AGGREGATE idx hello LOAD * ADDSCORES SCORER TFIDF WITHCURSOR COUNT 2 MAXIDLE 100 DIALECT 3
    FT.AGGREGATE idx * GROUPBY 0 REDUCE TOLIST 1 @t REDUCE STDDEV 1 @n REDUCE RANDOM_SAMPLE 2 @t 3 AS r
    FT.HYBRID idx SEARCH hello VSIM @v $q KNN 2 K 3 COMBINE RRF 2 CONSTANT 60 LOAD 1 @t LIMIT 0 3 PARAMS 2 q 12345678
    FT.HYBRID idx SEARCH * VSIM @v $q RANGE 2 RADIUS 3 COMBINE LINEAR 4 ALPHA 0.3 BETA 0.7 PARAMS 2 q 12345678
    FT.CREATE new ON HASH PREFIX 1 x: FILTER @n>1 LANGUAGE french STOPWORDS 1 the SCHEMA t TEXT WEIGHT 2 SORTABLE
    FT.CREATE new SCHEMA v VECTOR HNSW 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 M 4 g TAG SEPARATOR , n NUMERIC
    FT.ALTER idx SCHEMA ADD z TEXT NOSTEM PHONETIC dm:en
    FT.PROFILE idx SEARCH LIMITED QUERY hello
    FT.PROFILE idx AGGREGATE QUERY * GROUPBY 1 @tag
    FT.EXPLAIN idx hello|wor* DIALECT 1
    FT.EXPLAINCLI idx '@n:[1 5]'
    FT.SPELLCHECK idx helo DISTANCE 2 TERMS INCLUDE dict TERMS EXCLUDE other DIALECT 2
    FT.SUGADD sug hello 1.5 INCR PAYLOAD x
    FT.SUGGET sug he FUZZY WITHSCORES WITHPAYLOADS MAX 3
    FT.SUGLEN sug
    FT.DICTADD dict a b
    FT.DICTDUMP dict
    FT.SYNUPDATE idx g1 SKIPINITIALSCAN hello hi
    FT.SYNDUMP idx
    FT.TAGVALS idx tag
    FT.INFO idx
    FT.CONFIG SET MINPREFIX 2
    FT.CONFIG GET *
    FT.CURSOR READ idx 5 COUNT 2
    FT.ALIASADD al idx
    FT.ALIASUPDATE al idx
    FT.DROPINDEX new DD
    """.strip().splitlines()
]
_VALUES = [
    b"",
    b"0",
    b"-1",
    b"1",
    b"2",
    b"3.5",
    b"1e999",
    b"99999999999999999999",
    b"nan",
    b"*",
    b"\xff\x00",
    b"AS",
    b"idx",
]


def argument_lists(seed: int, count: int) -> Iterator[list[bytes]]:
    """Commands with words left out, doubled, swapped, put in from others, or replaced by values and damaged strings."""
    chance = random.Random(seed)
    known = [[word.encode() for word in words] for words in COMMANDS]
    keywords = sorted({word for words in known for word in words[2:]})
    for _ in range(count):
        args = list(chance.choice(known))
        for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
            _wound(chance, args, keywords)
        yield args


def _wound(chance: random.Random, args: list[bytes], keywords: Sequence[bytes]) -> None:
    """The command's name stays."""
    at = chance.randint(1, len(args))
    match chance.randrange(6):
        case 0:
            del args[at : at + chance.choice((1, 1, 2, 5))]
        case 1:
            args.insert(at, chance.choice(keywords))
        case 2:
            args[at : at + 1] = [chance.choice(_VALUES)]
        case 3:
            args[at:at] = args[at : at + 3]
        case 4:
            args[at : at + 1] = [damaged(chance, QUERIES, QUERY_PIECES)]
        case _:
            args[at : at + 1] = [damaged(chance, EXPRESSIONS, EXPRESSION_PIECES)]
