"""The product model: one declaration, which the index, the hashes and what is read back agree with."""

from __future__ import annotations

from typing import Any

import fakeredis
import numpy as np
from redis_om import HashModel

import redisvss
from demo_app.catalogue import Catalogue
from demo_app.filters import read
from demo_app.finder import Finder
from demo_app.loading import load, schema
from demo_app.models import PLAIN, Product


def of_model(part: str) -> tuple[str, Any]:
    """(name, what it is) of a field in the schema redis-om makes of the model.

    redis-om indexes text as a TAG besides, and has no words for a weight, UNF or a second index over a field.
    """
    name, kind, *words = part.split()
    if words[-1:] == ["TEXT"]:
        kind = "TEXT"
    if kind == "VECTOR":
        return name, (words[0], dict(zip(words[2::2], words[3::2], strict=True)))
    return name, (kind, "SORTABLE" in words)


def of_file(field: dict[str, Any]) -> tuple[str, Any]:
    """The same of a field of schemas/fashion.yaml."""
    kind, attrs = field["type"].upper(), field.get("attrs", {})
    if kind == "VECTOR":
        keys = {"datatype": "TYPE", "dims": "DIM"}
        options = {keys.get(key, key.upper()): str(value).upper() for key, value in attrs.items() if key != "algorithm"}
        return field["name"], (attrs["algorithm"].upper(), options)
    return field["name"], (kind, bool(attrs.get("sortable")))


def test_the_model_and_the_schema_file_declare_the_same_fields() -> None:
    fields = schema()["fields"]
    first = [field for field in fields if field.get("path", field["name"]) == field["name"]]
    twins = [field for field in fields if field not in first]
    assert dict(map(of_model, Product.schema_for_fields())) == dict(map(of_file, first))
    assert {field["path"] for field in twins} == {"image_vector", "text_vector"}


def test_the_model_and_the_schema_file_agree_on_keys() -> None:
    index = schema()["index"]
    assert Product.make_primary_key("") == index["prefix"] + index["key_separator"]
    assert issubclass(Product, HashModel) and index["storage_type"] == "hash"


def test_a_product_is_kept_as_the_model_says(clients: tuple[Any, Any], catalogue: Catalogue) -> None:
    product = catalogue.products[2]
    kept = clients[0].hgetall(product.key())
    vectors = {space.field.encode(): space.vectors[2].tobytes() for space in catalogue.spaces}
    plain = {name.encode(): str(value).encode() for name, value in product.attributes().items() if value != ""}
    assert kept == plain | vectors
    assert plain[b"shop"].count(b",") == 1


def test_a_product_is_read_back_as_it_was_written(finder: Finder, catalogue: Catalogue) -> None:
    for product in catalogue.products[:20]:
        back = finder.product(product.product_id)
        assert back is not None and back.attributes() == product.attributes()
    listed = finder.browse(read({}, {}), 0, 20).hits
    assert [hit.product.attributes() for hit in listed] == [p.attributes() for p in catalogue.products[:20]]


def test_what_is_empty_is_left_out_and_read_back_as_empty(catalogue: Catalogue) -> None:
    client = redisvss.Redis(server=fakeredis.FakeServer(version=(7, 4)), protocol=2)
    load(client, catalogue)
    bare = Product(product_id=9999, name="Nameless", year=0, price=1.5, shop="2.35,48.85")
    bare.save(client, {"image_vector": np.ones(128, np.float32).tobytes()})
    assert set(client.hkeys(bare.key())) == {b"product_id", b"name", b"year", b"price", b"shop", b"image_vector"}
    back = Finder(client, catalogue).product(9999)
    assert back is not None and back.attributes() == bare.attributes()
    assert set(back.attributes()) == set(PLAIN)


def test_a_hash_that_is_no_whole_product_is_passed_over(catalogue: Catalogue) -> None:
    client = redisvss.Redis(server=fakeredis.FakeServer(version=(7, 4)), protocol=2)
    load(client, catalogue)
    finder, first = Finder(client, catalogue), catalogue.products[0]
    client.hdel(first.key(), "price")
    client.hset("fashion:product:0", mapping={"product_id": 0, "name": "nothing else"})
    assert finder.product(first.product_id) is None and finder.product(0) is None
    listed = [hit.product.product_id for hit in finder.browse(read({}, {}), 0, 4).hits]
    assert listed == [p.product_id for p in catalogue.products[1:3]]


def test_what_changes_in_redis_changes_on_the_page(catalogue: Catalogue) -> None:
    client = redisvss.Redis(server=fakeredis.FakeServer(version=(7, 4)), protocol=2)
    load(client, catalogue)
    finder = Finder(client, catalogue)
    client.hset(catalogue.products[0].key(), mapping={"price": "12.25", "name": "Renamed"})
    hit = finder.by_words("renamed", read({}, {}, ""), 0, 3).hits[0]
    assert (hit.product.product_id, hit.product.price) == (catalogue.products[0].product_id, 12.25)
    client.delete(catalogue.products[0].key())
    assert finder.product(catalogue.products[0].product_id) is None
    assert not finder.by_words("renamed", read({}, {}, ""), 0, 3).hits
