"""Small parts of the server: URLs, figures, logs."""

from __future__ import annotations

import json
import logging
import ssl

import pytest

from redisvss.doors.link import upstream_from_url
from redisvss.doors.metrics import BUCKETS, Metrics
from redisvss.doors.server import JsonLog, PlainLog


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", "localhost:6379"),
        ("redis://user:secret@host:7000/3", "host:7000"),
        ("redis://[::1]:7000", "::1:7000"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
    ],
)
def test_where_redis_is(url: str, address: str) -> None:
    upstream = upstream_from_url(url)
    assert upstream.address == address
    assert upstream.tls is None


def test_tls_to_redis() -> None:
    strict, lax = upstream_from_url("rediss://host"), upstream_from_url("rediss://host?ssl_cert_reqs=none")
    assert strict.tls is not None
    assert lax.tls is not None
    assert (strict.tls.verify_mode, strict.tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.tls.verify_mode, lax.tls.check_hostname) == (ssl.CERT_NONE, False)


def test_a_url_that_names_no_redis() -> None:
    with pytest.raises(ValueError, match="http://host"):
        upstream_from_url("http://host")


def test_figures() -> None:
    metrics = Metrics(connections=2, connections_total=5, commands=10)
    for seconds in (0.0001, 0.0002, 0.003, 99.0):
        metrics.answered("FT.SEARCH", seconds, failed=seconds > 1)
    lines = metrics.prometheus({"indexes": 1.0}).splitlines()
    assert 'redisvss_commands_total{route="own"} 4' in lines
    assert 'redisvss_commands_total{route="upstream"} 6' in lines
    assert "redisvss_command_errors_total 1" in lines
    assert "redisvss_indexes 1" in lines
    counts = [line.rsplit(" ", 1)[1] for line in lines if line.startswith("redisvss_command_seconds_bucket")]
    assert counts == ["2", "2", "2", "2", *["3"] * (len(BUCKETS) - 4), "4"]
    assert metrics.info({"indexes": 1.0}).splitlines()[0] == b"# redisvss"
    assert b"own_command_errors:1\r\nindexes:1\r\n" in metrics.info({"indexes": 1.0})


def test_logs_carry_their_fields() -> None:
    record = logging.LogRecord("redisvss.server", logging.WARNING, "", 0, "upstream %s", ("gone",), None)
    record.client = "1.2.3.4:5"
    line = json.loads(JsonLog().format(record))
    assert (line["level"], line["event"], line["client"]) == ("warning", "upstream gone", "1.2.3.4:5")
    assert PlainLog().format(record).endswith(" warning upstream gone client=1.2.3.4:5")
