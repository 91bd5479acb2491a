"""The codec: every case whole, byte by byte and with trailing data; garbage ends in a protocol error only."""

from __future__ import annotations

import random

import pytest

from redisvss.doors.resp import (
    MAX_INLINE,
    CommandParser,
    ProtocolError,
    ReplySplitter,
    array,
    decode,
    elements,
    pack,
    split_inline,
)
from redisvss.doors.resp_encode import encode
from redisvss.errors import CommandError
from redisvss.reply import Reply, Set

COMMANDS: list[tuple[bytes, list[list[bytes]]]] = [
    (b"*1\r\n$4\r\nPING\r\n", [[b"PING"]]),
    (b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [[b"GET", b""]]),
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n\0*\r\n", [[b"SET", b"a", b"\r\n\0*"]]),
    (b"*0\r\n*-1\r\n*1\r\n$1\r\nA\r\n", [[b"A"]]),
    (b"PING\r\n", [[b"PING"]]),
    (b"\r\n\n  \r\nPING\n", [[b"PING"]]),
    (b"set a \"b c\\x41\\n\" 'd\\'e'\r\n", [[b"set", b"a", b"b cA\n", b"d'e"]]),
    (b"PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n", [[b"PING"], [b"PING"], [b"ECHO", b"x"]]),
    (b"*1\r\n$70000\r\n" + b"x" * 70000 + b"\r\n", [[b"x" * 70000]]),
]

ERRORS = [
    (b"*x\r\n", "invalid multibulk length"),
    (b"*1048577\r\n", "invalid multibulk length"),
    (b"*+1\r\n", "invalid multibulk length"),
    (b"*1\r\n:1\r\n", "expected '$', got ':'"),
    (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
    (b"*1\r\n$-1\r\n", "invalid bulk length"),
    (b"*1\r\n$536870913\r\n", "invalid bulk length"),
    (b"*1\r\n$x\r\n", "invalid bulk length"),
    (b"*" + b"1" * MAX_INLINE + b"1", "too big mbulk count string"),
    (b"*1\r\n$" + b"1" * MAX_INLINE + b"1", "too big bulk count string"),
    (b"a" * MAX_INLINE + b"a", "too big inline request"),
    (b'set a "b\r\n', "unbalanced quotes in request"),
    (b"set a 'b'c\r\n", "unbalanced quotes in request"),
]


def parse(chunks: list[bytes]) -> tuple[list[list[bytes]], str | None]:
    parser = CommandParser()
    found = [command.args for chunk in chunks for command in parser.feed(chunk)]
    return found, None if parser.error is None else str(parser.error)


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize(("data", "expected"), COMMANDS)
def test_commands_in_any_split(data: bytes, expected: list[list[bytes]]) -> None:
    assert parse([data]) == (expected, None)
    assert parse(one_by_one(data)) == (expected, None)
    for cut in range(1, min(len(data), 60)):
        assert parse([data[:cut], data[cut:]]) == (expected, None)


@pytest.mark.parametrize(("data", "expected"), COMMANDS)
@pytest.mark.parametrize("trailing", [b"*2\r\n$3\r\nGE", b"*", b"$5", b"PIN"])
def test_an_incomplete_command_behind_waits(data: bytes, expected: list[list[bytes]], trailing: bytes) -> None:
    assert parse([data + (b"" if trailing[:1] != b"$" else b"*1\r\n") + trailing]) == (expected, None)


@pytest.mark.parametrize(("data", "error"), ERRORS)
def test_broken_framing_has_redis_error_text(data: bytes, error: str) -> None:
    good = b"*1\r\n$4\r\nPING\r\n"
    assert parse([data]) == ([], error)
    assert parse([good + data + good]) == ([[b"PING"]], error)
    assert parse([data[:3], data[3:]]) == ([], error)


def test_raw_bytes_are_the_clients_own_or_none() -> None:
    first, second = b"*1\r\n$1\r\nA\r\n", b"*2\r\n$1\r\nB\r\n$1\r\nC\r\n"
    assert [c.raw for c in CommandParser().feed(b"*0\r\n" + first + second)] == [first, second]
    parser = CommandParser()
    assert [c.raw for c in parser.feed(first + second[:9])] == [first]
    assert [(c.args, c.raw) for c in parser.feed(second[9:])] == [([b"B", b"C"], None)]
    assert pack([b"B", b"C"]) == second


def test_after_an_error_everything_is_ignored() -> None:
    parser = CommandParser()
    parser.feed(b"*x\r\n")
    assert parser.feed(b"PING\r\n") == []
    assert str(parser.error) == "invalid multibulk length"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" a  b ", [b"a", b"b"]),
        (b'""', [b""]),
        (b'a"b"', [b"ab"]),
        (b'"\\x00\\xfF\\xg1\\q\\""', [b'\x00\xffxg1q"']),
        (b"'\\n'", [b"\\n"]),
        (b"a\0b c", [b"a"]),
        (b'"a', None),
        (b"'a", None),
        (b'"a"b', None),
    ],
)
def test_inline_words(line: bytes, words: list[bytes] | None) -> None:
    assert split_inline(line) == words


REPLIES: list[tuple[Reply, bytes, bytes]] = [
    (b"a\r\nb", b"$4\r\na\r\nb\r\n", b"$4\r\na\r\nb\r\n"),
    ("OK", b"+OK\r\n", b"+OK\r\n"),
    (-7, b":-7\r\n", b":-7\r\n"),
    (2**70, b"$22\r\n1180591620717411303424\r\n", b"(1180591620717411303424\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (1 / 14, b"$19\r\n0.07142857142857142\r\n", b",0.07142857142857142\r\n"),
    (float("inf"), b"$3\r\ninf\r\n", b",inf\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (None, b"$-1\r\n", b"_\r\n"),
    (CommandError("ERR no\r\nway"), b"-ERR no  way\r\n", b"-ERR no  way\r\n"),
    ([1, [b"a"], None], b"*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n", b"*3\r\n:1\r\n*1\r\n$1\r\na\r\n_\r\n"),
    (
        {b"k": 2.0, "s": Set([1])},
        b"*4\r\n$1\r\nk\r\n$1\r\n2\r\n+s\r\n*1\r\n:1\r\n",
        b"%2\r\n$1\r\nk\r\n,2\r\n+s\r\n~1\r\n:1\r\n",
    ),
]


@pytest.mark.parametrize(("reply", "resp2", "resp3"), REPLIES)
def test_replies_in_both_protocols(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3


FRAMES = [
    *{frame for _, two, three in REPLIES for frame in (two, three)},
    b"*-1\r\n",
    b"*0\r\n",
    b"%0\r\n",
    b"$0\r\n\r\n",
    b">3\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n:1\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"!6\r\nERR no\r\n",
    b"|1\r\n+ttl\r\n:5\r\n*2\r\n:1\r\n:2\r\n",
]


@pytest.mark.parametrize("frame", FRAMES)
def test_boundaries_of_replies_in_any_split(frame: bytes) -> None:
    stream = frame + b"+OK\r\n" + frame
    expected = [len(frame), len(frame) + 5, 2 * len(frame) + 5]
    assert ReplySplitter().feed(stream) == expected
    splitter = ReplySplitter()
    assert [i + 1 for i, byte in enumerate(one_by_one(stream)) if splitter.feed(byte)] == expected
    for cut in range(1, len(stream)):
        splitter = ReplySplitter()
        ends = splitter.feed(stream[:cut]) + [cut + end for end in splitter.feed(stream[cut:])]
        assert ends == expected


@pytest.mark.parametrize("frame", FRAMES)
def test_decoding_then_encoding_keeps_a_reply(frame: bytes) -> None:
    """What RESP2 and RESP3 spell differently may change its spelling, never its value."""
    value = decode(frame)
    for protocol in (2, 3):
        again = decode(encode(value, protocol))
        assert encode(again, protocol) == encode(value, protocol)


def test_decoded_types() -> None:
    assert decode(b"*3\r\n+OK\r\n$2\r\nOK\r\n=7\r\ntxt:abc\r\n") == ["OK", b"OK", b"abc"]
    assert str(decode(b"!6\r\nERR no\r\n")) == "ERR no"
    assert isinstance(decode(b"~1\r\n:1\r\n"), Set)
    assert decode(b"|1\r\n+ttl\r\n:5\r\n:7\r\n") == 7


def test_elements_of_an_array_stay_bytes() -> None:
    parts = [b":1\r\n", b"*1\r\n$1\r\na\r\n", b"%1\r\n+k\r\n_\r\n"]
    assert elements(array(parts)) == parts
    assert elements(b"*0\r\n") == []
    for other in (b"*-1\r\n", b"_\r\n", b"-ERR no\r\n", b"$1\r\na\r\n"):
        assert elements(other) is None


@pytest.mark.parametrize("data", [b"hello\r\n", b"*x\r\n", b"$\r\n", b"\r\n", b"?1\r\n", b"$1x\r\n"])
def test_nonsense_from_upstream_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ReplySplitter().feed(data)


SEEDS = [data for data, _ in COMMANDS[:8]]
BITS = [b"*", b"$", b"\r\n", b"-1", b"\0", b"999999999999", b"\xff", b'"', b" ", b"3"]


def mutate(rng: random.Random) -> bytes:
    data = bytearray(b"".join(rng.choices(SEEDS, k=rng.randrange(1, 4))))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(3):
            case 0:
                data[at:at] = rng.choice(BITS)
            case 1:
                del data[at : at + rng.randrange(1, 4)]
            case 2:
                data[at : at + 1] = rng.randbytes(1)
    return bytes(data)


def test_values_of_derived_types_are_written_as_what_they_derive_from() -> None:
    class Text(bytes):
        """As an expression's strings are."""

    assert encode([Text(b"ab"), Text(b"")], 2) == encode([b"ab", b""], 2)
    assert encode({"a": Text(b"ab")}, 3) == encode({"a": b"ab"}, 3)
    with pytest.raises(TypeError, match="not a reply: object"):
        encode([object()], 3)


def fuzz(rounds: int, seed: int) -> None:
    """Whatever arrives, split anywhere: the same commands and the same error, and nothing is raised."""
    rng = random.Random(seed)
    for round_number in range(rounds):
        data = mutate(rng)
        cuts = sorted(rng.sample(range(len(data) + 1), min(len(data), rng.randrange(1, 5))))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert parse(pieces) == parse([data]), f"seed {seed}, round {round_number}: {data!r}"


def test_fuzzed_streams_parse_the_same_in_any_split() -> None:
    fuzz(5_000, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_fuzzed_streams() -> None:
    fuzz(1_000_000, seed=2)
