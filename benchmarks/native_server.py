"""A server with RediSearch beside ours in a benchmark: it gets the vectors, and reports how long it took itself."""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
import redis

_BATCH = 1000


class NativeServer:
    """An HNSW index over unit vectors (n, dim) float32, each document tagged with the filters that let it through."""

    def __init__(self, port: int, vectors: np.ndarray, filters: dict[str, np.ndarray]) -> None:
        """filters: ids of the documents by name. Empties the server first."""
        self._client = redis.Redis(port=port, protocol=2)
        self._client.flushall()
        options = ("TYPE", "FLOAT32", "DISTANCE_METRIC", "COSINE", "M", 16, "EF_CONSTRUCTION", 200)
        vector = ("v", "VECTOR", "HNSW", 10, *options, "DIM", vectors.shape[1])
        self._client.execute_command("FT.CREATE", "i", "SCHEMA", "t", "TAG", *vector)
        tags = defaultdict(list)
        for name, ids in filters.items():
            for number in ids.tolist():
                tags[number].append(name)
        for first in range(0, len(vectors), _BATCH):
            pipe = self._client.pipeline(transaction=False)
            for number in range(first, min(first + _BATCH, len(vectors))):
                pipe.hset(str(number), mapping={"t": ",".join(tags[number]), "v": vectors[number].tobytes()})
            pipe.execute()
        while int(dict(zip(*[iter(self._client.execute_command("FT.INFO", "i"))] * 2, strict=True))[b"indexing"]):
            time.sleep(0.1)

    def search(self, query: np.ndarray, name: str, ef: int) -> tuple[float, list[int]]:
        """(seconds the server says the command took, the 10 nearest documents a filter lets through), its planner
        deciding. An ef makes no difference to the server when it reads all survivors.

        From the statistics of commands, in microseconds; FT.PROFILE tells whole milliseconds (2.10.5).
        """
        text = f"(@t:{{{name.replace('.', chr(92) + '.')}}})=>[KNN 10 @v $b EF_RUNTIME {ef} AS d]"
        asked = ("NOCONTENT", "SORTBY", "d", "PARAMS", "2", "b", query.tobytes(), "DIALECT", "2")
        self._client.config_resetstat()
        reply = self._client.execute_command("FT.SEARCH", "i", text, *asked)
        spent = self._client.info("commandstats")["cmdstat_FT.SEARCH"]["usec"]
        return spent / 1e6, [int(key) for key in reply[1:]]
