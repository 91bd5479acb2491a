"""The stages of a planned pipeline: the steps with every name resolved and every expression parsed. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redisvss.aggregate.lookup import Fetch
from redisvss.aggregate.reducers.base import Reducer
from redisvss.aggregate.request import SortKey
from redisvss.expression.tree import Node


@dataclass(frozen=True)
class LoadFields:
    fetches: Mapping[str, Fetch]


@dataclass(frozen=True)
class LoadDocument:
    """`LOAD *`; `computed`: names it leaves alone."""

    computed: frozenset[str]


@dataclass(frozen=True)
class Project:
    """names: how the expression spells a property → what the rows call it."""

    tree: Node
    names: Mapping[str, str]
    alias: str


@dataclass(frozen=True)
class Select:
    tree: Node
    names: Mapping[str, str]


@dataclass(frozen=True)
class Sort:
    """Keeps the first `limit` rows."""

    keys: tuple[SortKey, ...]
    limit: int


@dataclass(frozen=True)
class Page:
    """limit None: no end."""

    offset: int
    limit: int | None


@dataclass(frozen=True)
class Count:
    """Reads everything, shows nothing."""


@dataclass(frozen=True)
class Drain:
    """Reads everything before it lets the first row through."""


@dataclass(frozen=True)
class Group:
    properties: tuple[str, ...]
    reducers: tuple[tuple[Reducer, str], ...]  # with their aliases


Stage = LoadFields | LoadDocument | Project | Select | Sort | Page | Count | Drain | Group
BLOCKING = (Sort, Group, Count, Drain)
