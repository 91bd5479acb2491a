"""What one part of a match is worth: the formulas of the scorers, and the lines EXPLAINSCORE says them in.

RediSearch 2.10.33's, quirks included: constants are float32, the IDF of TFIDF and BM25 is a whole power of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redisvss.fields.base import Ids
from redisvss.index.doctable import DocTable
from redisvss.index.text import TextIndex

Floats = NDArray[np.float64]

K1 = float(np.float32(1.2))
B = 0.5  # 0.75 from RediSearch 8.0 on


@dataclass(frozen=True)
class ScoreContext:
    """What a scorer needs besides the matches. payload: the query's; knn: the tree is the filter of a KNN."""

    text: TextIndex
    table: DocTable
    payloads: Mapping[int, bytes]
    payload: bytes | None = None
    tanh_factor: int = 4
    knn: bool = False

    def document_scores(self, ids: Ids) -> Floats:
        return self.table.score[ids].astype(np.float64)

    @property
    def average_length(self) -> float:
        return self.text.total_length / len(self.table) if len(self.table) else 0.0


@dataclass(frozen=True)
class Term:
    """A term's part in some documents, aligned with their ids."""

    ids: Ids
    weight: float
    frequency: Floats
    holders: Floats | int  # documents that hold the term


class TfIdf:
    """`weight · TF · IDF`; anything without a term counts as its frequency."""

    def __init__(self, context: ScoreContext) -> None:
        self.context = context

    def idf(self, term: Term) -> Floats:
        """floor(log2(1 + N / n)), where N is one more than the documents there are (seen on 2.10.5)."""
        _, exponent = np.frexp(1 + (len(self.context.table) + 1) / np.maximum(term.holders, 1))
        return np.asarray(exponent - 1, np.float64)

    def term(self, term: Term) -> Floats:
        return term.weight * term.frequency * self.idf(term)

    def other(self, ids: Ids, weight: float, frequency: Floats, everything: bool) -> Floats:
        return weight * frequency

    def explain_term(self, term: Term, word: str) -> str:
        value, idf = self.term(term)[0], np.ravel(self.idf(term))[0]
        return f"(TFIDF {value:.2f} = Weight {term.weight:.2f} * TF {term.frequency[0]:.0f} * IDF {idf:.2f})"

    def explain_other(self, ids: Ids, weight: float, frequency: float, everything: bool) -> str:
        return f"(TFIDF {weight * frequency:.2f} = Weight {weight:.2f} * Frequency {frequency:.0f})"

    def explain_group(self, weight: float, inner: float) -> str:
        return f"(Weight {weight:.2f} * total children TFIDF {inner:.2f})"

    def combine(self, values: Sequence[Floats]) -> Floats:
        return np.asarray(np.sum(values, axis=0))

    combine_union = combine


class Bm25(TfIdf):
    """RediSearch's older BM25, which sets TF against the average length only."""

    def _saturated(self, frequency: Floats) -> Floats:
        return frequency / (frequency + K1 * (1 - B + B * self.context.average_length))

    def term(self, term: Term) -> Floats:
        return term.weight * self.idf(term) * self._saturated(term.frequency)

    def other(self, ids: Ids, weight: float, frequency: Floats, everything: bool) -> Floats:
        return weight * self._saturated(frequency)

    def explain_term(self, term: Term, word: str) -> str:
        value, idf = self.term(term)[0], np.ravel(self.idf(term))[0]
        return f"({value:.2f} = Weight {term.weight:.2f} * IDF {idf:.2f} * {self._explain_saturated(term.frequency[0])}"

    def _explain_saturated(self, frequency: float) -> str:
        average = f"1.2 * (1 - b 0.5 + b 0.5 * Average Len {self.context.average_length:.2f})"
        return f"F {frequency:.0f} / (F {frequency:.0f} + k1 {average}))"

    def explain_other(self, ids: Ids, weight: float, frequency: float, everything: bool) -> str:
        if not frequency:
            return "Frequency 0 -> value 0"
        value = self.other(ids, weight, np.array([frequency]), everything)[0]
        return f"({value:.2f} = Weight {weight:.2f} * {self._explain_saturated(frequency)}"

    def explain_group(self, weight: float, inner: float) -> str:
        return f"(Weight {weight:.2f} * children BM25 {inner:.2f})"


class Bm25Std(Bm25):
    """Okapi BM25. `*` counts as a term every document holds; numbers and the like count nothing."""

    def idf(self, term: Term) -> Floats:
        return np.log(1 + (len(self.context.table) - term.holders + 0.5) / (np.asarray(term.holders) + 0.5))

    def _worth(self, ids: Ids, weight: float, idf: Floats | float, frequency: Floats) -> Floats:
        lengths = self.context.text.lengths(ids)
        relative = lengths / self.context.average_length if self.context.average_length else np.zeros(len(ids))
        return weight * idf * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * relative))

    def term(self, term: Term) -> Floats:
        return self._worth(term.ids, term.weight, self.idf(term), term.frequency)

    def other(self, ids: Ids, weight: float, frequency: Floats, everything: bool) -> Floats:
        return self._worth(ids, weight, 1.0, frequency) if everything else np.zeros(len(ids))

    def explain_term(self, term: Term, word: str) -> str:
        idf = float(np.ravel(self.idf(term))[0])
        return self._explain(term.ids, word, float(self.term(term)[0]), term.weight, idf, float(term.frequency[0]))

    def explain_other(self, ids: Ids, weight: float, frequency: float, everything: bool) -> str:
        if not (everything and frequency and weight):
            return "Irrelevant token -> score is 0"
        value = float(self.other(ids, weight, np.array([frequency]), everything)[0])
        return self._explain(ids, "*", value, weight, 1.0, 1.0)

    def _explain(self, ids: Ids, word: str, value: float, weight: float, idf: float, frequency: float) -> str:
        length = f"Doc Len {self.context.text.lengths(ids)[0]} / Average Doc Len {self.context.average_length:.2f}"
        return (
            f"{word}: ({value:.2f} = Weight {weight:.2f} * IDF {idf:.2f} * (F {frequency:.2f} * (k1 1.2 + 1))"
            f" / (F {frequency:.2f} + k1 1.2 * (1 - b 0.5 + b 0.5 * {length})))"
        )


class DisMax(TfIdf):
    """The frequencies themselves: summed up by an intersection, the highest of a union."""

    def term(self, term: Term) -> Floats:
        return term.weight * term.frequency

    def explain_term(self, term: Term, word: str) -> str:
        return self.explain_other(term.ids, term.weight, float(term.frequency[0]), False)

    def explain_other(self, ids: Ids, weight: float, frequency: float, everything: bool) -> str:
        return f"DISMAX {weight * frequency:.2f} = Weight {weight:.2f} * Frequency {frequency:.0f}"

    def explain_group(self, weight: float, inner: float) -> str:
        return f"{weight * inner:.2f} = Weight {weight:.2f} * children DISMAX {inner:.2f}"

    def combine_union(self, values: Sequence[Floats]) -> Floats:
        return np.asarray(np.max(values, axis=0))
