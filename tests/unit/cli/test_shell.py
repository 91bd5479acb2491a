"""`redisvss cli` as a whole: standard input, and the prompt driven through a pipe."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from servers import start_redis
from typer.testing import CliRunner

from redisvss.cli.app import app
from redisvss.cli.shell import Shell, _client
from redisvss.cli.shell_prompt import Completions, coloured, converse, open_history

SETUP = """\
FT.CREATE idx SCHEMA title TEXT v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
HSET a title 'red shoe' v $v $v=[1, 0]
HSET b title 'blue shoe' v $v $v=[0, 1]
"""


def run(lines: str, *options: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["cli", "--embedded", *options], input=lines)
    return result.exit_code, result.stdout, result.stderr


def test_commands_of_standard_input_are_run_one_a_line() -> None:
    code, shown, _ = run(SETUP + "\n# nearest first\nFT.SEARCH idx '*=>[KNN 2 @v $q AS d]' SORTBY d $q=like:b\n")
    assert code == 0
    lines = shown.splitlines()
    assert lines[:3] == ["OK", "(integer) 2", "(integer) 2"]
    table = "\n".join(lines[3:])
    assert table.index("blue shoe") < table.index("red shoe")
    assert "2 of 2 hits" in lines[-1]


def test_a_failed_line_is_told_and_the_next_one_run() -> None:
    code, shown, errors = run("FT.SEARCH nothing x\nSET 'k\nMONITOR\nECHO after\n")
    assert code == 1
    assert shown == '"after"\n'
    assert "(error) No such index nothing" in errors and "FT._LIST" in errors
    assert "Unbalanced quotes" in errors
    assert "use redis-cli" in errors


def test_json_is_one_reply_a_line() -> None:
    code, shown, _ = run("PING\nSADD s x\nSMEMBERS s\nMULTI\nINCR s\nEXEC\n", "--json")
    replies = [json.loads(line) for line in shown.splitlines()]
    assert code == 0
    assert replies[:3] == ["PONG", 1, ["x"]]
    assert replies[-1][0].startswith("(error) ")


def test_transactions_hold_from_line_to_line() -> None:
    assert run("MULTI\nSET k 1\nINCR k\nEXEC\n")[1].splitlines()[-2:] == ['1) "OK"', "2) (integer) 2"]


def test_help_tells_what_a_command_does() -> None:
    code, shown, _ = run("help ft.search\nhelp\n")
    assert code == 0
    assert shown.startswith("FT.SEARCH  Searches the index")
    assert "like:KEY" in shown
    assert run("help nonsense\n")[0] == 1


def test_an_unreachable_server_is_an_error() -> None:
    result = CliRunner().invoke(app, ["cli", "-u", "redis://127.0.0.1:1"], input="PING\n")
    assert result.exit_code == 1


def test_the_prompt_runs_lines_and_remembers_all_but_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    shell = Shell(_client("", embedded=True))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("ECHO hello\rAUTH secret\rconfig set requirepass secret\rexit\rECHO after\r")
        converse(shell, "embedded")
    shown = capsys.readouterr().out
    assert '"hello"' in shown
    assert "after" not in shown
    history = tmp_path / "redisvss" / "history"
    assert history.stat().st_mode & 0o077 == 0
    assert "ECHO hello" in history.read_text()
    assert "secret" not in history.read_text()


def test_history_is_read_back(tmp_path: Path) -> None:
    open_history(tmp_path / "history").append_string("FT._LIST")
    assert list(open_history(tmp_path / "history").load_history_strings()) == ["FT._LIST"]


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (
            "FT.SEARCH i '@a:[1 2] $p' LIMIT 0 5",
            {"FT.SEARCH": "command", "@a": "field", "$p": "param", "LIMIT": "keyword", "5": "number"},
        ),
        ("get  x", {"get": "command", "x": ""}),
        ("FT.SEARCH i x $v=[0.1, 2]", {"$v=[0.1, 2]": "vector"}),
        ("", {}),
    ],
)
def test_colours_name_the_parts_of_a_line_and_lose_none(line: str, kinds: dict[str, str]) -> None:
    parts = coloured(line)
    assert "".join(text for _, text in parts) == line
    assert kinds.items() <= {text: kind for kind, text in parts}.items()


def test_the_editor_is_offered_what_fits() -> None:
    shell = Shell(_client("", embedded=True))
    shell.run("FT.CREATE idx SCHEMA price NUMERIC")
    line = "FT.SEARCH idx '@pr"
    (found,) = Completions(shell.catalogue).get_completions(Document(line), CompleteEvent())
    assert line[: found.start_position] + found.text == "FT.SEARCH idx '@price"


def test_on_a_plain_redis_the_commands_are_answered_in_this_process() -> None:
    with start_redis() as server:
        result = CliRunner().invoke(
            app, ["cli", "-u", server.url], input=f"{SETUP}FT.SEARCH idx shoe\nGET none\nhelp get\n"
        )
    assert result.exit_code == 0, result.output
    assert "2 of 2 hits" in result.stdout
    assert "(nil)" in result.stdout
    assert "GET  Get the value of a key" in result.stdout or "GET  Returns" in result.stdout


def test_without_prompt_toolkit_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.delitem(sys.modules, "redisvss.cli.shell_prompt")
    with pytest.raises(ValueError, match=r"pip install 'redisvss\[shell\]'"):
        importlib.import_module("redisvss.cli.shell_prompt")
