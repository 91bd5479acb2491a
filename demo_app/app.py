"""The web application: what it is made of, and the manners every answer has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import FileSystemBytecodeCache
from starlette.exceptions import HTTPException

from demo_app import api, explorer, members, pages
from demo_app.accounts import Accounts
from demo_app.catalogue import Catalogue, cache
from demo_app.finder import Finder
from demo_app.loading import Loading

_HERE = Path(__file__).parent
VISITOR = "fashion_visitor"  # cookie that ties forms to a browser
MAX_BODY = 5 * 1024 * 1024

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Shop:
    """Everything a request may need.

    where: the store in a visitor's words;  cli: how to reach it with redis-cli;  loading: what may still be on its way.
    """

    client: redis.Redis
    catalogue: Catalogue
    finder: Finder
    accounts: Accounts
    templates: Jinja2Templates
    where: str
    cli: str
    loading: Loading | None


def create_app(
    client: redis.Redis,
    text_client: redis.Redis,
    catalogue: Catalogue,
    where: str,
    cli: str = "",
    loading: Loading | None = None,
) -> FastAPI:
    """client: protocol 2, bytes;  text_client: the same store, replies as text;  products are there or `loading`."""
    app = FastAPI(
        title="Fashion Product Finder",
        version="1",
        description="Products, and products like them, answered by redisvss.",
        docs_url=None,
        redoc_url=None,
    )
    templates = Jinja2Templates(directory=_HERE / "templates")
    templates.env.bytecode_cache = _compiled_templates()
    templates.env.globals["asset"] = str(int(time.time()))
    finder, accounts = Finder(client, catalogue), Accounts(text_client)
    app.state.shop = Shop(client, catalogue, finder, accounts, templates, where, cli, loading)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    for part in (pages, members, explorer, api):
        app.include_router(part.router)
    app.middleware("http")(_mannered)
    app.add_exception_handler(HTTPException, _kindly)
    app.add_exception_handler(redis.RedisError, _unreachable)
    app.add_exception_handler(RequestValidationError, _misread)
    return app


def _compiled_templates() -> FileSystemBytecodeCache:
    """Beside the catalogue: compiling them takes a fifth of a second, which the first visitor would wait for."""
    folder = cache() / "templates"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileSystemBytecodeCache(str(folder))


async def _mannered(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """Bounds the body, times the answer, sets the headers every answer carries and the cookie forms need."""
    started = time.perf_counter()
    length = request.headers.get("content-length", "0")
    if request.method == "POST" and not (length.isdigit() and 0 < int(length) <= MAX_BODY):
        return _plain(
            request, 413 if length.isdigit() and int(length) else 411, "This form is too large or has no size."
        )
    known = request.cookies.get(VISITOR)
    request.state.visitor = known if known and len(known) < 100 else secrets.token_urlsafe(24)
    response = await proceed(request)
    if (loading := request.app.state.shop.loading) is not None:
        loading.visited.set()
    response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - started) * 1000:.1f}"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers.update(_HEADERS)
    if request.state.visitor != known and response.headers.get("content-type", "").startswith("text/html"):
        response.set_cookie(VISITOR, request.state.visitor, httponly=True, samesite="lax", secure=_secure(request))
    return response


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


async def _kindly(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _plain(request, error.status_code, str(error.detail), getattr(error, "headers", None))


async def _unreachable(request: Request, error: Exception) -> Response:
    return _plain(request, 503, "The database does not answer as it should just now. Please try again in a moment.")


async def _misread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if request.url.path.startswith("/api/"):
        told = [{key: part[key] for key in ("loc", "msg", "type")} for part in error.errors()]
        return JSONResponse({"detail": told}, 422)
    return _plain(request, 422, "Something in this request could not be read.")


def _plain(request: Request, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """An error as a page, or as JSON to a program."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": text}, status, headers)
    shop: Shop = request.app.state.shop
    context = {"status": status, "text": text, "visitor": None, "csrf": "", "shop": shop}
    return shop.templates.TemplateResponse(request, "error.html", context, status_code=status, headers=headers)
