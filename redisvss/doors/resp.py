"""RESP2 and RESP3 without I/O: commands out of a client's bytes, boundaries and values in Redis's bytes.

It owns framing, limits and the protocol's error texts; it must not know sockets, commands or what a reply means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import hiredis

from redisvss.errors import CommandError
from redisvss.reply import Reply, Set

MAX_INLINE: Final = 64 * 1024  # Redis's PROTO_INLINE_MAX_SIZE, also of a length line
MAX_BULK: Final = 512 * 1024 * 1024  # Redis's proto-max-bulk-len
MAX_MULTIBULK: Final = 1024 * 1024  # Redis before 7.0; later ones allow 2**31 - 1, memory no client means to use
MAX_QUERY: Final = 1024 * 1024 * 1024  # Redis's client-query-buffer-limit: one command as a whole


class ProtocolError(Exception):
    """The stream's framing is broken: the client gets `-ERR Protocol error: …` and is closed."""


class Command(NamedTuple):
    """`raw`: the client's own bytes; None when it came in pieces or inline: `pack(args)` then says the same."""

    args: list[bytes]
    raw: bytes | None


def pack(args: Sequence[bytes]) -> bytes:
    """A command as clients send it."""
    packed: bytes = hiredis.pack_command(tuple(args))  # type: ignore[arg-type]  # bytes are allowed
    return packed


class CommandParser:
    """A client's stream, in any pieces, into commands.

    What was read of an incomplete command is kept as arguments, never as text to parse again, so a sender of one
    byte at a time costs no more than any other.
    """

    def __init__(self) -> None:
        self.error: ProtocolError | None = None  # set once, behind the commands that came before it
        self.whole = False  # whether what was last fed was nothing but the commands it gave
        self._tail = b""  # not yet parsed: part of a line or of a bulk string
        self._pieces: list[bytes] = []  # more of that bulk string, joined when all of it is here
        self._wanted = 0  # bytes of `_tail` and `_pieces` still missing for it
        self._args: list[bytes] = []
        self._missing = 0  # arguments still to come of the command in `_args`
        self._query = 0  # bytes of the command in `_args`

    def feed(self, data: bytes) -> list[Command]:
        """The commands complete with `data`. After an error (see `error`) everything is ignored."""
        if self.error is not None:
            return []
        self.whole = False
        if len(data) < self._wanted:
            self._wanted -= len(data)
            self._pieces.append(data)
            return []
        begun = bool(self._tail or self._missing)
        if begun:
            data = b"".join((self._tail, *self._pieces, data))
            self._pieces.clear()
        self._wanted = 0
        commands: list[Command] = []
        try:
            start = 0 if self._missing else _short_commands(data, commands)
            self._tail = data[self._parse(data, start, commands) :]
            self.whole = not (begun or self._tail or self._missing)
        except ProtocolError as error:
            self.error = error
        return commands

    def _parse(self, data: bytes, position: int, commands: list[Command]) -> int:
        """Append the complete commands from `position` on; returns where the unparsed rest begins."""
        size = len(data)
        whole = not self._missing  # whether the current command began in `data`
        while position < size:
            start = position
            if not self._missing:
                if data[position] != 0x2A:  # *
                    position = self._inline(data, position, commands)
                    if position == start:
                        break
                    continue
                position = self._begin(data, position)
                if position == start:
                    break
                whole = True
            begun = start
            position = self._bulks(data, position)
            if self._missing:
                break
            if self._args:
                commands.append(Command(self._args, data[begun:position] if whole else None))
                self._args = []
        return position

    def _begin(self, data: bytes, start: int) -> int:
        """`*count\\r\\n`; a count below 1 is skipped, as Redis does."""
        end = _line_end(data, start, "mbulk")
        if end < 0:
            return start
        count = _integer(data[start + 1 : end])
        if count is None or count > MAX_MULTIBULK:
            raise ProtocolError("invalid multibulk length")
        self._missing = max(count, 0)
        self._args, self._query = [], 0
        return end + 2

    def _bulks(self, data: bytes, position: int) -> int:
        """Read arguments while they are complete; returns where the first incomplete one begins."""
        args = self._args
        while self._missing:
            end = _line_end(data, position, "bulk")
            if end < 0:
                break
            if data[position] != 0x24:  # $
                raise ProtocolError(f"expected '$', got '{chr(data[position])}'")
            length = _integer(data[position + 1 : end])
            if length is None or not 0 <= length <= MAX_BULK:
                raise ProtocolError("invalid bulk length")
            first, last = end + 2, end + 2 + length
            if len(data) < last + 2:
                self._wanted = last + 2 - len(data)
                break
            args.append(data[first:last])
            position = last + 2
            self._missing -= 1
            self._query += length
            if self._query > MAX_QUERY:
                raise ProtocolError("query buffer limit exceeded")
        return position

    def _inline(self, data: bytes, start: int, commands: list[Command]) -> int:
        end = data.find(b"\n", start, start + MAX_INLINE + 1)
        if end < 0:
            if len(data) - start > MAX_INLINE:
                raise ProtocolError("too big inline request")
            return start
        args = split_inline(data[start:end])
        if args is None:
            raise ProtocolError("unbalanced quotes in request")
        if args:
            commands.append(Command(args, None))
        return end + 1


_COUNTS: Final = {b"*%d" % count: count for count in range(1, 65)}
_LENGTHS: Final = {b"$%d" % length: length for length in range(4097)}


def _short_commands(data: bytes, commands: list[Command]) -> int:
    """Append the complete commands at the start of `data` that are short and whose values hold no line end.

    Returns where the first other one begins. Nearly all commands are such, and splitting all lines at once takes half
    the time of finding each of them (GET, alone and in a pipeline of 16).
    """
    lines = data.split(b"\r\n")
    line, position, last = 0, 0, len(lines) - 1
    while line < last:
        count = _COUNTS.get(lines[line])
        if count is None:
            break
        following = line + 1 + 2 * count
        if following > last:
            break
        args = lines[line + 2 : following : 2]
        end = position + len(lines[line]) + 2
        for header, arg in zip(lines[line + 1 : following : 2], args, strict=True):
            if _LENGTHS.get(header) != len(arg):
                return position
            end += len(header) + len(arg) + 4
        commands.append(Command(args, data[position:end]))
        line, position = following, end
    return position


def _line_end(data: bytes, start: int, what: str) -> int:
    end = data.find(b"\r\n", start, start + MAX_INLINE)
    if end < 0 and len(data) - start > MAX_INLINE:
        raise ProtocolError(f"too big {what} count string")
    return end


def _integer(text: bytes) -> int | None:
    """As Redis's string2ll: digits with a minus at most, no spaces, no plus."""
    digits = text[1:] if text[:1] == b"-" else text
    return int(text) if digits.isdigit() and len(digits) < 20 else None


_SPACES: Final = b" \t\n\r\v\f"
_ESCAPES: Final = {0x6E: b"\n", 0x72: b"\r", 0x74: b"\t", 0x62: b"\b", 0x61: b"\a"}


def split_inline(line: bytes) -> list[bytes] | None:
    """The words of an inline command, quoted as redis-cli quotes; the line ends at a NUL, as it does for Redis.

    None if a quote is not closed, or something other than a space follows the closing one.
    """
    line = line.partition(b"\0")[0]
    words: list[bytes] = []
    position = 0
    while True:
        while position < len(line) and line[position] in _SPACES:
            position += 1
        if position == len(line):
            return words
        word = _word(line, position)
        if word is None:
            return None
        words.append(word[0])
        position = word[1]


def _word(line: bytes, position: int) -> tuple[bytes, int] | None:
    """The word at `position` and where it ends."""
    parts = bytearray()
    while position < len(line) and line[position] not in _SPACES:
        if line[position] not in b"\"'":
            parts.append(line[position])
            position += 1
            continue
        quoted = _double_quoted(line, position + 1) if line[position] == 0x22 else _single_quoted(line, position + 1)
        if quoted is None or (quoted[1] < len(line) and line[quoted[1]] not in _SPACES):
            return None
        parts += quoted[0]
        position = quoted[1]
    return bytes(parts), position


def _double_quoted(line: bytes, position: int) -> tuple[bytes, int] | None:
    parts = bytearray()
    while position < len(line):
        byte = line[position]
        if byte == 0x22:
            return bytes(parts), position + 1
        if byte == 0x5C and position + 1 < len(line):
            escaped, position = _escape(line, position + 1)
            parts += escaped
        else:
            parts.append(byte)
            position += 1
    return None


def _escape(line: bytes, position: int) -> tuple[bytes, int]:
    """What stands behind a backslash at `position`, and where it ends."""
    if line[position] == 0x78:  # \xHH
        digits = line[position + 1 : position + 3]
        if len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            return bytes([int(digits, 16)]), position + 3
    return _ESCAPES.get(line[position], line[position : position + 1]), position + 1


def _single_quoted(line: bytes, position: int) -> tuple[bytes, int] | None:
    parts = bytearray()
    while position < len(line):
        if line[position : position + 2] == b"\\'":
            parts += b"'"
            position += 2
        elif line[position] == 0x27:
            return bytes(parts), position + 1
        else:
            parts.append(line[position])
            position += 1
    return None


_BULK_LINES: Final = {b"$%d\r" % length: length + 2 for length in range(4097)}


class ReplySplitter:
    """Finds where each top-level reply of Redis's stream ends, without decoding or keeping it.

    Either protocol: every type says its own length. A push is a reply whose first byte is `>`.
    """

    def __init__(self) -> None:
        self._line = b""  # part of a line, its end to come
        self._skip = 0  # bytes of a bulk string still to come, its \r\n included
        self._values = 1  # values still to come of the current reply

    def feed(self, data: bytes) -> list[int]:
        """Offsets in `data` behind the last byte of each reply it completes. Raises ProtocolError on nonsense."""
        ends: list[int] = []
        position, size = 0, len(data)
        while position < size:
            if self._skip:
                taken = min(self._skip, size - position)
                position += taken
                self._skip -= taken
                if self._skip:
                    break
                self._values -= 1
            else:
                end = data.find(b"\n", position)
                if end < 0:
                    self._line += data[position:]
                    break
                line = self._line + data[position:end] if self._line else data[position:end]
                position = end + 1
                skip = _BULK_LINES.get(line)  # most replies are short bulk strings
                if skip is not None and position + skip <= size:
                    position += skip
                    self._values -= 1
                else:
                    self._header(line)
                self._line = b""
            if not self._values:
                ends.append(position)
                self._values = 1
        return ends

    def _header(self, line: bytes) -> None:
        kind = line[:1]
        if kind in b"+:-_#,(" and kind:
            self._values -= 1
            return
        length = _integer(line[1:-1])
        if length is None or kind not in b"$=!*~>%|" or not kind:
            raise ProtocolError(f"unexpected {line[:20]!r} from upstream")
        if length < 0:  # a null, in RESP2
            self._values -= 1
        elif kind in b"$=!":
            self._skip = length + 2
        elif kind == b"|":  # an attribute: pairs in front of the value they belong to
            self._values += 2 * length
        else:
            self._values += (2 * length if kind == b"%" else length) - 1


def elements(frame: bytes) -> list[bytes] | None:
    """The parts of an array or push, undecoded; None for any other reply."""
    if frame[:1] not in b"*>" or frame[1:2] == b"-":
        return None
    start = frame.index(b"\n") + 1
    ends = ReplySplitter().feed(frame[start:])
    return [frame[start + first : start + last] for first, last in zip([0, *ends], ends, strict=False)]


def array(parts: Sequence[bytes]) -> bytes:
    """An array of replies that are bytes already."""
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


def decode(frame: bytes) -> Reply:
    """One whole reply; simple strings as str. A push is its list, an attribute is left out, a big number an int."""
    return _Decoder(frame).value()


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def value(self) -> Reply:
        end = self._data.index(b"\r\n", self._position)
        kind = self._data[self._position : self._position + 1]
        text = self._data[self._position + 1 : end]
        self._position = end + 2
        return _DECODERS[kind](self, text)

    def bulk(self, text: bytes) -> bytes | None:
        length = int(text)
        if length < 0:
            return None
        start = self._position
        self._position += length + 2
        return self._data[start : start + length]

    def many(self, text: bytes) -> list[Any] | None:
        return None if text[:1] == b"-" else [self.value() for _ in range(int(text))]

    def pairs(self, text: bytes) -> dict[Any, Any]:
        return {_hashable(self.value()): self.value() for _ in range(int(text))}

    def attribute(self, text: bytes) -> Reply:
        self.pairs(text)
        return self.value()


def _hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key


def _failure(text: bytes) -> CommandError:
    return CommandError(text.decode("utf-8", "surrogateescape"))


_DECODERS: Final[dict[bytes, Callable[[_Decoder, bytes], Reply]]] = {
    b"+": lambda _, text: text.decode("utf-8", "surrogateescape"),
    b"-": lambda _, text: _failure(text),
    b":": lambda _, text: int(text),
    b"(": lambda _, text: int(text),
    b",": lambda _, text: float(text),
    b"#": lambda _, text: text == b"t",
    b"_": lambda _, text: None,
    b"$": _Decoder.bulk,
    b"=": lambda decoder, text: (decoder.bulk(text) or b"")[4:],  # behind `txt:`
    b"!": lambda decoder, text: _failure(decoder.bulk(text) or b""),
    b"*": _Decoder.many,
    b">": _Decoder.many,
    b"~": lambda decoder, text: Set(decoder.many(text) or []),
    b"%": _Decoder.pairs,
    b"|": _Decoder.attribute,
}
