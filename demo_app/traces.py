"""REDISVSS.TRACE's reply as the Explorer's replay shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trace:
    """told: the reply's pairs; see docs/trace.md."""

    told: dict[bytes, Any]

    def shown(self, prefix: int) -> dict[str, Any]:
        """For the browser: documents by their number, the key without its first `prefix` bytes."""

        def number(key: bytes) -> int:
            return int(key[prefix:])

        def step(row: list[Any]) -> dict[str, Any]:
            layer, key, distance, looked = row
            return {
                "layer": layer,
                "id": None if key is None else number(key),
                "distance": float(distance),
                "looked": [[number(other), float(d), verdict.decode()] for other, d, verdict in looked],
            }

        return {
            "plan": self.told[b"plan"].decode(),
            "computed": self.told[b"computed"],
            "steps": [step(row) for row in self.told[b"steps"]],
            "found": [[number(key), float(distance)] for key, distance in self.told[b"found"]],
        }


def traced(client: Any, index: str, field: str, narrowed: str, vector: bytes, k: int) -> Trace:
    """Raises ResponseError where the server has no such command."""
    before = "*" if narrowed == "*" else f"({narrowed})"
    query = f"{before}=>[KNN {k} @{field} $v AS distance]"
    reply: Any = client.execute_command("REDISVSS.TRACE", index, query, "PARAMS", 2, "v", vector, "DIALECT", 2)
    return Trace(dict(zip(reply[::2], reply[1::2], strict=True)))
