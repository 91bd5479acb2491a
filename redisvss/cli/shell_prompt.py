"""The prompt in a terminal: prompt_toolkit's line editor with our completion, colours and history."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from redisvss.cli.console import err, out
from redisvss.cli.shell_complete import Catalogue, complete
from redisvss.cli.shell_words import KEYWORDS

try:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.lexers import Lexer
    from prompt_toolkit.styles import Style
except ImportError as error:
    raise ValueError(
        "The prompt needs prompt_toolkit: pip install 'redisvss[shell]'. Commands on standard input work without."
    ) from error

if TYPE_CHECKING:
    from redisvss.cli.shell import Shell

_TOKENS = re.compile(
    r"""(?P<space>\s+)
      | (?P<vector>(?<!\S)\$\w+=(?:\[[^\]]*\]?|\S*))
      | (?P<field>@\w+)
      | (?P<param>\$\w+)
      | (?P<number>(?<![\w.:])[-+]?\d+(?:\.\d+)?(?![\w.:]))
      | (?P<keyword>(?<![\w:])(?:KNN|VECTOR_RANGE|AS)\b)
      | (?P<quote>["'])
      | (?P<word>[^\s"'@$\d]+|.)""",
    re.VERBOSE,
)
_SECRET = re.compile(r"\s*(AUTH|HELLO|ACL\s+SETUSER|CONFIG\s+SET\s+\S*(pass|auth)|MIGRATE)\b", re.IGNORECASE)
STYLE = Style.from_dict(
    {
        "command": "bold ansigreen",
        "keyword": "ansiblue",
        "field": "ansicyan",
        "param": "ansimagenta",
        "vector": "ansimagenta",
        "number": "ansiyellow",
        "quote": "ansiyellow",
        "prompt": "bold",
    }
)


def converse(shell: Shell, place: str) -> None:
    """Read and run lines until `exit` or Ctrl-D."""
    session = prompt_session(shell.catalogue, state_dir() / "history")
    out.print("help tells how; Tab completes; Ctrl-D leaves.", style="dim")
    while (line := _read(session, place)) is not None:
        try:
            shell.run(line)
        except KeyboardInterrupt:
            err.print("interrupted", style="dim")


def _read(session: PromptSession[str], place: str) -> str | None:
    """A line; nothing after Ctrl-C; None at the end."""
    try:
        line = session.prompt([("class:prompt", f"{place}> ")])
    except KeyboardInterrupt:
        return ""
    except EOFError:
        return None
    return None if line.strip().lower() in ("exit", "quit") else line


def prompt_session(catalogue: Catalogue, history: Path) -> PromptSession[str]:
    return PromptSession(
        history=open_history(history),
        completer=Completions(catalogue),
        complete_in_thread=True,  # a slow server must not hold up typing
        lexer=Colours(),
        auto_suggest=AutoSuggestFromHistory(),
        style=STYLE,
    )


def state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".local" / "state"
    return Path(base) / "redisvss"


def open_history(file: Path) -> FileHistory:
    """Readable by its user alone: lines hold queries and data."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return History(file)


class History(FileHistory):
    """Lines that hold a password are remembered until the prompt ends, and never written down."""

    def store_string(self, string: str) -> None:
        if not _SECRET.match(string):
            super().store_string(string)


class Completions(Completer):
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for found in complete(document.text_before_cursor, self._catalogue):
            yield Completion(found.text, -found.replaces, display_meta=found.about)


class Colours(Lexer):
    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        return lambda number: [
            (f"class:{kind}" if kind else "", text) for kind, text in coloured(document.lines[number])
        ]


def coloured(line: str) -> list[tuple[str, str]]:
    """(kind, text) of a line's parts, which joined are the line; fields and parameters count within quotes too."""
    begin, command = re.match(r"(\s*)(\S*)", line).groups()  # type: ignore[union-attr]  # matches anything
    keywords = KEYWORDS.get(command.upper(), ())
    parts = [("", begin), ("command", command)]
    for match in _TOKENS.finditer(line, len(begin) + len(command)):
        kind = match.lastgroup or ""
        if kind == "word":
            kind = "keyword" if match[0].upper() in keywords else ""
        parts.append(("" if kind == "space" else kind, match[0]))
    return [part for part in parts if part[1]]
