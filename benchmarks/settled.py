"""Waiting until an HNSW index of ours is at its best: kernels compiled, every row linked.

Both happen behind the writes, in the background, and take time from searches; a native server links within its writes.
"""

from __future__ import annotations

import time
from typing import Any

_PAUSE = 0.5  # seconds


def settle(client: Any, index: str, query: str, blob: bytes) -> None:
    """Return once REDISVSS.TRACE of a KNN `query` with `$q` tells the same plan twice, a walk of the graph."""
    before = None
    while True:
        reply = client.execute_command("REDISVSS.TRACE", index, query, "PARAMS", "2", "q", blob, "DIALECT", "2")
        told = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
        plan = {key.decode() if isinstance(key, bytes) else key: value for key, value in told.items()}["plan"]
        text = plan.decode() if isinstance(plan, bytes) else plan
        if text == before and text.startswith("graph"):
            return
        before = text
        time.sleep(_PAUSE)
