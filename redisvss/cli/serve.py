"""`redisvss serve`: the server on the command line."""

from __future__ import annotations

import ssl
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redisvss.cli.console import DEFAULT_URL

if TYPE_CHECKING:
    from redisvss.doors.server import Services


class EngineChoice(str, Enum):
    auto = "auto"
    local = "local"
    native = "native"


def serve(
    upstream: Annotated[
        str, typer.Option(envvar="REDISVSS_UPSTREAM", help="The Redis to stand before: redis://, rediss:// or unix://.")
    ] = DEFAULT_URL,
    embedded: Annotated[bool, typer.Option("--embedded", help="No Redis: keep the documents in this process.")] = False,
    host: Annotated[str, typer.Option(envvar="REDISVSS_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="REDISVSS_PORT", help="Port to listen on; 0 takes a free one.")] = 6380,
    unix: Annotated[str | None, typer.Option(help="Listen on a unix socket too.")] = None,
    engine: Annotated[
        EngineChoice,
        typer.Option(help="Who answers FT.* and JSON.*: we (local), Redis's modules (native), they if any."),
    ] = EngineChoice.auto,
    requirepass: Annotated[
        str | None, typer.Option(envvar="REDISVSS_REQUIREPASS", help="Password of an --embedded store.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM): clients then speak TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Prometheus metrics at http://HOST:PORT/metrics.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON, one object a line.")] = False,
) -> None:
    """Let any Redis client use FT.* and JSON.* on a Redis without modules, or on none at all.

    Example: redisvss serve --upstream redis://localhost:6379 --port 6380, then redis-cli -p 6380.
    """
    from redisvss.doors.server import Listen, configure_logs
    from redisvss.doors.server import serve as run

    if requirepass is not None and not embedded:
        raise typer.BadParameter("before a Redis, clients log in there", param_hint="--requirepass without --embedded")
    configure_logs(log_level, log_json)
    services = _services(upstream, embedded, engine, requirepass)
    try:
        run(services, Listen(host, port, unix, _tls(tls_cert, tls_key), metrics_port))
    finally:
        services.close()


def _services(upstream: str, embedded: bool, engine: EngineChoice, password: str | None) -> Services:
    from redisvss.doors import services

    return services.embedded(password) if embedded else services.beside(upstream, engine.value)


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
