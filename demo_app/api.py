"""`/api/v1/product`: the endpoints of the original Redis product search demo, validated and bounded.

Fields added to the original's: colour, season, min_price, max_price, city and km among the filters; a product's other
attributes in replies. `text_vector` and `img_vector` are empty, as a reply shows them to people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field, create_model

from demo_app.filters import Filters, cleaned
from demo_app.finder import MOST, By, Hit, Page
from demo_app.models import PLAIN, Product
from demo_app.pages import render, shop_of
from demo_app.products import SHOPS

router = APIRouter(prefix="/api/v1/product", tags=["product"])

Value = Annotated[str, Field(max_length=60, description="Empty: any.")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Money = Annotated[float | None, Field(ge=0, le=1e9, description="Euros.")]
Kind = Annotated[str, Field(max_length=20, description="Read for old clients' sake: the server plans by itself.")]
Few = Annotated[int, Field(ge=1, le=100)]
_MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "No such product."}}


class Narrowed(BaseModel):
    """Filters every search takes."""

    gender: Value = ""
    category: Value = ""
    colour: Value = ""
    season: Value = ""
    min_price: Money = None
    max_price: Money = None
    city: Annotated[str, Field(max_length=60, description="Shops near this city; empty: anywhere.")] = ""
    km: Annotated[float, Field(gt=0, le=2000)] = 25.0

    def filters(self) -> Filters:
        tags = {name: cleaned([getattr(self, name)]) for name in ("gender", "category", "colour", "season")}
        city = self.city if self.city in SHOPS else ""
        return Filters(tags, self.min_price, self.max_price, city, self.km)


class Searched(Narrowed):
    number_of_results: Few = 15


class SearchRequest(Searched):
    """Full-text search."""

    text: Text


class SimilarityRequest(Searched):
    """Products like one product."""

    product_id: Annotated[int, Field(ge=0, le=10**11)]
    search_type: Kind = "KNN"


class UserTextSimilarityRequest(Searched):
    """Products like a visitor's own words."""

    user_text: Text
    search_type: Kind = "KNN"


def _reply_fields() -> Any:
    """Product's attributes, numbers as they are and the rest as text; then the original's that no hash has."""
    kinds = {name: Product.model_fields[name].annotation for name in PLAIN}
    told = {name: (kind if kind in (int, float) else str, ...) for name, kind in kinds.items()}
    return told | {"product_id": (str, ...), "img_url": (str, ...), "text_vector": (str, ""), "img_vector": (str, "")}


ProductReply = create_model("ProductReply", **_reply_fields())
SimilarProductReply = create_model(
    "SimilarProductReply", __base__=ProductReply, vector_distance=(float, ...), similarity_score=(float, ...)
)


class ProductSearchResponse(BaseModel):
    """total: products that match, on all pages."""

    total: int
    products: list[ProductReply]  # type: ignore[valid-type]  # mypy cannot see it made


class ProductVectorSearchResponse(BaseModel):
    """total: products that pass the filters; the nearest of them are listed."""

    total: int
    products: list[SimilarProductReply]  # type: ignore[valid-type]


@router.get("/", name="product:get_product_samples", operation_id="get_products_samples")
def get_products(
    request: Request,
    limit: Annotated[int, Query(ge=0, le=100)] = 20,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
    gender: Annotated[str, Query(max_length=60)] = "",
    category: Annotated[str, Query(max_length=60)] = "",
) -> ProductSearchResponse:
    """Products of the catalogue, a page at a time."""
    narrowed = Narrowed(gender=gender, category=category).filters()
    return _listed(shop_of(request).finder.browse(narrowed, skip, limit))


@router.post("/search", name="product:text_search", operation_id="text_search")
def search(request: Request, body: SearchRequest) -> ProductSearchResponse:
    """Full-text search over names: prefixes and slips of the pen are understood."""
    return _listed(shop_of(request).finder.by_words(body.text, body.filters(), 0, body.number_of_results))


@router.post(
    "/vectorsearch/image",
    name="product:find_similar_by_image",
    operation_id="compute_image_similarity",
    responses=_MISSING,
)
def by_image(request: Request, body: SimilarityRequest) -> ProductVectorSearchResponse:
    """Products whose picture is most like a product's."""
    return _similar(request, body, "image")


@router.post(
    "/vectorsearch/text",
    name="product:find_similar_by_text",
    operation_id="compute_text_similarity",
    responses=_MISSING,
)
def by_text(request: Request, body: SimilarityRequest) -> ProductVectorSearchResponse:
    """Products whose description is most like a product's."""
    return _similar(request, body, "text")


@router.post(
    "/vectorsearch/text/user", name="product:find_similar_by_user_text", operation_id="compute_user_text_similarity"
)
def by_user_text(request: Request, body: UserTextSimilarityRequest) -> ProductVectorSearchResponse:
    """Products whose description is most like the given words."""
    return _near(shop_of(request).finder.by_meaning(body.user_text, body.filters(), 0, body.number_of_results))


def _similar(request: Request, body: SimilarityRequest, by: By) -> ProductVectorSearchResponse:
    finder = shop_of(request).finder
    product = finder.product(body.product_id)
    if product is None:
        raise HTTPException(404, f"There is no product {body.product_id}.")
    return _near(finder.similar(product, by, body.filters(), 0, min(body.number_of_results, MOST)))


def _listed(page: Page) -> ProductSearchResponse:
    return ProductSearchResponse(total=page.total, products=[ProductReply(**_fields(hit)) for hit in page.hits])


def _near(page: Page) -> ProductVectorSearchResponse:
    return ProductVectorSearchResponse(total=page.matching, products=_scored(page.hits))


def _scored(hits: Sequence[Hit]) -> list[BaseModel]:
    return [
        SimilarProductReply(**_fields(hit), vector_distance=1 - hit.score, similarity_score=hit.score)
        for hit in hits
        if hit.score is not None
    ]


def _fields(hit: Hit) -> dict[str, Any]:
    number = str(hit.product.product_id)
    return {**hit.product.attributes(), "product_id": number, "img_url": f"/picture/{number}"}


@router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
def documentation(request: Request) -> Response:
    """The API for people. FastAPI's own page loads its scripts from a CDN; this one works offline."""
    description = request.app.openapi()
    return render(request, "api.html", description=description)
