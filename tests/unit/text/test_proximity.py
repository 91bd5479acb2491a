"""SLOP, INORDER and phrases, against RediSearch's answers and against its rule said plainly."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from corpus import Corpus

from redisvss.query.bound import AllDocs, And
from redisvss.query.proximity import keep_near, slop_factor
from redisvss.query.text_leaves import TermLeaf
from redisvss.schema import FieldSpec

TEXT = FieldSpec(b"t", b"t", "TEXT")

ANSWERS = [  # asked of RediSearch 2.10.5
    ("(aa bb)=>{$slop:0}", ["d2"]),
    ("(aa cc)=>{$slop:0}", ["d1", "d2"]),
    ("(aa cc)=>{$slop:0; $inorder:true}", ["d1", "d2"]),
    ("(bb aa)=>{$inorder:true}", ["d2"]),
    ("(aa bb)=>{$slop:-1}", ["d1", "d2"]),
    ('"aa cc"', ["d1", "d2"]),
    ('"aa bb"', ["d2"]),
    ('"aa aa"', ["d1", "d2"]),  # a position counts as following itself
    ('"aa the cc"', []),
    ("(aa @g:{x|y})=>{$slop:0}", ["d1", "d2"]),  # a list of tags is near to everything …
    ("(aa @g:{x|y})=>{$slop:0; $inorder:true}", []),  # … and after nothing
    ("(aa @g:{x})=>{$slop:0}", []),  # one list alone is near to nothing …
    ("(aa @g:{x})=>{$slop:0; $inorder:true}", ["d1", "d2"]),  # … but in order
    ("(@g:{x|y} aa bb)=>{$slop:0}", ["d1", "d2"]),
]


@pytest.mark.parametrize(("query", "keys"), ANSWERS)
def test_near(corpus: Callable[..., Corpus], query: str, keys: list[str]) -> None:
    fields = [TEXT, FieldSpec(b"g", b"g", "TAG")]
    documents = [{"t": "aa cc bb", "g": "x,y"}, {"t": "aa bb aa cc dd", "g": "x,y"}, {"t": "running", "g": "x"}]
    assert corpus(fields, documents).keys(query) == keys


def test_near_runs_on_from_field_to_field(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT, FieldSpec(b"b", b"b", "TEXT")], [{"t": "one two", "b": "three the four"}])
    assert made.keys('"two three four"') == ["d1"]
    assert made.keys('"three two"') == []
    assert made.keys('@b:"three four"') == ["d1"]
    assert made.keys("@t:(two three)=>{$slop:0}") == []


def test_query_wide_slop_and_order(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT], [{"t": "quick brown fox"}, {"t": "fox quick"}])
    assert made.keys("quick fox", slop=0) == ["d2"]
    assert made.keys("quick fox", slop=1) == ["d1", "d2"]
    assert made.keys("quick fox", inorder=True) == ["d1"]
    assert made.keys("quick fox", slop=0, inorder=True) == []


def in_order(lists: Sequence[list[int]], slop: int) -> bool:
    """RediSearch's walk: for each start the nearest following position of each list, never going back."""
    for start in lists[0]:
        last, span = start, 0
        for positions in lists[1:]:
            following = [p for p in positions if p >= last]
            if not following:
                return False
            span += following[0] - last - 1
            last = following[0]
            if span > slop:
                break
        if span <= slop:
            return True
    return False


def unordered(lists: Sequence[list[int]], slop: int) -> bool:
    """Its sweep: the smallest of the current positions steps on until a window fits."""
    places = [0] * len(lists)
    while True:
        current = [positions[place] for positions, place in zip(lists, places, strict=True)]
        low, high = min(current), max(current)
        if low != high and high - low - (len(lists) - 1) <= slop:
            return True
        mover = current.index(low)
        places[mover] += 1
        if places[mover] == len(lists[mover]):
            return False


def distance(lists: Sequence[list[int]]) -> int:
    squares = 0
    for one, other in pairwise(lists):
        i = j = 0
        nearest = abs(one[0] - other[0])
        while nearest > 1 and i < len(one) and j < len(other):
            nearest = min(nearest, abs(one[i] - other[j]))
            i, j = (i + 1, j) if other[j] > one[i] else (i, j + 1)
        squares += nearest**2
    return int(squares**0.5) or len(lists) - 1


@pytest.mark.parametrize("seed", range(3))
def test_near_is_redisearchs_walk_over_positions(corpus: Callable[..., Corpus], seed: int) -> None:
    rng = random.Random(seed)
    texts = [rng.choices(["aa", "bb", "cc", "dd", "ee"], k=rng.randint(1, 25)) for _ in range(80)]
    made = corpus([TEXT], [{"t": " ".join(words)} for words in texts])
    for _ in range(40):
        words = rng.choices(["aa", "bb", "cc", "dd"], k=rng.randint(2, 4))
        slop, ordered = rng.randint(0, 6), rng.random() < 0.5
        leaves = [TermLeaf(made.index.text, word.encode(), None, word) for word in words]
        node = And(list(leaves), slop=slop, inorder=ordered, near=keep_near)
        lists = {n: [[p for p, w in enumerate(text, 1) if w == word] for word in words] for n, text in enumerate(texts)}
        lists = {n: found for n, found in lists.items() if all(found)}
        judge = in_order if ordered else unordered
        # without an order the rarest word comes first; the sweep does not depend on it but for equal words
        assert list(node.docs) == [n for n, found in lists.items() if judge(found, slop)], (words, slop, ordered)


@pytest.mark.parametrize("seed", range(3))
def test_the_distance_a_score_is_divided_by(corpus: Callable[..., Corpus], seed: int) -> None:
    rng = random.Random(seed)
    texts = [rng.choices(["aa", "bb", "cc", "dd", "ee", "ff"], k=rng.randint(4, 30)) for _ in range(60)]
    made = corpus([TEXT], [{"t": " ".join(words)} for words in texts])
    for words in (["aa", "bb"], ["aa", "aa"], ["aa", "bb", "cc"], ["dd", "ee", "ff", "aa"]):
        leaves = [TermLeaf(made.index.text, word.encode(), None, word) for word in words]
        node = And(list(leaves), inorder=True)  # in order: compared as written
        ids = made.index.text.postings(words[0].encode()).docs
        ids = ids[[all(w in texts[i] for w in words) for i in ids.tolist()]]
        want = [distance([[p for p, w in enumerate(texts[i], 1) if w == word] for word in words]) for i in ids.tolist()]
        assert slop_factor(node, ids).tolist() == want


def test_unions_take_part_with_all_their_positions(corpus: Callable[..., Corpus]) -> None:
    made = corpus([TEXT], [{"t": "aa x x bb cc"}, {"t": "aa x x x cc"}])
    assert made.keys("((aa|bb) cc)=>{$slop:0}") == ["d1"]
    assert made.keys("((aa|bb) cc)=>{$slop:3}") == ["d1", "d2"]


def test_a_single_match_is_at_no_distance(three: Corpus) -> None:
    root = three.bound("aa")
    ids = three.index.text.postings(b"aa").docs
    assert slop_factor(root, ids).tolist() == [1, 1]
    assert slop_factor(AllDocs(lambda: three.index.table.live), ids).tolist() == [1, 1]
