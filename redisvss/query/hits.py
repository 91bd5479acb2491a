"""What a search found: the hits of a page, and what is known of all of them. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redisvss.query.bind import BoundQuery
from redisvss.query.execute import Matches


@dataclass(slots=True)
class Hit:
    """One document of the page. `sort_value`: what SORTBY compared, None where the document has none.

    `revision` is its place in the order of indexing, which is what RediSearch's internal id says.
    """

    key: bytes
    doc_id: int
    revision: int
    score: float = 0.0
    sort_value: float | str | bytes | None = None
    payload: bytes | None = None
    explanation: Any = None
    fields: list[tuple[bytes, Any]] | None = None  # None: the document went away between match and load


@dataclass
class SearchResult:
    """`distances` and `numbers` (those RETURN names) hold a value for each hit, None where it has none."""

    total: int
    hits: list[Hit]
    distances: dict[str, list[float | None]] = field(default_factory=dict)
    numbers: dict[str, list[float | None]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    query: BoundQuery | None = None
    matches: Matches | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage, for FT.PROFILE
