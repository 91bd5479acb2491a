"""Random indexes, documents and FT.SEARCH commands, answered by a real RediSearch 2.10.5 and by us, side by side.

    python tests/differential/search.py --native redis://127.0.0.1:7379 [--url URL] --count 2000 --seed 1

Without --url the other side is embedded, in process. Totals, ids and their order, values, scores (1e-5 relative) and
error texts must agree; with --protocol 3 the replies' maps as well, and FORMAT EXPAND is asked for. WARNING: both
servers are flushed. A case that differs is made smaller (documents, fields, clauses, options taken away while it still
differs) and printed as commands; exit status 1 if there is one. The reference may end on faults of its own: what it
was asked then is not counted, and it has half a minute to come back.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis

sys.path.insert(0, str(Path(__file__).parent))

from search_cases import INDEX, Case, Words, World, Worlds
from search_faults import scores_compare, skipped, walks_graph
from search_queries import Queries

import redisvss

QUERIES_PER_WORLD = 60
EXPIRED_AFTER = 0.005  # seconds; documents are given a millisecond to live
RESTARTED_WITHIN = 30.0  # seconds
REFUSALS = [  # texts of 2.10.5, as 2.10.33 words them
    (r"^i: no such index$", "No such index i"),
]


class Side:
    """One of the two servers."""

    def __init__(self, client: Any, is_native: bool) -> None:
        self.client = client
        self.is_native = is_native

    def prepare(self, world: World) -> str | None:
        """Create the index and write the documents; what was refused, if anything."""
        self.client.flushall()
        refused = self.ask(world.create())
        if isinstance(refused, str) and refused != "OK":
            return refused
        for writes in _until_pause(world.writes):
            self.ask_all(writes)
            if writes[-1][0] == "PEXPIRE":
                time.sleep(EXPIRED_AFTER)
                self.client.exists(writes[-1][1])  # a look at an expired key is what removes it there
            elif writes[-1][0] == "FT.SYNUPDATE":
                self._scanned()
        if self.is_native:  # what was deleted still counts in its term statistics until then
            self.client.execute_command("FT.DEBUG", "GC_FORCEINVOKE", INDEX)
        return None

    def _scanned(self) -> None:
        """Wait for the scan a command began: what it reads is numbered anew, even what was written meanwhile."""
        indexing = True
        while indexing:
            info = self.client.execute_command("FT.INFO", INDEX)
            fields = info if isinstance(info, dict) else dict(zip(info[::2], info[1::2], strict=True))
            indexing = int(fields.get(b"indexing", fields.get("indexing"))) > 0

    def ask(self, command: Words) -> Any:
        try:
            return self._read(self.client.execute_command(*command))
        except redis.ResponseError as error:
            return self._read(error)

    def ask_all(self, commands: Sequence[Words]) -> list[Any]:
        """The reference is asked all at once; we are asked one by one, or writes would count as one turn's."""
        if not self.is_native:
            return [self.ask(command) for command in commands]
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return [self._read(reply) for reply in pipeline.execute(raise_on_error=False)]

    def _read(self, reply: Any) -> Any:
        match reply:
            case redis.ResponseError():
                return self._worded(str(reply))
            case bytes():
                return reply.decode()
            case _:
                return reply

    def _worded(self, text: str) -> str:
        if self.is_native:
            for pattern, replacement in REFUSALS:
                text = re.sub(pattern, replacement, text)
        return text

    def configure(self) -> None:
        if self.is_native:
            self.client.execute_command("FT.CONFIG", "SET", "FORK_GC_CLEAN_THRESHOLD", "0")
            self.client.config_set("hash-max-listpack-value", 4096)  # a hash keeps its fields' order while it is a list
        self.client.execute_command("FT.CONFIG", "SET", "TIMEOUT", "0")  # a busy machine would cut answers short

    def wait(self) -> None:
        """Until the server is back."""
        until = time.monotonic() + RESTARTED_WITHIN
        while True:
            try:
                return self.configure()
            except redis.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


def _until_pause(writes: Sequence[Words]) -> Iterator[Sequence[Words]]:
    """Runs of writes that end where something has to expire, or a scan to end, before the next."""
    start = 0
    for end, write in enumerate(writes, 1):
        if write[0] in ("PEXPIRE", "FT.SYNUPDATE") or end == len(writes):
            yield writes[start:end]
            start = end


# ---- comparing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    key: bytes
    score: float | None
    rest: tuple[Any, ...]
    explanation: Any = None


def rows_of(case: Case, reply: Any) -> list[Row]:
    return _mapped_rows(case, reply) if isinstance(reply, dict) else _flat_rows(case, reply)


def total_of(reply: Any) -> int:
    return int(reply[b"total_results"] if isinstance(reply, dict) else reply[0])


def _mapped_rows(case: Case, reply: dict[bytes, Any]) -> list[Row]:
    """RESP3's; which keys a row has belongs to what is compared."""
    found = []
    for hit in reply[b"results"]:
        score, explanation = hit[b"score"] if isinstance(hit.get(b"score"), list) else (hit.get(b"score"), None)
        fields = list(hit.get(b"extra_attributes", {}).items())
        fields = sorted(fields, key=_name) if case.option("RETURN") is None else fields
        rest = (list(hit), fields, *(hit.get(name) for name in (b"payload", b"sortkey", b"values")))
        found.append(Row(hit[b"id"], score, rest, explanation))
    return found


def _name(pair: tuple[bytes, Any]) -> bytes:
    return pair[0]


def _flat_rows(case: Case, reply: Sequence[Any]) -> list[Row]:
    scored = case.option("WITHSCORES") is not None
    returned = case.option("RETURN")
    others = sum(case.option(name) is not None for name in ("WITHPAYLOADS", "WITHSORTKEYS"))
    others += case.option("NOCONTENT") is None and (returned is None or returned[1] != "0")
    width = 1 + scored + others
    found = []
    if width == 1:
        return [Row(key, None, ()) for key in reply[1:]]
    for start in range(1, len(reply), width):
        parts = reply[start : start + width]
        score, explanation = parts[1] if scored and isinstance(parts[1], list) else (parts[1], None)
        rest = [
            _unordered(part) if returned is None and isinstance(part, list) else part for part in parts[1 + scored :]
        ]
        found.append(Row(parts[0], float(score) if scored else None, tuple(rest), explanation))
    return found


def _unordered(fields: list[Any]) -> list[Any]:
    """A whole document: its fields come in the order in which the page's documents first had them."""
    return sorted(zip(fields[::2], fields[1::2], strict=True))


def difference(world: World, case: Case, ours: Any, theirs: Any) -> str:
    """What is not the same; empty if nothing that may be compared."""
    if isinstance(ours, str) or isinstance(theirs, str):
        nothing = not isinstance(theirs, str) and total_of(theirs) == 0
        unchecked = bool(case.knn) and nothing and str(ours).startswith("Error parsing vector similarity")
        unchecked |= str(theirs).startswith("Invalid GeoFilter") and str(ours).startswith("Syntax error")
        unchecked |= str(theirs).startswith("No such parameter") and isinstance(ours, str)  # of two mistakes
        unchecked |= str(theirs).startswith("Cannot use highlight") and str(ours).startswith("No such")
        unchecked |= str(theirs).startswith("Error converting string")  # SORTBY JSON values of several types
        return "" if ours == theirs or unchecked else "error"  # a filter without hits spares it looking at the KNN
    if isinstance(theirs, dict) and _without_hits(ours) != _without_hits(theirs):
        return "shape"
    mine, wanted = rows_of(case, ours), rows_of(case, theirs)
    if walks_graph(world, case) and len(wanted) < len(mine):
        return ""
    if case.option("DIALECT") != ("DIALECT", "4") and total_of(ours) != total_of(theirs):
        return "total"
    if not _whole(case):
        keys = [row.key for row in mine] == [row.key for row in wanted]
        return ("" if _same_values(mine, wanted) else "values") if keys else "page"
    if sorted(row.key for row in mine) != sorted(row.key for row in wanted):
        return "documents"
    if not _same_values(sorted(mine, key=_key), sorted(wanted, key=_key)):
        return "values"
    return _ranking(world, case, mine, wanted)


def _without_hits(reply: dict[bytes, Any]) -> list[tuple[bytes, Any]]:
    """RESP3's map around the hits, its order too."""
    return [(key, value) for key, value in reply.items() if key not in (b"results", b"total_results")]


def _key(row: Row) -> bytes:
    return row.key


def _whole(case: Case) -> bool:
    return case.option("LIMIT") == ("LIMIT", "0", "1000")


def _ranking(world: World, case: Case, mine: list[Row], wanted: list[Row]) -> str:
    if case.option("SORTBY") is None:
        if not scores_compare(world, case, wanted):
            return ""
        found = {row.key: row for row in wanted}
        plain = case.option("SCORER") in (None, ("SCORER", "TFIDF"))  # 2.10.33 words the others anew
        plain = plain and not case.clause.has("range")  # as many unions as its tree has nodes
        plain = plain and not case.clause.has("shape")  # weighs 0 there
        for row in mine:
            other = found[row.key]
            if not _close(row.score or 0.0, other.score or 0.0) or (plain and row.explanation != other.explanation):
                return "scores"
        if len({round(row.score or 0.0, 6) for row in wanted}) != len({row.score for row in wanted}):
            return ""  # sums that differ in the last digit only
    return "" if [row.key for row in mine] == [row.key for row in wanted] else "order"


def _same_values(mine: list[Row], wanted: list[Row]) -> bool:
    return len(mine) == len(wanted) and all(
        _same(a, b) for x, y in zip(mine, wanted, strict=True) for a, b in zip(x.rest, y.rest, strict=True)
    )


def _same(ours: Any, theirs: Any) -> bool:
    if ours == theirs:
        return True
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, bytes) and isinstance(theirs, bytes) and ours[:1] in (b"{", b"[") and ours[:1] == theirs[:1]:
        return bool(json.loads(ours) == json.loads(theirs))  # JSON.DEL reorders members there
    if isinstance(ours, bytes) and isinstance(theirs, bytes) and ours[:1] == theirs[:1] == b"#":
        ours, theirs = ours[1:], theirs[1:]  # a sort key shows every digit
    try:
        return _close(float(ours), float(theirs))
    except (TypeError, ValueError):
        return False


def _close(ours: float, theirs: float) -> bool:
    if math.isnan(ours) and math.isnan(theirs):
        return True
    return math.isclose(ours, theirs, rel_tol=1e-5, abs_tol=1e-6)


# ---- making a difference small --------------------------------------------------------------------------------------


class Judge:
    def __init__(self, native: Side, ours: Side, protocol: int) -> None:
        self.native = native
        self.ours = ours
        self.protocol = protocol
        self._reference = ThreadPoolExecutor(1)  # it works while we do

    def prepare(self, world: World) -> str:
        """Set both up; what they disagree about already."""
        prepared = self._reference.submit(self.native.prepare, world)
        mine, theirs = self.ours.prepare(world), prepared.result()
        return "" if theirs == mine is None else f"theirs {theirs!r}, ours {mine!r}"

    def verdict(self, world: World, case: Case) -> str:
        if skipped(world, case):
            return ""
        return difference(world, case, self.ours.ask(case.command()), self.native.ask(case.command()))

    def verdicts(self, world: World, cases: Sequence[Case]) -> list[str]:
        compared = [case for case in cases if not skipped(world, case)]
        commands = [case.command() for case in compared]
        asked = self._reference.submit(self.native.ask_all, commands)
        pairs = zip(compared, self.ours.ask_all(commands), asked.result(), strict=True)
        found = {id(case): difference(world, case, mine, theirs) for case, mine, theirs in pairs}
        return [found.get(id(case), "") for case in cases]

    def still(self, world: World, case: Case, kind: str) -> bool:
        try:
            return not self.prepare(world) and self.verdict(world, case) == kind
        except redis.ConnectionError:
            self.native.wait()
            return False

    def minimised(self, world: World, case: Case, kind: str, seconds: float) -> tuple[World, Case]:
        """The smallest that still differs in the same way. Parts go one by one, big runs of writes first."""
        until = time.monotonic() + seconds
        shrinking = True
        while shrinking and time.monotonic() < until:
            shrinking = False
            for smaller_world, smaller_case in smaller(world, case):
                if time.monotonic() > until:
                    break
                if self.still(smaller_world, smaller_case, kind):
                    world, case, shrinking = smaller_world, smaller_case, True
                    break
        self.prepare(world)
        return world, case


def smaller(world: World, case: Case) -> Iterator[tuple[World, Case]]:
    for fewer in _without_runs(world.writes):
        yield replace(world, writes=fewer), case
    if case.damaged is None:
        for clause in case.clause.smaller():
            yield world, replace(case, clause=clause)
        if case.knn:
            yield world, replace(case, knn="")
    for number, group in enumerate(case.options):
        if group[0] not in ("DIALECT", "PARAMS"):
            yield world, replace(case, options=case.options[:number] + case.options[number + 1 :])
    for number in range(len(world.fields)):
        yield replace(world, fields=world.fields[:number] + world.fields[number + 1 :]), case
    for number in range(2, len(world.options)):
        yield replace(world, options=world.options[:number] + world.options[number + 1 :]), case
    for number, write in enumerate(world.writes):
        for shorter in _shorter(write):
            yield replace(world, writes=(*world.writes[:number], shorter, *world.writes[number + 1 :])), case


def _without_runs(writes: tuple[Words, ...]) -> Iterator[tuple[Words, ...]]:
    size = len(writes) // 2
    while size:
        for start in range(0, len(writes), size):
            yield writes[:start] + writes[start + size :]
        size //= 2


def _shorter(write: Words) -> Iterator[Words]:
    if write[0] == "HSET":
        for start in range(2, len(write) - 2, 2):
            yield write[:start] + write[start + 2 :]


# ---- running --------------------------------------------------------------------------------------------------------


def run(judge: Judge, seed: int, count: int, show: int, patience: float) -> Counter[str]:
    """Compare `count` commands; prints what differs, smallest form first `show` times. Verdicts by number."""
    chance, found = random.Random(seed), Counter[str]()
    while found["compared"] < count:
        world = Worlds(chance).next()
        queries = Queries(chance, world, expands=judge.protocol > 2)
        cases = [queries.next() for _ in range(min(QUERIES_PER_WORLD, count - found["compared"]))]
        try:
            found += compare(judge, world, cases, show - sum(found[name] for name in KINDS), patience)
        except redis.ConnectionError:
            found["ended"] += 1
            judge.native.wait()
    return found


def compare(judge: Judge, world: World, cases: Sequence[Case], show: int, patience: float) -> Counter[str]:
    if disagreement := judge.prepare(world):
        print(world.create(), disagreement)
        return Counter(["FT.CREATE"])
    found = Counter({"worlds": 1, "compared": len(cases)})
    found["of these left out"] = sum(skipped(world, case) for case in cases)
    different = [(case, kind) for case, kind in zip(cases, judge.verdicts(world, cases), strict=True) if kind]
    found.update(kind for _, kind in different)
    for case, kind in different[: max(show, 0)]:
        report(judge, *judge.minimised(world, case, kind, patience), kind)
    return found


KINDS = ("error", "shape", "total", "documents", "page", "order", "scores", "values", "FT.CREATE")


def report(judge: Judge, world: World, case: Case, kind: str) -> None:
    print(f"---- {kind}")
    for command in (world.create(), *world.writes, case.command()):
        print("  ", " ".join(_quoted(word) for word in command))
    print("   native", str(judge.native.ask(case.command()))[:600])
    print("   ours  ", str(judge.ours.ask(case.command()))[:600], flush=True)


def _quoted(word: str | bytes) -> str:
    if isinstance(word, bytes):
        return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'
    return word if re.fullmatch(r"[\w:.@*+-]+", word) else f"'{word}'"


def sides(native: str, url: str | None, protocol: int = 2) -> Judge:
    """Both servers, ready to be compared."""
    spoken: dict[str, Any] = {"protocol": protocol, "legacy_responses": False}
    reference: Any = redis.Redis.from_url(native, **spoken)
    ours: Any = redis.Redis.from_url(url, **spoken) if url else redisvss.Redis(**spoken)
    judge = Judge(Side(reference, True), Side(ours, False), protocol)
    judge.native.configure()
    judge.ours.configure()
    return judge


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", default="redis://127.0.0.1:7379")
    parser.add_argument("--url")
    parser.add_argument("--protocol", type=int, choices=(2, 3), default=2)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--patience", type=float, default=20.0, help="seconds spent on making one difference small")
    asked = parser.parse_args()
    found = run(sides(asked.native, asked.url, asked.protocol), asked.seed, asked.count, asked.show, asked.patience)
    print(dict(found), f"seed {asked.seed}")
    return 1 if any(found[kind] for kind in KINDS) else 0


if __name__ == "__main__":
    sys.exit(main())
