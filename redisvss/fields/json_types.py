"""Which JSON values a field takes: the rules and texts every field type shares (RediSearch 2.10, spec of ON JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redisvss.fields.base import InvalidValue


def json_value(matches: Sequence[Any]) -> Any:
    """What a path found, as one value: several matches count as an array of them."""
    return matches[0] if len(matches) == 1 else list(matches)


def wrong_type(value: Any) -> InvalidValue:
    """The failure of a JSON value whose type the field does not take."""
    match value:
        case bool():
            text = "Invalid JSON type: Boolean type can be represent only TAG field"
        case int() | float():
            text = "Invalid JSON type: Numeric type can represent only NUMERIC field"
        case str():
            text = "Invalid JSON type: String type can represent only TEXT, TAG, GEO or GEOMETRY field"
        case dict():
            text = "Invalid JSON type: Object type can represent only GEOMETRY fields"
        case _:
            text = "Invalid JSON type: Array type cannot represent GEOMETRY field"
    return InvalidValue(text)


def strings_of(items: Sequence[Any]) -> list[str]:
    """An array's strings, nulls left out."""
    strings = [item for item in items if item is not None]
    if not all(isinstance(item, str) for item in strings):
        raise InvalidValue("TEXT/TAG fields can only contain strings or nulls")
    return strings
