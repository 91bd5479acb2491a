"""Sign-up, login, logout: sessions, tokens and what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo_app.accounts import hashed, matches

from .conftest import token_of

ADA = {"name": "Ada <b>", "email": "Ada@example.org", "password": "correct horse"}


def post(web: TestClient, path: str, **form: str) -> Any:
    return web.post(path, data={"csrf": token_of(web.get("/login").text), **form})


@pytest.fixture(scope="module")
def ada(app: Any) -> TestClient:
    web = TestClient(app, follow_redirects=False)
    assert post(web, "/signup", **ADA).status_code == 303
    return web


def test_who_signs_up_is_greeted(ada: TestClient) -> None:
    assert "Hi, Ada &lt;b&gt;" in ada.get("/").text


def test_who_logs_out_is_forgotten(ada: TestClient, web: TestClient) -> None:
    assert post(web, "/login", email="ada@EXAMPLE.org", password=ADA["password"]).status_code == 303
    kept = web.cookies["fashion_session"]
    assert "Hi, Ada" in web.get("/").text
    assert web.post("/logout", data={"csrf": token_of(web.get("/").text)}).status_code == 303
    assert "Hi, Ada" not in web.get("/").text
    web.cookies.set("fashion_session", kept)
    assert "Hi, Ada" not in web.get("/").text


def test_an_address_signs_up_once(ada: TestClient, web: TestClient) -> None:
    answer = post(web, "/signup", **{**ADA, "email": "ada@example.ORG"})
    assert answer.status_code == 422 and "log in instead" in answer.text


def test_wrong_password_and_unknown_address_look_alike(ada: TestClient, web: TestClient) -> None:
    wrong = post(web, "/login", email=ADA["email"], password="wrong horse")
    unknown = post(web, "/login", email="nobody@example.org", password="wrong horse")
    assert wrong.status_code == unknown.status_code == 422
    told = "This address and password do not belong together."
    assert told in wrong.text and told in unknown.text


def test_guessing_is_slowed_down(web: TestClient) -> None:
    for _ in range(10):
        post(web, "/login", email="guess@example.org", password="x")
    assert "Too many tries" in post(web, "/login", email="guess@example.org", password="x").text


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 61), ("email", "ada"), ("password", "short"), ("password", "x" * 201)],
)
def test_bad_entries_are_told(web: TestClient, field: str, value: str) -> None:
    answer = post(web, "/signup", **{"name": "B", "email": "b@example.org", "password": "long enough", field: value})
    assert answer.status_code == 422 and 'role="alert"' in answer.text


@pytest.mark.parametrize("path", ["/login", "/signup", "/logout", "/upload"])
def test_forms_of_other_sites_are_refused(web: TestClient, path: str) -> None:
    token = token_of(web.get("/").text)
    files = {"picture": ("x.png", b"x", "image/png")} if path == "/upload" else None
    assert web.post(path, data={"csrf": "0" * 64}, files=files).status_code == 403
    assert (
        web.post(path, data={"csrf": token}, files=files, headers={"Origin": "https://evil.example"}).status_code == 403
    )


def test_neither_password_nor_session_token_is_stored(ada: TestClient, clients: tuple[Any, Any]) -> None:
    client = clients[0]
    kept = b"".join(client.get(key) or b"" for key in client.keys("fashion:user:*") + client.keys("fashion:session:*"))
    assert b"ada@example.org" in kept
    assert ADA["password"].encode() not in kept
    assert ada.cookies["fashion_session"].encode() not in kept + b"".join(client.keys("fashion:session:*"))


def test_passwords_are_salted() -> None:
    once, again = hashed("correct horse"), hashed("correct horse")
    assert once != again
    assert matches("correct horse", once) and matches("correct horse", again)
    assert not matches("correct horsf", once)
