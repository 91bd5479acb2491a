"""Times are seconds since 1970 in UTC: rounding them down, taking them apart, printing and parsing them.

Rounding is right for all years; RediSearch's is a day off from March 2100 on, when it misses a leap day that is none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from redisvss.expression.columns import Numbers
from redisvss.expression.frame import Frame, Operand, map_rows
from redisvss.expression.functions.clock import format_time, parse_time
from redisvss.expression.functions.mathematics import numbers_or_nan
from redisvss.expression.functions.registry import function, require_string, wrong_type
from redisvss.expression.values import Text, Value, c_string, string_of, to_number

_ISO = Text(b"%FT%TZ")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MAX_SECONDS = 67768036191676799  # the last second of year 2^31 - 1 + 1900, where C's gmtime gives up

Seconds = NDArray[np.int64]


def _calendar(name: str, compute: Callable[[Seconds], NDArray[np.int64]]) -> None:
    """Register `name(timestamp)`: null for what is no number, negative, or beyond C's calendar."""

    def call(frame: Frame, operand: Operand) -> Operand:
        stamps = numbers_or_nan(operand, frame.size)
        known = (stamps >= 0) & (stamps <= _MAX_SECONDS)
        results = compute(np.where(known, stamps, 0).astype(np.int64)).astype(np.float64)
        return _with_nulls(results, known) if isinstance(operand, np.ndarray) else _single(results, known)

    function(name, 1, 1)(call)


def _with_nulls(results: Numbers, known: NDArray[np.bool_]) -> Operand:
    if known.all():
        return results
    values = results.astype(object)
    values[~known] = None
    return values


def _single(results: Numbers, known: NDArray[np.bool_]) -> Value:
    return float(results[0]) if known[0] else None


def _days(seconds: Seconds) -> NDArray[np.datetime64]:
    return (seconds // _DAY).astype("datetime64[D]")


def _month_start(seconds: Seconds) -> NDArray[np.datetime64]:
    return _days(seconds).astype("datetime64[M]").astype("datetime64[D]")


def _year_start(seconds: Seconds) -> NDArray[np.datetime64]:
    return _days(seconds).astype("datetime64[Y]").astype("datetime64[D]")


_calendar("minute", lambda seconds: seconds // _MINUTE * _MINUTE)
_calendar("hour", lambda seconds: seconds // _HOUR * _HOUR)
_calendar("day", lambda seconds: seconds // _DAY * _DAY)
_calendar("month", lambda seconds: _month_start(seconds).astype(np.int64) * _DAY)
_calendar("dayofweek", lambda seconds: (seconds // _DAY + 4) % 7)  # 1970 began on a Thursday; 0 is Sunday
_calendar("dayofmonth", lambda seconds: (_days(seconds) - _month_start(seconds)).astype(np.int64) + 1)
_calendar("dayofyear", lambda seconds: (_days(seconds) - _year_start(seconds)).astype(np.int64))
_calendar("monthofyear", lambda seconds: _days(seconds).astype("datetime64[M]").astype(np.int64) % 12)
_calendar("year", lambda seconds: _days(seconds).astype("datetime64[Y]").astype(np.int64) + 1970)


@function("timefmt", 1, 2, "Invalid arguments for function 'time'")
def timefmt(frame: Frame, stamp: Operand, pattern: Operand = _ISO) -> Operand:
    return map_rows(frame, _timefmt, stamp, pattern)


def _timefmt(stamp: Value, pattern: Value) -> Value:
    """Null where the stamp is no number or the result is empty or too long."""
    if type(pattern) is not Text:  # a hash field's string is refused too
        raise wrong_type("time", 1, pattern, "VALIDATE_ARG__TYPE(v, RSValue_String)")
    number = to_number(stamp)
    if number is None or not abs(number) <= _MAX_SECONDS:
        return None
    text = format_time(int(number), c_string(pattern))
    return Text(text.encode("utf-8", "surrogateescape")) if text else None


@function("parsetime", 2, 2)
def parsetime(frame: Frame, text: Operand, pattern: Operand) -> Operand:
    return map_rows(frame, _parsetime, text, pattern)


def _parsetime(text: Value, pattern: Value) -> Value:
    require_string("parsetime", 0, text)
    require_string("parsetime", 1, pattern)
    seconds = parse_time(c_string(string_of(text) or b""), c_string(string_of(pattern) or b""))
    return None if seconds is None else float(seconds)
