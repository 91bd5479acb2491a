"""The shop's pages as a browser without scripts sees them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections import Counter
from html import unescape
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from demo_app.catalogue import Catalogue
from demo_app.filters import read
from demo_app.finder import Finder, redis_cli

from .conftest import token_of


def ids(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-id="(\d+)"', page)]


def test_the_first_page_shows_products_count_and_facets(web: TestClient, catalogue: Catalogue) -> None:
    page = web.get("/").text
    assert ids(page) == [p.product_id for p in catalogue.products[:24]]
    assert '<strong id="total">160</strong>' in page
    women = sum(p.gender == "Women" for p in catalogue.products)
    assert re.search(rf'value="Women">\s*<span>Women</span><span class="n">{women}</span>', page)


def test_pages_follow_each_other(web: TestClient, catalogue: Catalogue) -> None:
    assert ids(web.get("/?page=2").text) == [p.product_id for p in catalogue.products[24:48]]
    last = web.get("/?page=7").text
    assert "Page 7 of 7" in last and "Load new products" in last and "Clear search" not in last


def test_filters_narrow_every_kind_of_search(web: TestClient, catalogue: Catalogue) -> None:
    women = {p.product_id for p in catalogue.products if p.gender == "Women" and p.price <= 80}
    for search in (
        "",
        "q=red&mode=text&",
        "q=red&mode=semantic&",
        "q=red&mode=both&",
        "like=3&by=image&",
        "like=3&by=text&",
    ):
        found = ids(web.get(f"/?{search}gender=Women&max_price=80").text)
        assert found and set(found) <= women, search


def test_neighbours_are_those_of_the_vectors(finder: Finder, catalogue: Catalogue) -> None:
    for space, by in ((catalogue.images[0], "image"), (catalogue.texts[0], "text")):
        page = finder.similar(catalogue.products[7], by, read({}, {}), 0, 10)  # type: ignore[arg-type]
        similarity = space.vectors @ space.vectors[7]
        truth = np.argsort(-similarity, kind="stable")[:10]
        assert [hit.product.product_id for hit in page.hits] == [catalogue.products[i].product_id for i in truth]
        assert [hit.score for hit in page.hits] == pytest.approx(similarity[truth], abs=1e-5)


def test_only_the_results_are_sent_when_only_they_change(web: TestClient) -> None:
    part = web.get("/?like=3&by=image", headers={"X-Part": "results"}).text
    assert part.lstrip().startswith('<div id="results"') and "<fieldset" not in part


def test_full_text_ranks_products_with_more_of_the_words_first(finder: Finder, catalogue: Catalogue) -> None:
    sought = next(p for p in catalogue.products if p.pattern == "Floral")
    first = finder.by_words(f"floral {sought.colour} {sought.article}", read({}, {}), 0, 5).hits[0].product
    assert (first.article, first.pattern, first.colour) == (sought.article, "Floral", sought.colour)


def test_fusion_without_ft_hybrid_ranks_by_reciprocal_rank(clients: tuple[Any, Any], catalogue: Catalogue) -> None:
    apart = Finder(clients[0], catalogue)
    apart._fuses = False  # as on a server that has no FT.HYBRID
    filters = read({}, {})
    page = apart.fused("floral dress", filters, 0, 5)
    ranks: dict[int, float] = {}
    for listed in (apart.by_words("floral dress", filters, 0, 60), apart.by_meaning("floral dress", filters, 0, 60)):
        for rank, hit in enumerate(listed.hits, 1):
            ranks[hit.product.product_id] = ranks.get(hit.product.product_id, 0) + 1 / (60 + rank)
    assert [hit.product.product_id for hit in page.hits] == sorted(ranks, key=lambda p: -ranks[p])[:5]
    assert len(page.commands) == 2


def test_the_hood_tells_plan_recall_and_command(web: TestClient) -> None:
    page = unescape(web.get("/hood?like=3&by=image&gender=Women", headers={"X-Part": "hood"}).text)
    assert "exact" in page and "100.0 %" in page
    assert '"(@gender:{Women})=>[KNN 24 @image_vector $v AS distance]"' in page
    whole, searches = re.search(r"took <strong>([\d.]+) ms</strong>.*: ([\d.]+) ms of searching", page).groups()  # type: ignore[union-attr]
    assert float(whole) >= float(searches) > 0


def test_facets_come_most_frequent_first_then_by_name(finder: Finder, catalogue: Catalogue) -> None:
    counted = Counter(p.colour for p in catalogue.products if p.gender == "Men")
    facets = finder.facets(read({"gender": ["Men"], "colour": ["Red"]}, {}))
    assert facets["colour"] == sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    assert sum(n for _, n in facets["gender"]) == sum(p.colour == "Red" for p in catalogue.products)


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not on PATH")
def test_the_command_runs_in_redis_cli(finder: Finder, catalogue: Catalogue, tmp_path: Any) -> None:
    """redis-cli reads it as it was meant: what it echoes back is what was sent, byte by byte."""
    from servers import start_redis

    page = finder.similar(catalogue.products[7], "image", read({"colour": ["Navy Blue"]}, {}), 0, 5)
    command = page.commands[0]
    with start_redis() as server:
        server.client().delete("said")
        line = redis_cli(("RPUSH", "said", *command))
        run = ["redis-cli", "-p", str(server.port)]
        subprocess.run(run, input=line, text=True, check=True, stdout=subprocess.DEVNULL)
        said = server.client().lrange("said", 0, -1)
    assert said == [part if isinstance(part, bytes) else str(part).encode() for part in command]


def test_a_product_page_shows_what_is_like_it(web: TestClient, catalogue: Catalogue) -> None:
    page = web.get("/product/3").text
    assert catalogue.products[2].name in page
    assert page.count('class="score"') == 12


def test_uploaded_pictures_find_the_product(web: TestClient, catalogue: Catalogue) -> None:
    token = token_of(web.get("/").text)
    picture = (catalogue.pictures / "9.jpg").read_bytes()
    answer = web.post("/upload", data={"csrf": token}, files={"picture": ("mine.jpg", picture, "image/jpeg")})
    assert answer.status_code == 303
    assert ids(web.get(answer.headers["location"]).text)[0] == 9


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg onload='x()'/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_refused_kindly(web: TestClient, data: bytes) -> None:
    token = token_of(web.get("/").text)
    answer = web.post("/upload", data={"csrf": token}, files={"picture": ("x.png", data, "image/png")})
    assert answer.status_code == 422 and "no picture we can read" in answer.text


def test_pictures_with_too_many_pixels_are_refused(web: TestClient) -> None:
    huge = io.BytesIO()
    Image.new("1", (9000, 9000)).save(huge, "PNG")
    token = token_of(web.get("/").text)
    answer = web.post("/upload", data={"csrf": token}, files={"picture": ("x.png", huge.getvalue(), "image/png")})
    assert answer.status_code == 422 and "too many pixels" in answer.text


def test_bodies_too_large_are_refused_unread(web: TestClient) -> None:
    assert web.post("/upload", content=b"x" * (6 * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize(
    "path", ["/product/999999", "/picture/999999", "/picture/0", "/?like=999999", "/?upload=gone", "/nowhere"]
)
def test_what_is_not_there_is_told_kindly(web: TestClient, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 404 and "Back to the products" in answer.text


@pytest.mark.parametrize("number", ["-1", "x", "9" * 300])
def test_picture_addresses_that_make_no_sense_are_refused(web: TestClient, number: str) -> None:
    assert web.get(f"/picture/{number}").status_code == 422


@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "like=abc", "q=%22%7D%5D%3D%3E", "gender=%7D", "min_price=nan", "page=99999"]
)
def test_odd_addresses_open_a_page(web: TestClient, query: str) -> None:
    assert web.get(f"/?{query}").status_code == 200


def test_every_answer_has_security_headers(web: TestClient) -> None:
    for path in ("/", "/nowhere", "/picture/1", "/api/v1/product/", "/static/shop.css"):
        headers = web.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"


def test_nothing_is_loaded_from_elsewhere(web: TestClient) -> None:
    for path in ("/", "/about", "/explorer", "/product/1", "/api/v1/product/docs", "/login"):
        page = web.get(path).text
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page), path
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", page), path


def test_the_explorer_replays_cells_and_compares_them(web: TestClient) -> None:
    assert 'value="ivf">IVF_FLAT<' in web.get("/explorer").text
    told = web.get("/explorer/trace", params={"like": 3, "by": "image", "index": "ivf", "k": 5}).json()
    assert told["found"][0][0] == 3 and len(told["found"]) == 5
    names = [row["name"] for row in web.get("/explorer/compare", params={"like": 3}).json()["rows"]]
    assert names[0] == "FLAT (exact)" and "IVF_FLAT, NPROBE 8" in names
