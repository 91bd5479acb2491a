"""C's strftime and strptime in UTC and the C locale, as glibc has them, on every platform.

Python's own `time.strptime` differs (it wants the whole text consumed, and starts from 1900-01-01 where C starts from a
zeroed `struct tm`, that is 1899-12-31), and `time.strftime` asks the platform.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_COMPOSED = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "x": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
}
MAX_LENGTH = 1023  # RediSearch's buffer; what does not fit is null
_MAX_PATTERN = 4096  # a longer one can hardly print less than MAX_LENGTH
_DAY = 86400


@dataclass(frozen=True, slots=True)
class _Moment:
    """A second taken apart; yday from 0, weekday 0 is Sunday."""

    seconds: int
    year: int
    month: int
    day: int
    yday: int
    weekday: int
    hour: int
    minute: int
    second: int

    @property
    def hour12(self) -> int:
        return self.hour % 12 or 12

    def iso_week(self) -> tuple[int, int]:
        """(year, week) of ISO 8601."""
        monday_based = (self.weekday - 1) % 7
        week = (self.yday - monday_based + 10) // 7
        if week < 1:
            return self.year - 1, _iso_weeks(self.year - 1)
        return (self.year + 1, 1) if week > _iso_weeks(self.year) else (self.year, week)


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a proleptic Gregorian date; month 1…12, day may be any integer."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def _iso_weeks(year: int) -> int:
    def december_31(of: int) -> int:
        return (days_from_civil(of, 12, 31) + 4) % 7

    return 53 if december_31(year) == 4 or december_31(year - 1) == 3 else 52


def _moment(seconds: int) -> _Moment:
    days, of_day = divmod(seconds, _DAY)
    year, month, day = _civil_from_days(days)
    yday = days - days_from_civil(year, 1, 1)
    return _Moment(seconds, year, month, day, yday, (days + 4) % 7, of_day // 3600, of_day // 60 % 60, of_day % 60)


# What a directive prints: text, or a number with its default padding character and width.
_Field = Union[str, "tuple[int, str, int]"]
_PRINTED: dict[str, Callable[[_Moment], _Field]] = {
    "a": lambda t: _DAYS[t.weekday][:3],
    "A": lambda t: _DAYS[t.weekday],
    "b": lambda t: _MONTHS[t.month - 1][:3],
    "h": lambda t: _MONTHS[t.month - 1][:3],
    "B": lambda t: _MONTHS[t.month - 1],
    "C": lambda t: (t.year // 100, "0", 2),
    "d": lambda t: (t.day, "0", 2),
    "e": lambda t: (t.day, "_", 2),
    "g": lambda t: (t.iso_week()[0] % 100, "0", 2),
    "G": lambda t: (t.iso_week()[0], "0", 1),
    "H": lambda t: (t.hour, "0", 2),
    "I": lambda t: (t.hour12, "0", 2),
    "j": lambda t: (t.yday + 1, "0", 3),
    "k": lambda t: (t.hour, "_", 2),
    "l": lambda t: (t.hour12, "_", 2),
    "m": lambda t: (t.month, "0", 2),
    "M": lambda t: (t.minute, "0", 2),
    "n": lambda t: "\n",
    "p": lambda t: "PM" if t.hour >= 12 else "AM",
    "P": lambda t: "pm" if t.hour >= 12 else "am",
    "s": lambda t: (t.seconds, "0", 1),
    "S": lambda t: (t.second, "0", 2),
    "t": lambda t: "\t",
    "u": lambda t: (t.weekday or 7, "0", 1),
    "U": lambda t: ((t.yday + 7 - t.weekday) // 7, "0", 2),
    "V": lambda t: (t.iso_week()[1], "0", 2),
    "w": lambda t: (t.weekday, "0", 1),
    "W": lambda t: ((t.yday + 7 - (t.weekday - 1) % 7) // 7, "0", 2),
    "y": lambda t: (t.year % 100, "0", 2),
    "Y": lambda t: (t.year, "0", 1),
    "z": lambda t: "+0000",
    "Z": lambda t: "GMT",
    "%": lambda t: "%",
}
_DIRECTIVE = re.compile(r"%([-_0^#]*)(\d*)[EO]?([A-Za-z%])")


def format_time(seconds: int, pattern: str) -> str | None:
    """strftime; None where the result would not fit RediSearch's buffer. Unknown directives are printed as they are."""
    if len(pattern) > _MAX_PATTERN:
        return None
    moment = _moment(seconds)
    text = _DIRECTIVE.sub(lambda match: _directive(match, moment), pattern)
    return text if len(text.encode("utf-8", "surrogateescape")) <= MAX_LENGTH else None


def _directive(match: re.Match[str], moment: _Moment) -> str:
    flags, digits, kind = match.groups()
    width = min(int(digits or 0), MAX_LENGTH + 1)
    if kind in _COMPOSED:
        text = _DIRECTIVE.sub(lambda inner: _directive(inner, moment), _COMPOSED[kind])
    elif kind in _PRINTED:
        field = _PRINTED[kind](moment)
        if isinstance(field, tuple):
            return _number(field, flags, width)
        text = field
    else:
        return match.group()
    return _cased(text, kind, flags).rjust(width, "0" if "0" in flags else " ")


def _cased(text: str, kind: str, flags: str) -> str:
    if "^" in flags:
        return text.upper()
    if "#" in flags:
        return text.lower() if kind in "pZ" else text.upper()
    return text


def _number(field: tuple[int, str, int], flags: str, width: int) -> str:
    value, padding, least = field
    for flag in flags:
        padding = flag if flag in "-_0" else padding
    sign, digits = ("-" if value < 0 else ""), str(abs(value))
    if padding == "-":
        return sign + digits
    wanted = (width or least) - len(sign)
    return sign + digits.zfill(wanted) if padding == "0" else (sign + digits).rjust(width or least)


@dataclass(slots=True)
class _Parsed:
    """What strptime has gathered; the zeros are those of C's zeroed `struct tm`. None: not given."""

    year: int = 1900
    month: int = 1
    day: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    month_given: bool = False
    day_given: bool = False
    yday: int | None = None
    weekday: int | None = None
    sunday_week: int | None = None
    monday_week: int | None = None
    century: int | None = None
    short_year: bool = False
    hour12: bool = False
    afternoon: bool = False
    stamp: int | None = None

    def seconds(self) -> int:
        if self.stamp is not None:
            return self.stamp
        self._settle_year()
        hour = self.hour + 12 * self.afternoon if self.hour12 else self.hour
        return self._days() * _DAY + hour * 3600 + self.minute * 60 + self.second

    def _settle_year(self) -> None:
        if self.century is not None:
            self.year = self.century * 100 + (self.year % 100 if self.short_year else 0)

    def _days(self) -> int:
        start = days_from_civil(self.year, 1, 1)
        if not (self.month_given and self.day_given):
            if self.yday is not None:
                return start + self.yday
            if (week := self._week_day(start)) is not None:
                return week
        return days_from_civil(self.year, self.month, self.day)

    def _week_day(self, start: int) -> int | None:
        """The date a week number and a weekday give."""
        if self.weekday is None or (self.sunday_week is None and self.monday_week is None):
            return None
        first, sunday = (start + 4) % 7, self.sunday_week is not None
        offset = 0 if sunday else 1
        week = self.sunday_week if self.sunday_week is not None else self.monday_week or 0
        return start + (7 - (first - offset)) % 7 + (week - 1) * 7 + (self.weekday - offset + 7) % 7


def parse_time(text: str, pattern: str) -> int | None:
    """strptime and timegm: the seconds the text gives; None where it does not fit. What follows is ignored."""
    parsed = _Parsed()
    return None if _match(text, 0, pattern, parsed) is None else parsed.seconds()


def _match(text: str, at: int, pattern: str, parsed: _Parsed) -> int | None:
    """Read `pattern` from `text[at:]`; where it ends, None where it does not fit."""
    position = 0
    while position < len(pattern):
        mark = pattern[position]
        position += 1
        if mark in " \t\n\v\f\r":
            at = _skip_blanks(text, at)
            continue
        if mark != "%":
            if text[at : at + 1] != mark:
                return None
            at += 1
            continue
        directive = re.compile(r"[-_0^#]*\d*[EO]?(.?)", re.DOTALL).match(pattern, position)
        kind = directive.group(1) if directive else ""
        position = directive.end() if directive else position
        end = _read(kind, text, at, parsed)
        if end is None:
            return None
        at = end
    return at


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n\v\f\r":
        at += 1
    return at


# directive → (attribute, least, greatest, digits)
_NUMBERS = {
    "d": ("day", 1, 31, 2),
    "e": ("day", 1, 31, 2),
    "H": ("hour", 0, 23, 2),
    "k": ("hour", 0, 23, 2),
    "I": ("hour", 1, 12, 2),
    "l": ("hour", 1, 12, 2),
    "j": ("yday", 1, 366, 3),
    "m": ("month", 1, 12, 2),
    "M": ("minute", 0, 59, 2),
    "S": ("second", 0, 61, 2),
    "C": ("century", 0, 99, 2),
    "Y": ("year", 0, 9999, 4),
    "y": ("year", 0, 99, 2),
    "u": ("weekday", 1, 7, 1),
    "w": ("weekday", 0, 6, 1),
    "U": ("sunday_week", 0, 53, 2),
    "W": ("monday_week", 0, 53, 2),
    "V": ("", 0, 53, 2),
    "g": ("", 0, 99, 2),
    "G": ("", 0, 9999, 4),
}


def _read(kind: str, text: str, at: int, parsed: _Parsed) -> int | None:
    if kind in _NUMBERS:
        return _read_number(kind, text, at, parsed)
    if kind in _COMPOSED:
        return _match(text, at, _COMPOSED[kind], parsed)
    match kind:
        case "%":
            return at + 1 if text[at : at + 1] == "%" else None
        case "n" | "t":
            return _skip_blanks(text, at)
        case "a" | "A":
            return _read_name(text, at, _DAYS, parsed, "weekday", 0)
        case "b" | "B" | "h":
            return _read_name(text, at, _MONTHS, parsed, "month", 1)
        case "p" | "P":
            return _read_half(text, at, parsed)
        case "s":
            return _read_stamp(text, at, parsed)
        case "z":
            return _read_zone(text, at)
        case "Z":
            return at
    return None


def _read_number(kind: str, text: str, at: int, parsed: _Parsed) -> int | None:
    name, low, high, digits = _NUMBERS[kind]
    match = re.compile(rf" *([0-9]{{1,{digits}}})").match(text, at)
    if match is None or not low <= (value := int(match.group(1))) <= high:
        return None
    match kind:
        case "j":
            value -= 1
        case "y":
            value += 1900 if value >= 69 else 2000
        case "u":
            value %= 7
        case "I" | "l":
            value %= 12
    parsed.hour12 = kind in "Il" if name == "hour" else parsed.hour12
    parsed.short_year = kind == "y" if name == "year" else parsed.short_year
    parsed.century = None if kind == "Y" else parsed.century
    _given(parsed, name, value)
    return match.end()


def _given(parsed: _Parsed, name: str, value: int) -> None:
    if name:
        setattr(parsed, name, value)
    parsed.month_given |= name == "month"
    parsed.day_given |= name == "day"


def _read_name(text: str, at: int, names: tuple[str, ...], parsed: _Parsed, attribute: str, base: int) -> int | None:
    """A full or abbreviated name, in any case."""
    rest = text[at : at + 9].lower()
    for number, name in enumerate(names, start=base):
        for spelling in (name.lower(), name[:3].lower()):
            if rest.startswith(spelling):
                _given(parsed, attribute, number)
                return at + len(spelling)
    return None


def _read_half(text: str, at: int, parsed: _Parsed) -> int | None:
    half = text[at : at + 2].upper()
    if half not in ("AM", "PM"):
        return None
    parsed.afternoon = half == "PM"
    return at + 2


def _read_stamp(text: str, at: int, parsed: _Parsed) -> int | None:
    match = re.compile(r"[0-9]{1,18}").match(text, at)
    if match is None:
        return None
    parsed.stamp = int(match.group())
    return match.end()


def _read_zone(text: str, at: int) -> int | None:
    """`Z` or `+hh[:][mm]`: read, and ignored, as timegm ignores it."""
    match = re.compile(r" *(Z|[+-][0-9]{2}(:?[0-9]{2})?)").match(text, at)
    return None if match is None else match.end()
