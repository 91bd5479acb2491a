"""FT.AGGREGATE, parsed: the steps of the pipeline as the command states them. Values only."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_CURSOR_COUNT = 1000  # rows a read gives when neither the read nor WITHCURSOR says how many


@dataclass(frozen=True)
class Load:
    """`LOAD n field [AS name] …`: the arguments as given; `everything` for `LOAD *`."""

    args: tuple[bytes, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Reduce:
    """`REDUCE name n args… [AS alias]`, alias filled in."""

    name: str
    args: tuple[bytes, ...]
    alias: str


@dataclass(frozen=True)
class GroupBy:
    """`properties` without their `@`."""

    properties: tuple[str, ...]
    reducers: tuple[Reduce, ...] = ()


@dataclass(frozen=True)
class Apply:
    expression: bytes
    alias: str


@dataclass(frozen=True)
class Filter:
    expression: bytes


@dataclass(frozen=True)
class SortKey:
    name: str
    ascending: bool = True


@dataclass(frozen=True)
class Arrange:
    """SORTBY, MAX and LIMIT between two GROUPBYs, merged; keys None: no SORTBY. limit 0: none given."""

    keys: tuple[SortKey, ...] | None = None
    offset: int = 0
    limit: int = 0


Step = Load | GroupBy | Apply | Filter | Arrange


@dataclass(frozen=True)
class CursorOptions:
    """WITHCURSOR. count None: the default; max_idle_ms is within the server's limit already."""

    count: int | None
    max_idle_ms: int


@dataclass(frozen=True)
class Pipeline:
    """What the rows go through, and how they are shown.

    with…: what is shown in front of a row's fields. rows: False where a LIMIT of 0 asks for the count alone. fields:
    False where NOCONTENT leaves the rows out.
    """

    steps: tuple[Step, ...] = ()
    rows: bool = True
    fields: bool = True
    exact_total: bool = False  # WITHCOUNT: read everything before the first row is shown
    addscores: bool = False
    withscores: bool = False
    withrawids: bool = False
    withpayloads: bool = False
    withsortkeys: bool = False
    explainscore: bool = False
    cursor: CursorOptions | None = None
