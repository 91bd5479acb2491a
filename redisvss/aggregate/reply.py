"""Pages of rows as the client sees them: flat arrays in RESP2, maps in RESP3."""

from __future__ import annotations

from typing import Any

from redisvss.aggregate.execution import Page, Row
from redisvss.expression.values import Multi, Value
from redisvss.numbers import format_number, plain_number


def build_reply(page: Page, *, protocol: int, dialect: int = 1, expand: bool = False, fields: bool = True) -> Any:
    """expand: FORMAT EXPAND, where numbers stay numbers. fields: False where NOCONTENT leaves the rows' fields out."""
    if protocol >= 3:
        return _as_map(page, dialect, expand, fields)
    reply: list[Any] = [page.first_total]
    for at, row in enumerate(page.rows):
        reply += page.heads[at].values()
        if fields:
            reply.append([part for name, value in row for part in (_name(name), shown(value, dialect))])
    return reply


def _as_map(page: Page, dialect: int, expand: bool, fields: bool) -> dict[str, Any]:
    results: list[dict[str, Any]] = []
    for at, row in enumerate(page.rows):
        result = dict(page.heads[at])
        if fields:
            result["extra_attributes"] = attributes(row, dialect, expand)
        results.append({**result, "values": []})
    return {
        "attributes": [],
        "format": "EXPAND" if expand else "STRING",
        "results": results,
        "total_results": page.total,
        "warning": [page.warning] if page.warning else [],
    }


def attributes(row: Row, dialect: int, expand: bool) -> dict[bytes, Any]:
    return {_name(name): expanded(value) if expand else shown(value, dialect) for name, value in row}


def _name(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def shown(value: Value, dialect: int) -> Any:
    """A value as a string, null, or an array of such."""
    match value:
        case float():
            return format_number(value)
        case bytes() | None:
            return value
        case list():
            return [shown(item, dialect) for item in value]
        case Multi():
            return value.text if dialect >= 3 else shown(value.first, dialect)


def expanded(value: Value) -> Any:
    match value:
        case float():
            return plain_number(value)
        case list():  # inside an array RediSearch shows a multi-value as its text all the same
            return [item.text if isinstance(item, Multi) else expanded(item) for item in value]
        case Multi():
            return value.expanded
        case _:
            return value
