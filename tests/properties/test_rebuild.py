"""An index after any sequence of refreshes is the index built from the documents as they are."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queries import SCHEMA, Doc, docs

from redisvss.commands.args import Args
from redisvss.commands.create import parse_definition
from redisvss.config import Config
from redisvss.query.request import SearchRequest
from redisvss.query.search import Search
from redisvss.searchindex import SearchIndex

KEYS = [b"d:%d" % number for number in range(5)]
QUERIES = [
    b"*", b"alpha", b"@u:beta", b"ga*", b'"alpha beta"', b"@g:{red}", b"@g:{dark blue}", b"@n:[-2 3]",
    b"-@n:[-inf inf]", b"@loc:[0 0 1700 km]", b"@f:[VECTOR_RANGE 20 $v]",
    b"(@g:{red|blue})=>[KNN 5 @h $v]", b"*=>[KNN 5 @f $v]",
]  # fmt: skip
SCORED = [b"alpha", b"alpha|beta", b"gamma -delta", b"ga*"]
BAD = {b"n": b"not a number", b"t": b"alpha"}  # the whole document is refused

Stored = dict[bytes, bytes] | None
# Each step: a key, what it holds from now on, and which keys the index then hears about.
steps = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.none() | docs.map(Doc.hash) | st.just(BAD),
        st.lists(st.sampled_from(KEYS), max_size=3),
    ),
    max_size=10,
)


def built() -> SearchIndex:
    return SearchIndex(parse_definition(b"idx", Args([*f"PREFIX 1 d: SCHEMA {SCHEMA}".encode().split()])))


def refresh(index: SearchIndex, keys: Sequence[bytes], stored: dict[bytes, Stored]) -> None:
    index.apply(keys, [stored.get(key) for key in keys])


class NoDocuments:
    """No search here shows any."""

    documents = column = None


def answer(index: SearchIndex, query: bytes, scores: bool) -> list[tuple[bytes, float]]:
    request = SearchRequest(query, 2, 0, nocontent=True, withscores=scores, limit=100, params={"v": bytes(12)})
    hits = Search(index, request, Config(), NoDocuments()).run().hits  # type: ignore[arg-type]
    return sorted((hit.key, round(hit.score, 9) if scores else 0.0) for hit in hits)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps, st.permutations(KEYS))
def test_refreshes_in_any_order_equal_a_rebuild(
    history: list[tuple[bytes, Stored, list[bytes]]], last: list[bytes]
) -> None:
    stored: dict[bytes, Stored] = {}
    lived, fresh = built(), built()
    for key, document, heard in history:
        stored[key] = document
        refresh(lived, heard, stored)
    refresh(lived, last, stored)
    refresh(lived, last[:2], stored)  # once more changes nothing
    refresh(fresh, KEYS, stored)

    assert sorted(lived.keys()) == sorted(fresh.keys()) == sorted(k for k, v in stored.items() if v not in (None, BAD))
    assert set(lived.failing) == set(fresh.failing) == {key for key, value in stored.items() if value is BAD}
    for query in QUERIES:
        assert answer(lived, query, False) == answer(fresh, query, False), query
    for query in SCORED:
        assert answer(lived, query, True) == answer(fresh, query, True), query
