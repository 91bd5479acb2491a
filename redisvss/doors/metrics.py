"""What the server counts, as Prometheus text and as INFO's `# redisvss` section."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from redisvss import __version__

# Seconds. A search in a small index takes 0.1 ms, RediSearch's own TIMEOUT is 500 ms.
BUCKETS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

Gauges = Mapping[str, float]  # `name` or `name{label="value"}` → value


@dataclass
class Histogram:
    """Durations in seconds; `counts[i]` are those up to `BUCKETS[i]`, the last one those beyond."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, label: str) -> Iterator[str]:
        bounds = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
        for bound, count in zip(bounds, accumulate(self.counts), strict=True):
            yield f'{name}_bucket{{{label},le="{bound}"}} {count}'
        yield f"{name}_sum{{{label}}} {self.total:.6f}"
        yield f"{name}_count{{{label}}} {self.count}"


@dataclass
class Metrics:
    """`commands` counts everything clients sent, `own` what we answered, by upper-case name."""

    connections: int = 0
    connections_total: int = 0
    commands: int = 0
    errors: int = 0  # of our own commands
    own: dict[str, Histogram] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    def answered(self, name: str, seconds: float, failed: bool) -> None:
        self.own.setdefault(name, Histogram()).observe(seconds)
        self.errors += failed

    @property
    def own_total(self) -> int:
        return sum(histogram.count for histogram in self.own.values())

    def prometheus(self, gauges: Gauges) -> str:
        """The text exposition format, version 0.0.4; `gauges` come on top under a `redisvss_` prefix."""
        lines = [
            "# TYPE redisvss_connections gauge",
            f"redisvss_connections {self.connections}",
            "# TYPE redisvss_connections_total counter",
            f"redisvss_connections_total {self.connections_total}",
            "# TYPE redisvss_commands_total counter",
            f'redisvss_commands_total{{route="upstream"}} {self.commands - self.own_total}',
            f'redisvss_commands_total{{route="own"}} {self.own_total}',
            "# TYPE redisvss_command_errors_total counter",
            f"redisvss_command_errors_total {self.errors}",
            "# TYPE redisvss_command_seconds histogram",
        ]
        for name, histogram in sorted(self.own.items()):
            lines += histogram.lines("redisvss_command_seconds", f'command="{name}"')
        lines += [f"redisvss_{name} {value:g}" for name, value in gauges.items()]
        return "\n".join(lines) + "\n"

    def info(self, gauges: Gauges) -> bytes:
        fields: dict[str, object] = {
            "redisvss_version": __version__,
            "uptime_in_seconds": int(time.time() - self.started),
            "connected_clients": self.connections,
            "total_connections_received": self.connections_total,
            "total_commands_processed": self.commands,
            "own_commands_processed": self.own_total,
            "own_command_errors": self.errors,
            **{name: f"{value:g}" for name, value in gauges.items()},
        }
        return ("# redisvss\r\n" + "".join(f"{name}:{value}\r\n" for name, value in fields.items())).encode()
