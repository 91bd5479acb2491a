"""geodistance: metres between two points, each a `lon,lat` string or two numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redisvss.expression.columns import Numbers
from redisvss.expression.frame import Frame, Operand, each
from redisvss.expression.functions.registry import function
from redisvss.expression.values import POSITIVE_NAN, Value, string_of, to_number
from redisvss.index.geo_points import haversine

_MAX_LENGTH = 128


class _BadPoint(Exception):
    """A point that cannot be read; the text, if any, is RediSearch's."""


@function("geodistance", 2, 4)
def geodistance(frame: Frame, *operands: Operand) -> Operand:
    """A point that cannot be read gives NaN, and an error that only counts if no row was answered before."""
    points = np.full((frame.size, 4), np.nan)
    columns = [each(operand, frame.size) for operand in operands]
    for row, values in zip(range(frame.limit), zip(*columns, strict=True), strict=False):
        try:
            first, rest = _point(values)
            second, _ = _point(rest)
            points[row] = (*first, *second)
        except _BadPoint as error:
            if str(error):
                frame.warn(row, str(error))
    return _distances(points)


def _distances(points: Numbers) -> Numbers:
    """Metres, to two decimals; points: (n, 4) lon, lat, lon, lat."""
    with np.errstate(invalid="ignore"):
        metres = haversine(*points.T)
    known = ~np.isnan(metres)
    return np.where(known, np.floor(metres * 100 + 0.5) / 100, POSITIVE_NAN)


def _point(values: Sequence[Value]) -> tuple[tuple[float, float], Sequence[Value]]:
    """The first point and the values behind it: a number is a longitude and wants a latitude after it."""
    if not values:
        raise _BadPoint()
    lon = to_number(values[0])
    if lon is None:
        return _parse(values[0]), values[1:]
    lat = to_number(values[1]) if len(values) > 1 else None
    if lat is None:
        raise _BadPoint()
    return (lon, lat), values[2:]


def _parse(value: Value) -> tuple[float, float]:
    text = string_of(value) if isinstance(value, bytes) else None
    if text is None:
        raise _BadPoint()
    if len(text) > _MAX_LENGTH:
        raise _BadPoint("Geo string cannot be longer than 128 bytes")
    cut = min((at for at in (text.find(b" "), text.find(b",")) if at >= 0), default=None)
    if cut is None:
        raise _BadPoint("Invalid geo string")
    lon, lat = to_number(text[:cut]), to_number(text[cut + 1 :])
    if lon is None or lat is None:
        raise _BadPoint("Invalid geo string")
    return lon, lat
