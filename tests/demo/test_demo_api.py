"""The API of the original demo."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo_app.catalogue import Catalogue

BASE = "/api/v1/product"


def test_products_in_pages(web: TestClient, catalogue: Catalogue) -> None:
    reply = web.get(f"{BASE}/", params={"limit": 3, "skip": 2, "gender": "Women"}).json()
    women = [p for p in catalogue.products if p.gender == "Women"]
    assert reply["total"] == len(women)
    assert [p["product_id"] for p in reply["products"]] == [str(p.product_id) for p in women[2:5]]
    assert {"product_id", "name", "gender", "category", "img_url", "text_vector", "img_vector"} <= set(
        reply["products"][0]
    )


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
        ("/vectorsearch/image", {"product_id": 1, "nonsense": 1}, 422),
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
    assert "/vectorsearch/text/user" in web.get(f"{BASE}/docs").text
