"""The documents tell the truth: their examples run, their paths exist, every command is told of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_examples_run(document: Path) -> None:
    namespace: dict[str, object] = {"__name__": "example"}
    for block in blocks(document, "python"):
        exec(compile(block, str(document), "exec"), namespace)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_exist(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    paths = re.findall(r"`((?:redisvss|demo_app|schemas|tests|benchmarks|docs|deploy)/[\w./-]+)`", text)
    missing = [p for p in links if not (document.parent / p).exists()] + [p for p in paths if not (ROOT / p).exists()]
    assert missing == []


def test_every_dependency_has_a_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    needed, optional = re.findall(
        r"^dependencies = \[(.*?)^\]|^\[project.optional-dependencies\](.*?)^browser", project, re.M | re.S
    )
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")[2]
    names = re.findall(r'"([\w-]+)[\[\w\]]*>=', needed[0] + optional[1])
    assert len(names) > 15
    assert [name for name in names if not re.search(rf"\b{name}\b", table)] == []


def test_the_readme_names_commands_that_exist() -> None:
    from typer.main import get_command

    from redisvss.cli.app import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    told = re.findall(r"redisvss (\w+)", "\n".join(blocks(ROOT / "README.md", "console")))
    assert set(told) <= known


def test_the_schemas_are_index_definitions() -> None:
    from redisvss.schemafile import create_command, load_schema

    for path in (ROOT / "schemas").glob("*.yaml"):
        assert create_command(load_schema(path))[0] == "FT.CREATE"


def test_the_compose_file_is_valid_yaml_with_known_services() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        assert "image" in service or "build" in service, name
        assert set(service.get("depends_on", ())) <= set(compose["services"]), name
