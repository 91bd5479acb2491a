"""FT.SEARCH, resolved: the options of one search with their defaults filled in. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from redisvss.documents.jsonreader import MULTI_VALUE_DIALECT

DEFAULT_SCORER = "TFIDF"  # RediSearch 2.10; 8.0 changed it to BM25STD
DEFAULT_LIMIT = 10


@dataclass(frozen=True)
class NumericFilter:
    """FILTER field min max."""

    field: str
    low: float
    high: float
    open_low: bool
    open_high: bool


@dataclass(frozen=True)
class GeoFilter:
    """GEOFILTER field lon lat radius unit."""

    field: str
    lon: float
    lat: float
    radius: float
    unit: str


@dataclass(frozen=True)
class Returned:
    """One entry of RETURN: `name` as asked for, `alias` as it is to be shown."""

    name: bytes
    alias: bytes


@dataclass
class Highlight:
    """HIGHLIGHT: fields None means every returned TEXT field."""

    fields: tuple[bytes, ...] | None = None
    open_tag: str = "<b>"
    close_tag: str = "</b>"


@dataclass
class Summarize:
    fields: tuple[bytes, ...] | None = None
    fragments: int = 3
    length: int = 20  # words of a fragment
    separator: str = "... "


@dataclass
class SearchRequest:
    query: bytes
    dialect: int
    timeout_ms: int
    nocontent: bool = False
    verbatim: bool = False
    nostopwords: bool = False
    withscores: bool = False
    withpayloads: bool = False
    withsortkeys: bool = False
    withrawids: bool = False
    explainscore: bool = False
    filters: list[NumericFilter] = field(default_factory=list)
    geofilters: list[GeoFilter] = field(default_factory=list)
    inkeys: tuple[bytes, ...] | None = None
    infields: tuple[str, ...] | None = None
    returned: tuple[Returned, ...] | None = None  # None: the whole document
    highlight: Highlight | None = None
    summarize: Summarize | None = None
    slop: int | None = None
    inorder: bool = False
    language: str | None = None
    scorer: str = DEFAULT_SCORER
    tanh_factor: int | None = None
    payload: bytes | None = None
    sortby: str | None = None
    ascending: bool = True
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    params: dict[str, bytes] = field(default_factory=dict)
    expand: bool = False
    count: bool | None = None  # WITHCOUNT / WITHOUTCOUNT, None: by dialect

    def with_params(self, params: dict[str, bytes]) -> SearchRequest:
        """The same search with other parameters; `dataclasses.replace` takes ten times as long."""
        other = object.__new__(SearchRequest)
        other.__dict__.update(self.__dict__, params=params)
        return other

    @property
    def narrowed(self) -> bool:
        """Whether options narrow the query as another clause of it would."""
        return bool(self.filters or self.geofilters) or self.inkeys is not None

    @property
    def shown_dialect(self) -> int:
        """The dialect values are shown by: FORMAT EXPAND always shows all that a path finds."""
        return max(self.dialect, MULTI_VALUE_DIALECT) if self.expand else self.dialect
