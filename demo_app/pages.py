"""The shop's pages: grid, product, under the hood, upload, pictures, About."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, File, Form, HTTPException, Path, Request, Response, UploadFile
from fastapi.responses import FileResponse, RedirectResponse
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from demo_app import looking as look
from demo_app import uploads
from demo_app.filters import FACETS, TITLES
from demo_app.finder import Page
from demo_app.looking import MODES, Looking
from demo_app.models import Product
from demo_app.products import SHOPS

if TYPE_CHECKING:
    from demo_app.app import Shop

router = APIRouter(include_in_schema=False)
SESSION = "fashion_session"


def shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def looking_at(request: Request) -> Looking:
    query = request.query_params
    return look.read(query, {name: query.getlist(name) for name in FACETS})


def render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """A page with what every page's frame needs."""
    shop = shop_of(request)
    context |= {
        "shop": shop,
        "visitor": shop.accounts.visitor(request.cookies.get(SESSION)),
        "csrf": shop.accounts.form_token(request.state.visitor),
    }
    return shop.templates.TemplateResponse(request, template, context, status_code=status)


@router.get("/")
def grid(request: Request) -> Response:
    shop, looking = shop_of(request), looking_at(request)
    context = _found(shop, looking)
    if request.headers.get("x-part") == "results":  # filters are as they were: their counts need not be counted again
        return shop.templates.TemplateResponse(request, "_results.html", context)
    context |= {"facets": shop.finder.facets(looking.filters), "titles": TITLES, "cities": list(SHOPS)}
    return render(request, "shop.html", **context)


def _found(shop: Shop, looking: Looking) -> dict[str, Any]:
    """What the results show. Raises HTTPException when what they are about is gone."""
    page = looking.find(shop.finder)
    if page is None:
        raise HTTPException(404, "What you are looking for is not here (any more). Uploaded pictures stay an hour.")
    return {
        "shop": shop,
        "looking": looking,
        "page": page,
        "last": look.last_page(page.total, looking),
        "like": shop.finder.product(looking.like) if looking.like is not None else None,
        "modes": MODES,
        "fresh": looking.browsing().link(page=random.randint(1, look.last_page(page.total, looking.browsing()))),
        "replace_filters": lambda chip: looking.link(filters=chip.without),
    }


@router.get("/hood")
def hood(request: Request) -> Response:
    """How the page at the same query was answered. Its results are made once more, to time what a click costs."""
    shop, looking = shop_of(request), looking_at(request)
    started = time.perf_counter()
    context = _found(shop, looking)
    shop.templates.get_template("_results.html").render(context)
    click = (time.perf_counter() - started) * 1000
    page: Page = context["page"]
    accounts = [shop.finder.account(command) for command in page.commands]
    told: dict[str, Any] = {"accounts": accounts, "looking": looking, "click": click, "searches": page.milliseconds}
    partial = request.headers.get("x-part") == "hood"
    return render(request, "_hood.html" if partial else "hood.html", **told)


@router.get("/product/{number}")
def product(request: Request, number: int) -> Response:
    shop = shop_of(request)
    found = _product(shop, number)
    rows = []
    for by, title in (("image", "Looks like it"), ("text", "Described like it")):
        page = shop.finder.similar(found, by, Looking().filters, 0, 7)  # type: ignore[arg-type]
        rows.append((by, title, [hit for hit in page.hits if hit.product.product_id != number][:6]))
    return render(request, "product.html", product=found, rows=rows, looking=Looking())


@router.get("/picture/{number}")
def picture(request: Request, number: Annotated[int, Path(ge=0, le=10**11)]) -> Response:
    catalogue = shop_of(request).catalogue
    file = catalogue.pictures / f"{number}{catalogue.suffix}"
    if not file.is_file():
        raise HTTPException(404, f"There is no picture of a product {number}.")
    return FileResponse(file, headers={"Cache-Control": "public, max-age=86400"})


def _product(shop: Shop, number: int) -> Product:
    found = shop.finder.product(number)
    if found is None:
        raise HTTPException(404, f"There is no product {number}.")
    return found


@router.post("/upload")
async def upload(
    request: Request, picture: Annotated[UploadFile, File()], csrf: str = Form("", max_length=200)
) -> Response:
    await run_in_threadpool(check_form, request, csrf)
    data = await picture.read(uploads.MAX_BYTES + 1)
    return await run_in_threadpool(_uploaded, request, data)


def _uploaded(request: Request, data: bytes) -> Response:
    shop = shop_of(request)
    try:
        token = uploads.keep(shop.client, shop.finder, data)
    except uploads.UploadError as error:
        return render(request, "error.html", 422, text=str(error))
    return RedirectResponse(looking_at(request).browsing().link(upload=token), 303)


@router.get("/uploaded/{token}")
def uploaded(request: Request, token: str) -> Response:
    data = uploads.picture(shop_of(request).client, token)
    if data is None:
        raise HTTPException(404, "Uploaded pictures stay an hour; this one is gone.")
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/about")
def about(request: Request) -> Response:
    return render(request, "about.html", models=_models(shop_of(request)))


def _models(shop: Shop) -> list[tuple[str, int, str]]:
    spaces = shop.catalogue.spaces
    return [(s.field, s.vectors.shape[1], type(s.model).__name__ if s.model else "given with the data") for s in spaces]


@router.get("/healthz")
def health(request: Request) -> dict[str, str]:
    try:
        shop_of(request).client.ping()
    except RedisError:
        raise HTTPException(503, "The database does not answer.") from None
    return {"status": "ok"}


def check_form(request: Request, csrf: str) -> None:
    """Refuses a form that another site sent: wrong token, or a foreign Origin."""
    origin = request.headers.get("origin")
    foreign = bool(origin) and urlsplit(str(origin)).netloc != request.headers.get("host", "")
    if foreign or not shop_of(request).accounts.form_is_ours(request.cookies.get("fashion_visitor"), csrf):
        raise HTTPException(403, "This form has gone stale. Please open the page again and retry.")
