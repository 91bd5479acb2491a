"""Runs transcripts on a reference server and writes down what redis-cli prints.

    python tests/transcripts/record.py --port 6379 [NAME …]

For each x.txt the RESP2 replies go into x.txt, the RESP3 replies into x.resp3.txt. The server has to be a Redis Stack
7.4: FLUSHALL is the first thing it is told.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).parents[1]))

from doors.harness import Peer
from redis_cli import printed
from transcript import Exchange, Transcript, masked, read

from redisvss.doors.resp import decode, split_inline

HERE = Path(__file__).parent
_BUILDS = ("FT.CREATE", "FT.ALTER", "FT.SYNUPDATE")  # their scan of existing keys goes on in the background


class Reference:
    """A connection to the reference server."""

    def __init__(self, port: int, protocol: int) -> None:
        self._watch = redis.Redis(port=port, protocol=2)
        self._watch.flushall()
        self._peer = Peer(port)
        self._peer.ask(f"HELLO {protocol}")

    def ask(self, command: str) -> tuple[str, ...]:
        words = split_inline(command.encode())
        if words is None:
            raise SystemExit(f"not a command line: {command}")
        reply = decode(self._peer.say(words).frame())
        if command.upper().startswith(_BUILDS):
            self._settle()
        return printed(reply)

    def _settle(self) -> None:
        for name in self._watch.execute_command("FT._LIST"):
            while self._scanning(name):
                time.sleep(0.005)

    def _scanning(self, name: bytes) -> bool:
        info = self._watch.execute_command("FT.INFO", name)
        found = dict(zip(info[::2], info[1::2], strict=True))
        return int(found[b"indexing"]) != 0

    def version(self) -> str:
        modules = {m[1]: m[3] for m in self._watch.execute_command("MODULE", "LIST")}
        dotted = {name: f"{v // 10000}.{v // 100 % 100}.{v % 100}" for name, v in modules.items()}
        server = self._watch.info("server")["redis_version"]
        return f"Redis {server}, RediSearch {dotted[b'search']}, RedisJSON {dotted[b'ReJSON']}"

    def close(self) -> None:
        self._peer.socket.close()


def record(path: Path, port: int, protocol: int) -> None:
    """Write the replies of one protocol; hand-written ones are kept from the file as it was."""
    script = read(path)
    target = path if protocol == 2 else path.with_suffix(".resp3.txt")
    kept = _overrides(target)
    reference = Reference(port, protocol)
    written = Transcript(f"# Recorded from {reference.version()} over RESP{protocol}.", script.about)
    for which, exchange in _numbered(script.exchanges):
        got = masked(reference.ask(exchange.command), exchange.masked)
        reason, ours = kept.get(which, (None, ()))
        written.exchanges.append(replace(exchange, recorded=got, reason=reason, ours=ours))
    reference.close()
    target.write_text(str(written), "utf-8")
    print(f"{target.name}: {len(written.exchanges)} commands")


def _overrides(path: Path) -> dict[tuple[str, int], tuple[str | None, tuple[str, ...]]]:
    """Hand-written replies, by command and how many times it came before."""
    exchanges = _numbered(read(path).exchanges) if path.exists() else ()
    return {which: (exchange.reason, exchange.ours) for which, exchange in exchanges}


def _numbered(exchanges: Iterable[Exchange]) -> Iterator[tuple[tuple[str, int], Exchange]]:
    seen: Counter[str] = Counter()
    for exchange in exchanges:
        yield (exchange.command, seen[exchange.command]), exchange
        seen[exchange.command] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("names", nargs="*", help="topics; all of them without")
    options = parser.parse_args()
    paths = sorted(p for p in HERE.glob("*.txt") if not p.name.endswith(".resp3.txt"))
    for path in paths:
        if not options.names or path.stem in options.names:
            record(path, options.port, 2)
            record(path, options.port, 3)


if __name__ == "__main__":
    main()
