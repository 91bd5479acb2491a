"""`redisvss demo`: the Fashion Product Finder in the browser, over this process or a Redis."""

from __future__ import annotations

import gc
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from redisvss.cli.console import err, out

if TYPE_CHECKING:
    from demo_app.catalogue import Catalogue
    from demo_app.loading import Loading


def demo(
    url: Annotated[
        str | None, typer.Option(envvar="REDISVSS_URL", help="A Redis, Valkey or `redisvss serve` to keep the shop in.")
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Keep the shop in this process (the default).")] = False,
    data: Annotated[
        Path | None, typer.Option(help="A folder in the “Fashion Product Images” layout instead of the made-up range.")
    ] = None,
    dims: Annotated[
        int | None, typer.Option(help="Shorten every vector to so many dimensions.", min=2, max=4096)
    ] = None,
    text_model: Annotated[
        str | None, typer.Option(help="A sentence-transformers model, by name or folder, for descriptions and words.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Open a shop whose every answer comes from redisvss.

    Example: redisvss demo, or redisvss demo --url redis://localhost:6379 --data fashion/
    """
    if url and embedded:
        raise typer.BadParameter("choose one of them", param_hint="--url and --embedded")
    try:
        with _unswept():
            import uvicorn

            from demo_app.app import create_app

            client, text_client = _clients(url)
    except ImportError as error:
        raise ValueError(f"The demo needs {error.name}: pip install 'redisvss[demo]'") from None
    catalogue = _catalogue(data, dims, text_model)
    loading = _load(client, catalogue)
    where = f"the Redis at {_shown(url)}" if url else "this process"
    app = create_app(client, text_client, catalogue, where, _cli(url), loading)
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    out.print(
        f"[bold]Fashion Product Finder[/]: {len(catalogue.products)} products, kept in {where}: [link]{address}[/]"
    )
    if browse:
        app.router.on_startup.append(lambda: webbrowser.open(address))
    uvicorn.run(app, host=host, port=port, log_level="warning")


@contextmanager
def _unswept() -> Iterator[None]:
    """For imports: no garbage collection meanwhile, nor ever of what they bring. It took 0.2 s of a start."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _catalogue(data: Path | None, dims: int | None, text_model: str | None) -> Catalogue:
    from demo_app import catalogue as catalogues
    from demo_app.embeddings import Sentences

    catalogue = catalogues.from_folder(data, _progress) if data else catalogues.made(_progress)
    if text_model:
        catalogue = catalogues.with_text_model(catalogue, Sentences(text_model, dims))
    return catalogue.shortened(dims) if dims else catalogue


def _progress(items: Any, doing: str, total: int) -> Any:
    return track(items, doing, total=total, console=err, transient=True)


def _clients(url: str | None) -> tuple[Any, Any]:
    """(bytes as RESP2 has them, text) over one store."""
    from redisvss import Redis

    if url:
        return Redis.from_url(url, protocol=2), Redis.from_url(url, decode_responses=True)
    import fakeredis

    server = fakeredis.FakeServer(version=(7, 4))
    return Redis(server=server, protocol=2), Redis(server=server, decode_responses=True)


def _load(client: Any, catalogue: Catalogue) -> Loading:
    """Enough of the products for a first page; the rest follows while visitors look around."""
    from demo_app.loading import Loading

    loading = Loading(client, catalogue)
    with err.status("loading the products"):
        loading.first()
    threading.Thread(target=_load_rest, args=(loading,), name="demo-loading", daemon=True).start()
    return loading


def _load_rest(loading: Loading) -> None:
    """What is loaded stays: a collection that went through it in the middle of a click took 135 ms."""
    loading.rest()
    gc.freeze()


def _shown(url: str | None) -> str:
    """The address without its password."""
    return (url or "").rsplit("@", 1)[-1].removeprefix("redis://")


def _cli(url: str | None) -> str:
    if not url:
        return ""
    address, _, port = _shown(url).split("/")[0].partition(":")
    return f"redis-cli -h {address} -p {port or 6379}"
