"""REDISVSS.TRACE: a KNN query retold step by step. An addition of ours; docs/trace.md says what the reply holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.registry import command
from redisvss.commands.search_args import parse_search
from redisvss.errors import CommandError
from redisvss.index.trace import Look, Step, Trace
from redisvss.query.search import Search
from redisvss.query.trace import traced
from redisvss.reply import Reply, Session, format_double

if TYPE_CHECKING:
    from redisvss.engine import Engine
    from redisvss.index.doctable import DocTable

NOT_KNN = "REDISVSS.TRACE retells a KNN query, such as `*=>[KNN 5 @vector $blob]`"


@command("REDISVSS.TRACE", arity=-3, summary="Retells a KNN query: what was opened, kept, pruned and filtered out")
def redisvss_trace(engine: Engine, session: Session, args: Args) -> Reply:
    """`REDISVSS.TRACE index query [options of FT.SEARCH]`. Paging options change nothing: all k hits are told."""
    index = engine.search_index(args.next())
    request = parse_search(args, engine.config, session.protocol)
    with index.lock.read():
        told = traced(Search(index, request, engine.config, engine))
        if told is None:
            raise CommandError(NOT_KNN)
        shown = _shown(told, index.table)
    return shown if session.protocol >= 3 else [part for pair in shown.items() for part in pair]


def _shown(told: Trace, table: DocTable) -> dict[str, Any]:
    plan = told.hits.plan
    found = zip(told.hits.doc_ids.tolist(), told.hits.distances.tolist(), strict=True)
    return {
        "plan": f"{plan.strategy}, {plan.candidates} candidates, {'exact' if plan.exact else 'approximate'}",
        "computed": told.computed,
        "steps": [_step(step, table) for step in told.steps],
        "found": [[table.key_of(doc_id), format_double(distance)] for doc_id, distance in found],
    }


def _step(step: Step, table: DocTable) -> list[Any]:
    looked = [_look(look, table) for look in step.looked]
    opened = table.key_of(step.doc_id) if step.doc_id >= 0 else None
    return [step.layer, opened, format_double(step.distance), looked]


def _look(look: Look, table: DocTable) -> list[Any]:
    return [table.key_of(look.doc_id), format_double(look.distance), look.verdict]
