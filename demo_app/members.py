"""Sign-up, login and logout pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from demo_app.accounts import SESSION_SECONDS, AccountError
from demo_app.pages import SESSION, check_form, render, shop_of

router = APIRouter(include_in_schema=False)


@router.get("/signup")
def sign_up_page(request: Request) -> Response:
    return render(request, "member.html", new=True, error="", name="", email="")


@router.get("/login")
def log_in_page(request: Request) -> Response:
    return render(request, "member.html", new=False, error="", name="", email="")


@router.post("/signup")
def sign_up(
    request: Request,
    name: str = Form("", max_length=200),
    email: str = Form("", max_length=300),
    password: str = Form("", max_length=1000),
    csrf: str = Form("", max_length=200),
) -> Response:
    check_form(request, csrf)
    accounts = shop_of(request).accounts
    return _entered(request, lambda: accounts.sign_up(name, email, password), new=True, name=name, email=email)


@router.post("/login")
def log_in(
    request: Request,
    email: str = Form("", max_length=300),
    password: str = Form("", max_length=1000),
    csrf: str = Form("", max_length=200),
) -> Response:
    check_form(request, csrf)
    accounts = shop_of(request).accounts
    return _entered(request, lambda: accounts.log_in(email, password), new=False, name="", email=email)


def _entered(request: Request, enter: Callable[[], str], **form: object) -> Response:
    try:
        token = enter()
    except AccountError as error:
        return render(request, "member.html", 422, error=str(error), **form)
    response = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION, token, SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)
    return response


@router.post("/logout")
def log_out(request: Request, csrf: str = Form("", max_length=200)) -> Response:
    check_form(request, csrf)
    shop_of(request).accounts.log_out(request.cookies.get(SESSION))
    response = RedirectResponse("/", 303)
    response.delete_cookie(SESSION)
    return response
