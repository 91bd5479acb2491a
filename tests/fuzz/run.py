"""Damaged queries, expressions and commands by the hundred thousand: does any crash, hang, or swallow memory?

    PYTHONPATH=tests python tests/fuzz/run.py searched --count 100000 --seed 7

Prints how many were refused, with which words, the slowest with its CPU time, and by how much the process grew. Exit
status 1 if one raised anything but a refusal, took more than a second of CPU, or the process grew by half a gigabyte.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
from collections import Counter

from fuzz.kinds import KINDS, refused

SLOW = 1.0  # seconds of CPU
GROWTH = 512  # MB


def shape(text: str) -> str:
    """A refusal without what it quotes."""
    text = re.sub(r"at offset \d+ near .*", "at offset N near W", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"", "'…'", text)
    return re.sub(r"\d+", "N", text)[:100]


def peak() -> float:
    """The process's largest size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shapes", type=int, default=15, help="how many kinds of refusal to print")
    options = parser.parse_args()
    refusals: Counter[str] = Counter()
    slowest, faults, before = (0.0, [b""]), 0, peak()
    for case in KINDS[options.kind](options.seed, options.count):
        started = time.thread_time()
        try:
            text = refused(case)
        except Exception as error:
            faults += 1
            text = None
            if faults < 10:
                print(f"{type(error).__name__}: {str(error)[:100]}  {case[0]!r}"[:600])
        slowest = max(slowest, (time.thread_time() - started, case[0]))
        if text is not None:
            refusals[shape(text)] += 1
    grown = peak() - before
    print(
        f"{options.count} {options.kind} (seed {options.seed}): {sum(refusals.values())} refused, {faults} faults, ",
        end="",
    )
    print(f"slowest {slowest[0] * 1000:.0f} ms {str(slowest[1])[:100]}, grown by {grown:.0f} MB")
    for text, number in refusals.most_common(options.shapes):
        print(f"{number:8} {text}")
    return int(faults > 0 or slowest[0] > SLOW or grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
