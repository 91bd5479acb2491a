"""A transcript: commands and the replies redis-cli printed for them, one topic per file.

    # Recorded from Redis 7.4.1, RediSearch 2.10.5, RedisJSON 2.8.3 over RESP2.
    # What the file is about.

    > FT.SEARCH idx hello                a command as redis-cli takes it, "\\x00" escapes included
    ~ mask total_indexing_time           optional: values that differ from run to run, kept as <any>
    ~ any order                          optional: the reply's items may come in any order
    ~ within 1e-06                       optional: numbers may differ by that much
    1) (integer) 1                       the reference's reply
    ...
    ! why ours differs                   optional: the reply expected of us instead, written by hand
    1) (integer) 2

A file is its own script: recording it again keeps commands, marks and hand-written replies. `<any>` in a hand-written
reply, too, stands for one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

ANY = "<any>"
_INDEX = re.compile(r" *\d+[)~#] ")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_MAP = re.compile(r" *\d+# ")
_TYPED = re.compile(r'"|<any>|\((integer|nil|error|double|true|false|empty array|empty hash)\b')


@dataclass(frozen=True)
class Exchange:
    """`marks` are the `~` lines; `ours` is the hand-written reply, `reason` why it is not the recorded one."""

    comment: tuple[str, ...]
    command: str
    marks: tuple[str, ...]
    recorded: tuple[str, ...]
    reason: str | None = None
    ours: tuple[str, ...] = ()

    @property
    def expected(self) -> tuple[str, ...]:
        return self.recorded if self.reason is None else self.ours

    def accepts(self, expected: tuple[str, ...], got: tuple[str, ...]) -> bool:
        """Whether a reply is as expected, which is `self.expected` as this door shows it."""
        if "any order" in self.marks or _is_map(expected):
            expected, got = _ordered(expected), _ordered(got)
        tolerance = max((float(mark[7:]) for mark in self.marks if mark.startswith("within ")), default=0.0)
        return len(expected) == len(got) and all(map(partial(_line_matches, tolerance), expected, got))

    @property
    def masked(self) -> frozenset[str]:
        """Names whose values are not compared."""
        return frozenset(name for mark in self.marks if mark.startswith("mask ") for name in mark[5:].split(", "))


@dataclass
class Transcript:
    header: str
    about: tuple[str, ...]
    exchanges: list[Exchange] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.header, *self.about, ""]
        for exchange in self.exchanges:
            lines += _printed(exchange)
        return "\n".join(lines) + "\n"


def _printed(exchange: Exchange) -> Iterator[str]:
    yield from exchange.comment
    yield f"> {exchange.command}"
    yield from (f"~ {mark}" for mark in exchange.marks)
    yield from exchange.recorded
    if exchange.reason is not None:
        yield f"! {exchange.reason}"
        yield from exchange.ours
    yield ""


def read(path: Path) -> Transcript:
    """Blank lines end an exchange; a reply never holds one (redis-cli escapes line ends)."""
    header, *lines = path.read_text("utf-8").split("\n")
    about: list[str] = []
    while lines and lines[0].startswith("#"):
        about.append(lines.pop(0))
    return Transcript(header, tuple(about), list(_exchanges(lines)))


def _exchanges(lines: list[str]) -> Iterator[Exchange]:
    block: list[str] = []
    for line in [*lines, ""]:
        if line:
            block.append(line)
        elif block:
            yield _exchange(block)
            block = []


def _exchange(block: list[str]) -> Exchange:
    comment = [line for line in block if line.startswith("#")]
    command = next(line for line in block if line.startswith("> "))
    rest = block[block.index(command) + 1 :]
    marks = [line[2:] for line in rest if line.startswith("~ ")]
    replies = [line for line in rest if not line.startswith("~ ")]
    split = next((place for place, line in enumerate(replies) if line.startswith("! ")), None)
    exchange = Exchange(tuple(comment), command[2:], tuple(marks), tuple(replies[:split]))
    if split is None:
        return exchange
    return replace(exchange, reason=replies[split][2:], ours=tuple(replies[split + 1 :]))


# ---- comparing -------------------------------------------------------------------------------------------------------


def masked(lines: tuple[str, ...], names: frozenset[str]) -> tuple[str, ...]:
    """The value behind each of `names` as <any>: on the next line of an array, on the same line of a map."""
    out: list[str] = []
    hide_next = False
    for line in lines:
        lead, shown = _split(line)
        before, arrow, _ = line.rpartition(" => ")
        name = _split(before.rpartition(" => ")[2])[1] if arrow else shown
        if hide_next:
            out.append(lead + ANY)
        elif arrow and name.strip('"') in names:
            out.append(f"{before} => {ANY}")
        else:
            out.append(line)
        hide_next = not arrow and name.strip('"') in names and not hide_next
    return tuple(out)


def _split(line: str) -> tuple[str, str]:
    """Indent and item numbers; what is shown behind them."""
    lead = re.match(r"(?: *\d+[)~#] )*", line)
    assert lead is not None
    return lead[0], line[lead.end() :]


def _is_map(lines: tuple[str, ...]) -> bool:
    """Its keys come in any order: RediSearch 2.10.33 gives those of a search in another one than 2.10.5."""
    return bool(lines) and _MAP.match(lines[0]) is not None


def _ordered(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for item in sorted(_items(lines)) for line in item)


def _line_matches(tolerance: float, expected: str, got: str) -> bool:
    if ANY in expected:
        return re.fullmatch(re.escape(expected).replace(re.escape(ANY), ".*"), got) is not None
    return expected == got or (tolerance > 0 and _near(_NUMBER.split(expected), _NUMBER.split(got), tolerance))


def _near(expected: list[str], got: list[str], tolerance: float) -> bool:
    """Lines cut at their numbers: every other piece is one."""
    if expected[::2] != got[::2]:
        return False
    return all(abs(float(a) - float(b)) <= tolerance for a, b in zip(expected[1::2], got[1::2], strict=True))


def _items(lines: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The outermost items without their numbers; these all end in the same column."""
    starts = [_INDEX.match(line) for line in lines]
    column = starts[0].end() if starts and starts[0] else 0
    items: list[list[str]] = []
    for line, start in zip(lines, starts, strict=True):
        if start is not None and start.end() == column:
            items.append([line[column:]])
        elif items:
            items[-1].append(line)
        else:
            items.append([line])
    return [tuple(item) for item in items]


def without_types(lines: tuple[str, ...]) -> tuple[str, ...]:
    """What is left of a reply once redis-py has parsed it: no simple strings, no sets, no `ERR `."""
    return tuple(map(_without_types, lines))


def _without_types(line: str) -> str:
    lead, shown = _split(line)
    key, arrow, value = shown.partition(" => ")
    if arrow and _is_key(key):
        return f"{_plain_lead(lead)}{_plain(key)} => {_without_types(value) if value else ''}"
    return _plain_lead(lead) + _plain(shown)


def _is_key(text: str) -> bool:
    return text.count('"') in (0, 2)


def _plain_lead(lead: str) -> str:
    return lead.replace("~", ")")


def _plain(leaf: str) -> str:
    if leaf.startswith("(error) ERR "):
        return "(error) " + leaf[len("(error) ERR ") :]
    if leaf == "(empty set)":
        return "(empty array)"
    return leaf if _TYPED.match(leaf) else f'"{leaf}"'
