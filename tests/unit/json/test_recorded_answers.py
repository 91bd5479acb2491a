"""Random JSON.* commands answer as RedisJSON 2.8.3 did when `tests/differential/json_fuzz.py --record` asked it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from json_side import Ours, same_json, unshown

RECORDED = Path(__file__).parent / "answers-2.8.3.jsonl.gz"


def test_random_commands_answer_as_recorded() -> None:
    lines = gzip.decompress(RECORDED.read_bytes()).decode().splitlines()
    ours = Ours()
    for line in lines:
        document, command, protocol, reply, left = json.loads(line)
        ours.fresh({"fuzz:k": document, "fuzz:o": '{"a":[1]}'}, hashes=["fuzz:hash"])
        got = [ours.run(command, protocol), ours.run(["JSON.GET", "fuzz:k"], protocol)]
        assert same_json([unshown(reply), unshown(left)], got), line
    assert len(lines) > 1000
