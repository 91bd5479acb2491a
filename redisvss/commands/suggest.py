"""FT.SUGADD, SUGGET, SUGDEL and SUGLEN: suggestions are a Redis sorted set under their own key.

So any program can read them, and DEL, EXPIRE and RENAME mean what they say. Payloads stand in a hash beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from redisvss.commands.args import Args, BadArgument, as_text
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.index.suggestions import best
from redisvss.numbers import parse_float
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine

PAYLOADS = b"redisvss:payloads:"  # + key: a hash suggestion → payload
MAX_PREFIX_BYTES = 255  # RediSearch's limit of a trie string
_DEFAULT_MAX = 5


@command(
    "FT.SUGADD", arity=-4, flags=("write", "denyoom"), keys=(1, 1, 1), group="suggestion", summary="Adds a suggestion"
)
def ft_sugadd(engine: Engine, session: Session, args: Args) -> Reply:
    key, text, raw = args.next(), args.next(), args.next()
    score = parse_float(raw)
    if score is None:
        raise CommandError("ERR invalid score")
    increase, payload = False, None
    while len(args):
        if args.accept(b"INCR"):
            increase = True
        elif args.accept(b"PAYLOAD"):
            payload = _payload(args)
        else:
            raise CommandError(f"Unknown argument `{as_text(args.next())}`")
    commands: list[tuple[Any, ...]] = []
    if text and score:
        value = repr(float(np.float32(score)))
        commands.append(("ZINCRBY", key, value, text) if increase else ("ZADD", key, value, text))
        if payload is not None:
            commands.append(("HSET", PAYLOADS + key, text, payload))
    return _last(engine, [*commands, ("ZCARD", key)])


def _payload(args: Args) -> bytes:
    try:
        return args.need("PAYLOAD")
    except BadArgument as error:
        raise CommandError(f"Invalid payload: {error.reason}") from None


@command("FT.SUGGET", arity=-3, keys=(1, 1, 1), group="suggestion", summary="Gets completions for a prefix")
def ft_sugget(engine: Engine, session: Session, args: Args) -> Reply:
    key, prefix = args.next(), args.next()
    if len(prefix) > MAX_PREFIX_BYTES:
        raise CommandError("Invalid query length")
    flags: set[bytes] = set()
    limit = _DEFAULT_MAX
    while len(args):
        word = args.keyword()
        if word == b"MAX":
            args.next()
            limit = _maximum(args)
        elif word in _FLAGS:
            flags.add(args.next().upper())
        else:
            raise CommandError(f"Unrecognized argument: {as_text(args.next())}")
    stored = engine.store.call("ZRANGE", key, 0, -1, "WITHSCORES")
    if not stored:
        return None
    pairs = [(as_text(text), float(score)) for text, score in _pairs(stored)]
    found = best(pairs, as_text(prefix), b"FUZZY" in flags, limit)
    return _completions(engine, key, found, flags)


_FLAGS = (b"FUZZY", b"WITHSCORES", b"WITHPAYLOADS", b"TRIM", b"OPTIMIZE")


def _maximum(args: Args) -> int:
    try:
        return args.integer("MAX", 1)
    except BadArgument as error:
        raise CommandError(f"MAX: {error.reason}") from None


def _pairs(stored: list[Any]) -> list[Any]:
    """Members with scores: pairs in RESP3, flat in RESP2."""
    return stored if isinstance(stored[0], (list, tuple)) else list(zip(stored[::2], stored[1::2], strict=True))


def _completions(engine: Engine, key: bytes, found: list[tuple[str, float]], flags: set[bytes]) -> list[Any]:
    texts = [text.encode("utf-8", "surrogateescape") for text, _ in found]
    payloads: list[Any] = [None] * len(texts)
    if texts and b"WITHPAYLOADS" in flags:
        payloads = engine.store.call("HMGET", PAYLOADS + key, *texts)
    reply: list[Any] = []
    for text, (_, score), payload in zip(texts, found, payloads, strict=True):
        reply.append(text)
        if b"WITHSCORES" in flags:
            reply.append(score)
        if b"WITHPAYLOADS" in flags:
            reply.append(payload)
    return reply


@command("FT.SUGDEL", arity=3, flags=("write",), keys=(1, 1, 1), group="suggestion", summary="Deletes a suggestion")
def ft_sugdel(engine: Engine, session: Session, args: Args) -> Reply:
    key, text = args.next(), args.next()
    return _last(engine, [("HDEL", PAYLOADS + key, text), ("ZREM", key, text)])


@command("FT.SUGLEN", arity=2, keys=(1, 1, 1), group="suggestion", summary="Counts the suggestions of a dictionary")
def ft_suglen(engine: Engine, session: Session, args: Args) -> Reply:
    return int(engine.store.call("ZCARD", args.next()))


def _last(engine: Engine, commands: list[tuple[Any, ...]]) -> int:
    """The last of several replies; the first error is raised."""
    replies = engine.store.pipeline(commands)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return int(replies[-1])
