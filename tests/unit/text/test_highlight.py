"""HIGHLIGHT and SUMMARIZE. Expected texts were asked of RediSearch 2.10.5."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from corpus import Corpus

from redisvss.query.highlight import Summary, Tags, head, highlight, matched_terms, summarize
from redisvss.schema import FieldSpec

TEXT = FieldSpec(b"t", b"t", "TEXT")
MARKS = Tags(b"<", b">")
STORY = (
    "The quick brown fox jumps over the lazy dog. Running   dogs run far, said the foxes; a fox ran re\\-do\n again "
    "and again until nobody could follow the trail of the old grey wolf who knew a fox when he saw one in the snow"
)


def marked(made: Corpus, query: str, text: str, summary: Summary | None = None, tags: Tags | None = MARKS) -> str:
    doc_id = made.index.table.id_of(b"d1")
    assert doc_id is not None
    terms = matched_terms(made.bound(query), doc_id, made.context())

    def words(token: bytes) -> list[bytes]:
        return made.index.text.terms_of(0, token, doc_id)

    if summary is None:
        return highlight(text.encode(), terms, words, tags or Tags()).decode()
    return summarize(text.encode(), terms, words, summary, tags).decode()


HIGHLIGHTS = [
    ("fox", STORY.replace("fox ", "<fox> ").replace("foxes", "<foxes>")),
    ('"brown fox"', STORY.replace("brown", "<brown>").replace("fox ", "<fox> ")),
    ("runs", STORY.replace("Running", "<Running>").replace(" run ", " <run> ")),
    ("wol*", STORY.replace("wolf", "<wolf>")),
    ("re\\-do", STORY.replace("re\\-do", "<re\\>-do")),
    ("-zebra", STORY),
    ("fox -zebra ~snow", STORY.replace("fox ", "<fox> ").replace("foxes", "<foxes>").replace("snow", "<snow>")),
]


@pytest.mark.parametrize(("query", "expected"), HIGHLIGHTS)
def test_every_place_of_a_matched_term_is_marked(corpus: Callable[..., Corpus], query: str, expected: str) -> None:
    assert marked(corpus([TEXT], [{"t": STORY}]), query, STORY) == expected


SUMMARIES = [
    (
        "wolf", Summary(), None,
        "again until nobody could follow the trail of the old grey wolf who knew a fox when he saw one in the"
        "... ",
    ),
    ("fox", Summary(1, 4), None, "said the foxes; a fox ran re\\-do ... "),
    ("fox", Summary(2, 4, b"|"), MARKS, "brown <fox> jumps over|said the <foxes>; a <fox> ran re\\-do |"),
    (
        "fox|snow", Summary(3, 6, b"|"), None,
        "quick brown fox jumps over the|far, said the foxes; a fox ran re\\-do again|"
        "a fox when he saw one in the snow|",
    ),
    (
        "quick fox again", Summary(2, 10, b"|"), MARKS,
        "<quick> brown <fox> jumps over the lazy dog|"
        "dogs run far, said the <foxes>; a <fox> ran re\\-do <again> and <again> until nobody could|",
    ),
    ("-zebra", Summary(1, 3, b"|"), None, "The quick brown fox"),
    ("-zebra", Summary(1, 3, b"|"), MARKS, STORY),
]  # fmt: skip


@pytest.mark.parametrize(("query", "summary", "tags", "expected"), SUMMARIES)
def test_summaries(
    corpus: Callable[..., Corpus], query: str, summary: Summary, tags: Tags | None, expected: str
) -> None:
    assert marked(corpus([TEXT], [{"t": STORY}]), query, STORY, summary, tags) == expected


def test_synonyms_and_sounds_are_marked(corpus: Callable[..., Corpus]) -> None:
    text = "hi boy smith"
    made = corpus(
        [FieldSpec(b"t", b"t", "TEXT", {"phonetic": "dm:en"})], [{"t": text}], synonyms={"boy": ("g",), "lad": ("g",)}
    )
    assert marked(made, "lad", text) == "hi <boy> smith"
    assert marked(made, "smyth", text) == "hi boy <smith>"


def test_summary_of_nothing_is_the_head() -> None:
    assert head(b"goodbye", Summary()) == b"g"
    assert head(b"world peace", Summary()) == b"world"
    assert head(b"one  two\tthree", Summary(1, 1)) == b"one two"
