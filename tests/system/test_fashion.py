"""Real products with real embeddings: FLAT answers what brute force answers, HNSW nearly so, through every client.

The data set is not part of the project; tests that need it say so when they skip.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.commands.search.field import NumericField, TagField, VectorField
from redis.commands.search.index_definition import IndexDefinition
from redis.commands.search.query import Query
from servers import start_redis

import redisvss
import redisvss.asyncio

DATA = Path(os.environ.get("REDISVSS_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
K = 10
QUERIES = 200
MIN_RECALL = 0.99
FILTERS = ("gender", "masterCategory", "baseColour", "year")

needs_data = pytest.mark.skipif(not (DATA / "fashion2k").is_dir(), reason=f"no data set in {DATA}")


@dataclass
class Catalogue:
    rows: list[dict[str, str]]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        self.columns = {name: np.array([row[name] for row in self.rows]) for name in FILTERS}
        self.years = self.columns["year"].astype(float)

    def mask(self, condition: dict[str, str]) -> np.ndarray:
        """condition: a product's own values; years match within one."""
        mask = np.ones(len(self.rows), bool)
        for name, value in condition.items():
            mask &= abs(self.years - float(value)) <= 1 if name == "year" else self.columns[name] == value
        return mask


def clause(condition: dict[str, str]) -> str:
    parts = []
    for name, value in condition.items():
        if name == "year":
            parts.append(f"@year:[{float(value) - 1} {float(value) + 1}]")
        else:
            parts.append(f'@{name}:{{"{value}"}}')
    return f"({' '.join(parts)})" if parts else "*"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    folder = DATA / "fashion2k"
    with (folder / "styles.csv").open(newline="") as lines:
        by_id = {row["id"]: row for row in csv.DictReader(lines)}
    ids = json.loads((folder / "image_vector_ids.json").read_text())
    vectors = np.load(folder / "image_vectors.npy")
    known = [n for n, i in enumerate(ids) if by_id[str(i)]["year"] and '"' not in by_id[str(i)]["baseColour"]]
    return Catalogue([by_id[str(ids[n])] for n in known], vectors[known].astype(np.float32))


def load(client: Any, catalogue: Catalogue, algorithm: str) -> Any:
    attributes = {"TYPE": "FLOAT32", "DIM": catalogue.vectors.shape[1], "DISTANCE_METRIC": "COSINE"}
    tags = [TagField(name, separator="\x1f") for name in ("gender", "masterCategory", "baseColour")]
    fields = [*tags, NumericField("year"), VectorField("v", algorithm, attributes)]
    client.ft("fashion").create_index(fields, definition=IndexDefinition(prefix=["p:"]))
    pipeline = client.pipeline(transaction=False)
    for number, (row, vector) in enumerate(zip(catalogue.rows, catalogue.vectors, strict=True)):
        pipeline.hset(f"p:{number}", mapping={**row, "v": vector.tobytes()})
    pipeline.execute()
    return client


def conditions(row: dict[str, str]) -> Iterator[dict[str, str]]:
    """Every combination of the four filters, none included."""
    for count in range(len(FILTERS) + 1):
        for chosen in itertools.combinations(FILTERS, count):
            yield {name: row[name] for name in chosen}


Ask = Callable[[Query, dict[str, Any]], Any]


def compare(catalogue: Catalogue, ask: Ask, combinations: int) -> tuple[int, int, int]:
    """(queries whose distances differ from brute force, neighbours found, neighbours there are)."""
    wrong = found = there = 0
    random = np.random.default_rng(11)
    for number in random.choice(len(catalogue.rows), QUERIES, replace=False).tolist():
        every = list(conditions(catalogue.rows[number]))
        for pick in random.choice(len(every), combinations, replace=False).tolist():
            passing = np.flatnonzero(catalogue.mask(every[pick]))
            exact = 1 - catalogue.vectors[passing].astype(np.float64) @ catalogue.vectors[number].astype(np.float64)
            order = np.argsort(exact, kind="stable")[:K]
            query = Query(f"{clause(every[pick])}=>[KNN {K} @v $q AS d]").sort_by("d").return_fields("d").dialect(2)
            hits = ask(query.paging(0, K), {"q": catalogue.vectors[number].tobytes()}).docs
            distances = np.array([float(hit.d) for hit in hits])
            same = len(hits) == len(order) and np.allclose(distances, exact[order], atol=1e-5)
            wrong += not same
            threshold = exact[order[-1]] + 1e-6
            found += sum(float(hit.d) <= threshold for hit in hits)
            there += len(order)
    return wrong, found, there


@needs_data
@pytest.mark.parametrize("where", ["embedded", "a real Redis"])
@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
def test_filters_and_neighbours_are_brute_forces(catalogue: Catalogue, algorithm: str, where: str) -> None:
    with start_redis() as server:
        client = redisvss.Redis() if where == "embedded" else redisvss.Redis.from_url(server.url)
        load(client, catalogue, algorithm)
        wrong, found, there = compare(catalogue, lambda q, p: client.ft("fashion").search(q, p), combinations=2)
        client.close()
    print(f"{algorithm}, {where}: {wrong} of {QUERIES * 2} differ, recall {found / there:.4f}")
    assert found / there >= MIN_RECALL
    if algorithm == "FLAT":
        assert wrong == 0


@needs_data
@pytest.mark.parametrize("where", ["embedded", "a real Redis"])
async def test_the_asyncio_client_answers_alike(catalogue: Catalogue, where: str) -> None:
    with start_redis() as server:
        arguments: dict[str, Any] = {"host": "127.0.0.1", "port": server.port}
        if where == "embedded":
            import fakeredis

            arguments = {"server": fakeredis.FakeServer(version=(7, 4))}
        client = redisvss.Redis(**arguments)
        load(client, catalogue, "FLAT")
        twin = redisvss.asyncio.Redis(**arguments)
        for number in range(0, len(catalogue.rows), 100):
            query = Query(f'@gender:{{"{catalogue.rows[number]["gender"]}"}}=>[KNN {K} @v $q AS d]')
            query = query.sort_by("d").return_fields("d").dialect(2)
            params = {"q": catalogue.vectors[number].tobytes()}
            mine, other = client.ft("fashion").search(query, params), await twin.ft("fashion").search(query, params)
            assert [(hit.id, hit.d) for hit in mine.docs] == [(hit.id, hit.d) for hit in other.docs]
        await asyncio.gather(*(twin.ft("fashion").search(query, params) for _ in range(8)))
        await twin.aclose()
        client.close()


@pytest.mark.skipif(not (DATA / "happy_person.npz").is_file(), reason=f"no happy_person.npz in {DATA}")
@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
def test_the_three_sentences(algorithm: str) -> None:
    stored = np.load(DATA / "happy_person.npz", allow_pickle=False)
    client = redisvss.Redis()
    attributes = {"TYPE": "FLOAT32", "DIM": 384, "DISTANCE_METRIC": "COSINE"}
    client.ft().create_index([VectorField("v", algorithm, attributes)])
    for number, vector in enumerate(stored["vectors"]):
        client.hset(f"s:{number}", "v", vector.astype(np.float32).tobytes())
    query = Query("*=>[KNN 3 @v $q AS d]").sort_by("d").return_fields("d").dialect(2)
    hits = client.ft().search(query, {"q": stored["query"].astype(np.float32).tobytes()}).docs
    assert [float(hit.d) for hit in hits] == pytest.approx([1 - 0.942915, 1 - 0.694577, 1 - 0.256876], abs=1e-5)
