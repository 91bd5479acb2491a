"""The API of the original demo."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo_app.catalogue import Catalogue

BASE = "/api/v1/product"

ORIGINAL = {"product_id", "name", "gender", "category", "img_url", "text_vector", "img_vector"}
OURS = {
    "sub_category",
    "article",
    "colour",
    "season",
    "year",
    "usage",
    "brand",
    "pattern",
    "price",
    "city",
    "shop",
}
NARROWED = {"gender", "category", "colour", "season", "min_price", "max_price", "city", "km"}
NEAR = {"vector_distance", "similarity_score"}

# path, what the original's clients send at most, every field that is read, fields of a reply's product
ENDPOINTS = [
    ("/search", {"text": "dress", "number_of_results": 2}, NARROWED, ORIGINAL | OURS),
    (
        "/vectorsearch/image",
        {"product_id": 5, "search_type": "ANN", "number_of_results": 2, "gender": "", "category": ""},
        NARROWED,
        ORIGINAL | OURS | NEAR,
    ),
    (
        "/vectorsearch/text",
        {"product_id": 5, "search_type": "KNN", "number_of_results": 2, "gender": "", "category": ""},
        NARROWED,
        ORIGINAL | OURS | NEAR,
    ),
    (
        "/vectorsearch/text/user",
        {"user_text": "hat", "search_type": "KNN", "number_of_results": 2, "gender": "", "category": ""},
        NARROWED,
        ORIGINAL | OURS | NEAR,
    ),
]


@pytest.mark.parametrize(("path", "body", "added", "told"), ENDPOINTS)
def test_requests_and_replies_have_exactly_these_fields(
    web: TestClient, path: str, body: dict[str, Any], added: set[str], told: set[str]
) -> None:
    answer = web.post(BASE + path, json={**body, "of another client": "is not read"})
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    assert set(reply) == {"total", "products"}
    assert [set(product) for product in reply["products"]] == [told, told]
    described = web.get("/openapi.json").json()
    name = described["paths"][BASE + path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert set(described["components"]["schemas"][name.split("/")[-1]]["properties"]) == set(body) | added


def test_the_list_has_exactly_these_fields(web: TestClient) -> None:
    reply = web.get(f"{BASE}/", params={"limit": 2, "skip": 0, "gender": "", "category": ""}).json()
    assert set(reply) == {"total", "products"}
    assert [set(product) for product in reply["products"]] == [ORIGINAL | OURS] * 2
    described = web.get("/openapi.json").json()["paths"][f"{BASE}/"]["get"]["parameters"]
    assert {parameter["name"] for parameter in described} == {"limit", "skip", "gender", "category"}


def test_a_reply_tells_the_product_as_it_is_kept(web: TestClient, catalogue: Catalogue) -> None:
    told = web.get(f"{BASE}/", params={"limit": 1}).json()["products"][0]
    product = catalogue.products[0]
    extras = {"product_id": "1", "img_url": "/picture/1", "text_vector": "", "img_vector": ""}
    assert told == product.attributes() | extras
    assert web.get(told["img_url"]).headers["content-type"] == "image/jpeg"


def test_defaults_are_the_originals(web: TestClient) -> None:
    assert len(web.get(f"{BASE}/").json()["products"]) == 20
    for path, body in (("image", {"product_id": 5}), ("text", {"product_id": 5}), ("text/user", {"user_text": "hat"})):
        assert len(web.post(f"{BASE}/vectorsearch/{path}", json=body).json()["products"]) == 15


def test_products_in_pages(web: TestClient, catalogue: Catalogue) -> None:
    reply = web.get(f"{BASE}/", params={"limit": 3, "skip": 2, "gender": "Women"}).json()
    women = [p for p in catalogue.products if p.gender == "Women"]
    assert reply["total"] == len(women)
    assert [p["product_id"] for p in reply["products"]] == [str(p.product_id) for p in women[2:5]]


@pytest.mark.parametrize("by", ["image", "text"])
def test_similar_products(web: TestClient, by: str) -> None:
    body = {"product_id": 5, "number_of_results": 4, "search_type": "KNN", "gender": "", "category": ""}
    reply = web.post(f"{BASE}/vectorsearch/{by}", json=body).json()
    assert reply["total"] == 160
    assert reply["products"][0]["product_id"] == "5"
    for product in reply["products"]:
        assert product["similarity_score"] == pytest.approx(1 - product["vector_distance"])


def test_words_of_a_visitor(web: TestClient) -> None:
    reply = web.post(
        f"{BASE}/vectorsearch/text/user", json={"user_text": "trainers for running", "category": "Footwear"}
    ).json()
    assert len(reply["products"]) == 15
    assert {p["category"] for p in reply["products"]} == {"Footwear"}
    assert reply["products"][0]["article"] == "Sneakers"


def test_full_text(web: TestClient) -> None:
    reply = web.post(f"{BASE}/search", json={"text": "dress", "number_of_results": 2}).json()
    assert [p["article"] for p in reply["products"]] == ["Dress", "Dress"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/vectorsearch/image", {"product_id": 999999}, 404),
        ("/vectorsearch/image", {"product_id": -1}, 422),
        ("/vectorsearch/image", {"product_id": 1, "number_of_results": 101}, 422),
        ("/vectorsearch/image", {"product_id": 1, "search_type": "x" * 21}, 422),
        ("/vectorsearch/text", {"number_of_results": 3}, 422),
        ("/vectorsearch/text/user", {"user_text": ""}, 422),
        ("/search", {"text": "x" * 201}, 422),
    ],
)
def test_requests_out_of_bounds_are_refused(web: TestClient, path: str, body: dict[str, Any], status: int) -> None:
    answer = web.post(BASE + path, json=body)
    assert answer.status_code == status and "detail" in answer.json()


def test_the_description_lists_every_endpoint(web: TestClient) -> None:
    paths = web.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        f"{BASE}{p}" for p in ("/", "/search", "/vectorsearch/image", "/vectorsearch/text", "/vectorsearch/text/user")
    }


def test_the_documentation_tells_what_is_required_and_what_comes_back(web: TestClient) -> None:
    page = web.get(f"{BASE}/docs").text
    for part in page.split("<h2>")[2:]:
        needed = {"search<": "text", "text/user<": "user_text"}
        name = next((field for end, field in needed.items() if end in part.split("</h2>")[0]), "product_id")
        assert re.findall(r"<code>(\w+)</code></td><td>\w+</td><td>required", part) == [name]
        assert set(re.findall(r"<code>(\w+)</code>", part.split("Reply:")[1])) >= ORIGINAL | OURS
