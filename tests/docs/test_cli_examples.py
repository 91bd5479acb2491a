"""The sessions in docs/cli.md are what a person would see."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from redisvss.cli.app import app

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
PROMPT = "embedded> "


def test_the_session_answers_as_shown() -> None:
    (session,) = re.findall(r"^```console\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    commands = [line.removeprefix(PROMPT) for line in session.splitlines() if line.startswith(PROMPT)]
    shown = [line for line in session.splitlines() if not line.startswith(PROMPT)]
    result = CliRunner().invoke(app, ["cli", "--embedded"], input="\n".join(commands))
    assert untimed(result.output.splitlines()) == untimed(shown)


def untimed(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+\.\d ms", "… ms", line) for line in lines]
