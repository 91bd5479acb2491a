"""From the steps of a command to the stages of a pipeline, with RediSearch's complaints about names.

Works on the schema alone: no document is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redisvss.aggregate.lookup import Fetch, Lookup
from redisvss.aggregate.reducers import REDUCERS, Arguments
from redisvss.aggregate.reducers.base import Reducer
from redisvss.aggregate.request import Apply, Arrange, Filter, GroupBy, Load, Pipeline, Reduce
from redisvss.aggregate.source import Schema
from redisvss.aggregate.stages import (
    BLOCKING,
    Count,
    Drain,
    Group,
    LoadDocument,
    LoadFields,
    Page,
    Project,
    Select,
    Sort,
    Stage,
)
from redisvss.errors import CommandError
from redisvss.expression.parser import parse_expression
from redisvss.expression.tree import Node, properties
from redisvss.expression.values import name_of

DEFAULT_LIMIT = 10  # of a SORTBY without MAX and LIMIT


@dataclass(frozen=True)
class Plan:
    """names: what each row shows, in order; documents: the fields of whole documents follow them.

    sort_key: the first key of the last SORTBY since the last GROUPBY.
    """

    stages: tuple[Stage, ...]
    names: tuple[str, ...]
    documents: bool
    sort_key: str | None


def plan(pipeline: Pipeline, schema: Schema) -> Plan:
    """Raises CommandError."""
    return _Planner(pipeline, schema).plan()


class _Planner:
    def __init__(self, pipeline: Pipeline, schema: Schema) -> None:
        self._pipeline = pipeline
        self._lookup = Lookup(schema)
        self._stages: list[Stage] = []
        for name in schema.yields:
            if name != "__score" and schema.field(name) is not None:
                raise CommandError(f"Property `{name}` already exists in schema")
            if not self._lookup.write(name):
                raise _twice(name)

    def plan(self) -> Plan:
        for step in self._pipeline.steps:
            match step:
                case Load():
                    self._load(step)
                case GroupBy():
                    self._group(step)
                case Arrange():
                    self._arrange(step)
                case Apply():
                    self._apply(step)
                case Filter():
                    tree = parse_expression(step.expression)
                    self._stages.append(Select(tree, self._resolve(tree)))
        whole = any(isinstance(step, Load) and step.everything for step in self._pipeline.steps)
        documents = whole and self._lookup.schema is not None
        self._drain()
        return Plan(tuple(self._stages), self._lookup.names, documents, self._sort_key())

    def _sort_key(self) -> str | None:
        for stage in reversed(self._stages):
            match stage:
                case Sort():
                    return stage.keys[0].name
                case Group():
                    return None
        return None

    # ---- LOAD --------------------------------------------------------------------------------------------------------

    def _load(self, step: Load) -> None:
        schema = self._lookup.schema
        if schema is None:
            raise CommandError("LOAD cannot be applied after projectors or reducers")
        fetches = {}
        for name, path in _loaded_names(step.args):
            fetch = self._lookup.load(name, path)
            if fetch is not None:
                fetches[name] = fetch
        if fetches:
            self._stages.append(LoadFields(fetches))
        if step.everything:
            computed = frozenset(name for name in self._lookup.names if self._lookup.is_computed(name))
            self._stages.append(LoadDocument(computed))
            self._lookup.everything_loaded = not schema.is_json

    def _load_attribute(self, name: str) -> Fetch | None:
        """Where SORTBY, GROUPBY and reducers take an attribute from that is not loaded; None: there is none."""
        return None if self._lookup.spec(name) is None else self._lookup.load(name, name)

    # ---- GROUPBY -----------------------------------------------------------------------------------------------------

    def _group(self, step: GroupBy) -> None:
        fetches: dict[str, Fetch] = {}
        grouped = Lookup()
        for name in step.properties:
            self._require(name, fetches, f"No such property `{name}`")
            if not grouped.write(name):
                raise _twice(name)
        reducers = tuple((self._reducer(reduce, fetches, grouped), reduce.alias) for reduce in step.reducers)
        if fetches:
            self._stages.append(LoadFields(fetches))
        self._stages.append(Group(step.properties, reducers))
        self._lookup = grouped

    def _reducer(self, reduce: Reduce, fetches: dict[str, Fetch], grouped: Lookup) -> Reducer:
        factory = REDUCERS.get(reduce.name.upper())
        if factory is None:
            raise CommandError(f"No such reducer: {reduce.name}")

        def require(name: str) -> None:
            self._require(name, fetches, f"Property is not present in document or pipeline: `{name}`")

        reducer = factory(Arguments(reduce.name, reduce.args, require))
        if not grouped.write(reduce.alias):
            raise _twice(reduce.alias)
        return reducer

    def _require(self, name: str, fetches: dict[str, Fetch], complaint: str) -> None:
        """Make sure the rows have `name`, loading it if the schema has it."""
        if self._lookup.read(name):
            return
        fetch = self._load_attribute(name)
        if fetch is None:
            raise CommandError(complaint)
        fetches[name] = fetch

    # ---- SORTBY and LIMIT --------------------------------------------------------------------------------------------

    def _arrange(self, step: Arrange) -> None:
        if not self._pipeline.rows:
            self._stages.append(Count())
            return
        if step.keys:
            fetches: dict[str, Fetch] = {}
            for key in step.keys:
                self._require(key.name, fetches, f"Property `{key.name}` not loaded nor in schema")
            if fetches:
                self._stages.append(LoadFields(fetches))
            self._stages.append(Sort(step.keys, step.offset + step.limit or DEFAULT_LIMIT))
        self._drain()
        if step.offset or (step.limit and not step.keys):
            self._stages.append(Page(step.offset, step.limit))

    def _drain(self) -> None:
        """WITHCOUNT: read everything before a page is cut, unless a stage does so anyway."""
        if self._pipeline.exact_total and not any(isinstance(stage, BLOCKING) for stage in self._stages):
            self._stages.append(Drain())

    # ---- APPLY and FILTER --------------------------------------------------------------------------------------------

    def _apply(self, step: Apply) -> None:
        tree = parse_expression(step.expression)
        names = self._resolve(tree)
        self._lookup.write(step.alias, override=True)
        self._stages.append(Project(tree, names, step.alias))

    def _resolve(self, tree: Node) -> Mapping[str, str]:
        """RediSearch looks up a name with its escapes still in it; without them is what was meant."""
        names: dict[str, str] = {}
        for found in properties(tree):
            name = next((name for name in (found.name, found.plain) if self._lookup.read(name)), None)
            if name is None:
                raise CommandError(f"Property `{found.name}` not loaded nor in pipeline")
            names[found.name] = name
        return names


def _loaded_names(args: tuple[bytes, ...]) -> list[tuple[str, str]]:
    """(name, path) of each field `LOAD` lists."""
    found: list[tuple[str, str]] = []
    remaining = iter(args)
    upcoming = next(remaining, None)
    while upcoming is not None:
        path = name = name_of(upcoming.removeprefix(b"@"))
        upcoming = next(remaining, None)
        if upcoming is not None and upcoming.upper() == b"AS":
            alias = next(remaining, None)
            if alias is None:
                raise CommandError("LOAD path AS name - must be accompanied with NAME")
            if alias.upper() == b"AS":
                raise CommandError("Alias for LOAD cannot be `AS`")
            name, upcoming = name_of(alias), next(remaining, None)
        found.append((name, path))
    return found


def _twice(name: str) -> CommandError:
    return CommandError(f"Property `{name}` specified more than once")
