"""A visit in headless Chromium, the same on every kind of store: sign up, browse, filter, compare, search, log out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from servers import free_port, start_redis

import redisvss
from demo_app.app import create_app
from demo_app.catalogue import Catalogue
from demo_app.loading import load

pytest.importorskip("selenium", reason="selenium is not installed: pip install -e '.[browser]'")

import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
NATIVE = os.environ.get("REDISVSS_NATIVE_URL")
SHOTS = os.environ.get("REDISVSS_SCREENSHOTS")  # a folder to leave pictures of the visit in

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not on PATH"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1360,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(params=["embedded", "serve", pytest.param("native", marks=pytest.mark.native)])
def shop(request: pytest.FixtureRequest, catalogue: Catalogue) -> Iterator[str]:
    """The address of a running demo over that kind of store."""
    with {"embedded": embedded, "serve": behind_serve, "native": native}[request.param]() as pair:
        yield from running(*pair, catalogue)


class embedded:
    def __enter__(self) -> tuple[Any, Any]:
        import fakeredis

        server = fakeredis.FakeServer(version=(7, 4))
        return redisvss.Redis(server=server, protocol=2), redisvss.Redis(server=server, decode_responses=True)

    def __exit__(self, *_: object) -> None:
        pass


class behind_serve:
    """A plain Redis, `redisvss serve` before it, and a client that knows nothing of redisvss."""

    def __enter__(self) -> tuple[Any, Any]:
        self._redis = start_redis()
        port = free_port()
        upstream = self._redis.__enter__().url
        command = [sys.executable, "-m", "redisvss", "serve", "--upstream", upstream, "--port", str(port)]
        self._serve = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._serve.stdout is not None and "ready" in self._serve.stdout.readline()
        return redis.Redis(port=port, protocol=2), redis.Redis(port=port, decode_responses=True)

    def __exit__(self, *_: object) -> None:
        self._serve.terminate()
        self._serve.wait(20)
        self._redis.__exit__(None, None, None)


class native:
    """A server that has the search module: FT.* is left to it. It must be empty, and is left as it was found.

    Nothing is ever flushed: the address may be that of a server somebody else works with.
    """

    def __enter__(self) -> tuple[Any, Any]:
        if NATIVE is None:
            pytest.skip("REDISVSS_NATIVE_URL names no server with the search module")
        self._server = redis.Redis.from_url(NATIVE)
        if self._server.dbsize() or self._server.execute_command("FT._LIST"):
            pytest.fail(f"{NATIVE} is not empty: start a server for this test alone")
        return redisvss.Redis.from_url(NATIVE, protocol=2), redisvss.Redis.from_url(NATIVE, decode_responses=True)

    def __exit__(self, *_: object) -> None:
        if self._server.execute_command("FT._LIST"):
            self._server.execute_command("FT.DROPINDEX", "fashion")
        for key in self._server.scan_iter("fashion:*", count=1000):
            self._server.delete(key)


def running(client: Any, text_client: Any, catalogue: Catalogue) -> Iterator[str]:
    load(client, catalogue)
    port = free_port()
    app = create_app(client, text_client, catalogue, "a store under test")
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


class Visit:
    """What a visitor does and sees. Every wait is for something to appear."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def one(self, css: str) -> Any:
        return WebDriverWait(self.driver, 30).until(lambda d: d.find_element(By.CSS_SELECTOR, css))

    def click(self, css: str) -> None:
        element = self.one(css)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def enter(self, css: str, text: str) -> None:
        field = self.one(css)
        field.clear()
        field.send_keys(text)

    def until(self, script: str) -> None:
        """Until a JavaScript expression holds."""
        WebDriverWait(self.driver, 60).until(lambda d: d.execute_script(f"return Boolean({script})"), script)

    def ids(self) -> list[int]:
        found: list[int] = self.driver.execute_script(
            "return [...document.querySelectorAll('.card')].map(c => Number(c.dataset.id))"
        )
        return found

    def shot(self, name: str) -> None:
        if SHOTS:
            self.driver.save_screenshot(str(Path(SHOTS) / f"{name}.png"))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_whole_visit(browser: Any, shop: str, catalogue: Catalogue) -> None:
    visit = Visit(browser, shop)
    browser.delete_all_cookies()
    signs_up(visit)
    browses_and_filters(visit, catalogue)
    compares(visit)
    searches(visit, catalogue)
    uploads(visit, catalogue)
    explores(visit)
    visit.open("/")
    visit.click("#logout")
    visit.one("a[href='/login']")
    assert visit.complaints() == []


def signs_up(visit: Visit) -> None:
    visit.open("/signup")
    visit.enter("input[name=name]", "Grace")
    visit.enter("input[name=email]", "grace@example.org")
    visit.enter("input[name=password]", "a long password")
    visit.click("main button[type=submit]")
    assert "Grace" in visit.one(".who").text


def browses_and_filters(visit: Visit, catalogue: Catalogue) -> None:
    assert len(visit.ids()) == 24
    visit.click("[rel=next]")
    visit.until("new URL(location).searchParams.get('page') == '2'")
    assert visit.ids() == [p.product_id for p in catalogue.products[24:48]]
    visit.click("input[name=gender][value=Women]")
    visit.until("document.querySelectorAll('.chips a').length == 1")
    women = [p.product_id for p in catalogue.products if p.gender == "Women"]
    assert visit.ids() == women[:24]
    assert visit.one("#total").text == str(len(women))


def compares(visit: Visit) -> None:
    first = visit.ids()[0]
    visit.click(f".card[data-id='{first}'] .pill:last-child")
    visit.until("document.querySelectorAll('.card .score').length > 0 && location.search.includes('by=image')")
    assert visit.ids()[0] == first
    assert "gender=Women" in visit.driver.current_url
    visit.click(f".card[data-id='{first}'] .pill:nth-child(2)")
    visit.until("location.search.includes('by=text')")
    visit.until(f"Number(document.querySelector('.card').dataset.id) == {first}")
    visit.click("#open-hood")
    visit.until("document.querySelector('#hood .code')")
    assert "=>[KNN 24 @text_vector $v AS distance]" in visit.one("#hood pre").text
    visit.shot("hood")
    visit.click("#hood .close")
    visit.until("!document.querySelector('#hood').open")


def searches(visit: Visit, catalogue: Catalogue) -> None:
    visit.click(".chips a")
    visit.until("document.querySelectorAll('.chips a').length == 0")
    kind = next(p for p in catalogue.products if p.article == "Sneakers")
    for mode in ("text", "semantic", "both"):
        visit.open("/")
        visit.one("#mode").send_keys({"text": "Words", "semantic": "Meaning", "both": "Both"}[mode])
        visit.enter("#q", f"{kind.colour} sneakers")
        visit.click("#search button")
        visit.until(f"location.search.includes('mode={mode}')")
        visit.until("document.querySelector('.about-results h1').textContent.includes('sneakers')")
        assert next(p for p in catalogue.products if p.product_id == visit.ids()[0]).article == "Sneakers", mode


def uploads(visit: Visit, catalogue: Catalogue) -> None:
    visit.open("/")
    visit.one("#upload input[type=file]").send_keys(str(catalogue.pictures / f"11{catalogue.suffix}"))
    visit.click("#upload button")
    visit.until("location.search.includes('upload=')")
    assert visit.ids()[0] == 11


def explores(visit: Visit) -> None:
    visit.open("/explorer?like=11")
    visit.until("document.querySelectorAll('#compare tbody tr').length >= 4")
    visit.until("/Plan: |own engine/.test(document.querySelector('#said').textContent)")
    assert visit.one("#compare tbody tr td:last-child").text == "100 %"
    visit.shot("explorer")
    for entry in visit.complaints():  # the native engine tells no trace: a 501 the page explains
        assert "/explorer/trace" in entry and "501" in entry


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
@pytest.mark.parametrize("width", [390, 1360])
def test_no_page_scrolls_sideways_or_jumps(browser: Any, shop: str, width: int) -> None:
    visit = Visit(browser, shop)
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for path in ("/", "/?like=3&by=image", "/product/3", "/explorer", "/about", "/login", "/api/v1/product/docs"):
            visit.open(path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, path
            visit.shot(f"page{path.replace('/', '-').split('?')[0]}-{width}")
        visit.open("/")
        shift = "new PerformanceObserver(l => {for (const e of l.getEntries()) window.shift += e.value})"
        browser.execute_script(f"window.shift = 0; {shift}.observe({{type: 'layout-shift', buffered: true}})")
        visit.until("[...document.images].filter(i => i.loading != 'lazy').every(i => i.complete)")
        assert browser.execute_script("return window.shift") < 0.1
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
def test_the_shop_works_by_keyboard(browser: Any, shop: str) -> None:
    from selenium.webdriver.common.keys import Keys

    visit = Visit(browser, shop)
    visit.open("/")
    focused = []
    for _ in range(8):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused.append(browser.execute_script("const e = document.activeElement; return e.className || e.id || e.name"))
    assert focused[0] == "skip" and "q" in focused and "mode" in focused
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('input:not([type=hidden]),select')].filter(e => !e.labels.length)"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []
