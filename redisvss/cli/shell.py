"""`redisvss cli`: a prompt for FT.*, JSON.* and every other command, or the commands of standard input.

It runs lines one by one; what a line may contain is shell_words' and vectors', how it looks shell_tables' and
shell_prompt's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from redis.exceptions import RedisError

from redisvss.cli.console import DEFAULT_URL, AsJson, err, out, plain
from redisvss.cli.shell_complete import Catalogue
from redisvss.cli.shell_tables import show, tidy, visible
from redisvss.cli.vectors import assignments, parameters, split

ShellUrl = Annotated[
    str,
    typer.Option("--url", "-u", envvar="REDISVSS_URL", help="A Redis, with or without modules, or `redisvss serve`."),
]

HELP = """\
Any Redis command, quoted as in redis-cli; Tab completes, Ctrl-R searches the history, Ctrl-D leaves.
Vectors:  $name=@file.npy   $name=[0.1, 0.2]   $name=like:KEY   $name=KEY:FIELD
  FT.SEARCH idx '*=>[KNN 5 @embedding $v AS d]' SORTBY d $v=like:product:7
help COMMAND tells what a command does."""

# These answer for ever; the prompt waits for one reply to each command.
_STREAMS = ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC")

_HINTS = (
    ("no such index", "FT._LIST names the indexes there are."),
    ("unknown index name", "FT._LIST names the indexes there are."),
    ("unknown argument", "Is the whole query in quotes? FT.SEARCH idx '@brand:{acme} shoe'"),
    ("no such parameter", "Give it at the end of the line: $name=like:KEY, $name=@file.npy or $name=[0.1, 0.2]"),
    ("syntax error at offset", "Queries with {}, [] or => may need DIALECT 2 at the end of the line."),
    ("wrong number of arguments", "help COMMAND tells what a command takes."),
    ("noauth", "Log in with AUTH, or give the password in --url redis://:PASSWORD@host"),
)


def cli(
    url: ShellUrl = DEFAULT_URL,
    embedded: Annotated[bool, typer.Option("--embedded", help="No Redis: an empty store in this process.")] = False,
    as_json: AsJson = False,
) -> None:
    """A prompt for Redis and search commands; reads them from standard input when that is no terminal.

    Example: echo "FT._LIST" | redisvss cli --embedded
    """
    shell = Shell(_client(url, embedded), as_json)
    shell.call("PING")  # is anyone there?
    if not sys.stdin.isatty():
        raise typer.Exit(shell.run_all(sys.stdin))
    from redisvss.cli.shell_prompt import converse

    converse(shell, "embedded" if embedded else _place(url))


def _client(url: str, embedded: bool) -> Any:
    """RESP3 tells hits from other replies; without callbacks replies are as the server sent them."""
    from redisvss import Redis

    client = Redis(protocol=3) if embedded else Redis.from_url(url, protocol=3, socket_timeout=None)
    client.response_callbacks.clear()
    return client


def _place(url: str) -> str:
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


class Shell:
    """Runs lines over one connection, so that MULTI, SELECT and AUTH hold from line to line."""

    def __init__(self, client: Any, as_json: bool = False) -> None:
        self.client = client
        self.catalogue = Catalogue(client)
        self._connection = client.connection_pool.get_connection()
        self._as_json = as_json

    def run_all(self, lines: Iterable[str]) -> int:
        """Every line, whatever became of the one before; returns the exit code: 1 if any failed."""
        results = [self.run(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
        return 0 if all(results) else 1

    def run(self, line: str) -> bool:
        """One line's reply on stdout, or what is wrong with it on stderr; whether it went well."""
        try:
            self._execute(split(line))
        except (RedisError, OSError, ValueError) as error:
            explain(error)
            return False
        return True

    def call(self, *words: str | bytes) -> Any:
        """A reply as the server sent it; raises RedisError."""
        try:
            self._connection.send_command(*words)
            return self._connection.read_response()
        except KeyboardInterrupt:
            self._connection.disconnect()  # the reply would be read as the next command's
            raise

    def _execute(self, words: list[bytes]) -> None:
        if not words:
            return
        name = words[0].decode("utf-8", "replace").upper()
        if name in ("HELP", "?"):
            self._help(b" ".join(words[1:]).decode("utf-8", "replace").upper())
            return
        if name in _STREAMS:
            raise ValueError(f"{name} answers without end: use redis-cli for it")
        command = parameters(self.client, *assignments(words))
        begun = time.perf_counter()
        reply = self.call(*command)
        seconds = time.perf_counter() - begun
        self.catalogue.forget()
        if self._as_json:
            typer.echo(json.dumps(plain(tidy(reply)), ensure_ascii=False))
        else:
            show(words, reply, seconds)

    def _help(self, name: str) -> None:
        if not name:
            out.print(HELP, highlight=False, markup=False)
            return
        told = {
            known: about for known, about in self.catalogue.commands().items() if f"{known} ".startswith(f"{name} ")
        }
        if not told:
            raise ValueError(f"No command {name} here")
        for known, about in told.items():
            out.print(
                f"{known}  {about or '(the server has no description)'}", highlight=False, markup=False, soft_wrap=True
            )


def explain(error: Exception) -> None:
    """An error as redis-cli shows it, and what to try next where that is known."""
    text = visible(str(error))
    err.print(f"(error) {text}", style="red", highlight=False, markup=False, soft_wrap=True)
    if hint := next((hint for part, hint in _HINTS if part in text.lower()), None):
        err.print(hint, style="dim", highlight=False, markup=False, soft_wrap=True)
