"""Imports point downwards, and what answers by number knows nothing of Redis."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "redisvss"

# The higher ones may import the lower ones; equals may import one another.
LEVELS = [
    {"cli", "__main__", "pytest_plugin", "samples", "schemafile"},
    {"__init__", "client", "asyncio", "testing"},
    {"doors"},
    {"engine"},
    {"commands"},
    {"query", "sync"},
    {"aggregate"},
    {"searchindex"},
    {"config"},
    {"stores", "fields", "documents", "expression"},
    {"index"},
    {"ast", "errors", "locks", "numbers", "reply", "schema", "__version__"},  # leaves
]
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}
INDEX_MAY_IMPORT = {
    "numpy",
    "jieba",
    "numba",
    "llvmlite",
    "pyroaring",
    "Stemmer",
    "doublemetaphone",
    "hnswlib",
    "shapely",
    "redisvss.index",
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Full names of the modules a file imports when it runs; what only type checkers see is left out."""
    return tuple(_imports(ast.parse(path.read_text("utf-8")).body))


def _imports(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, 0) if module is not None:
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=orelse):
                yield from _imports(orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.If() | ast.Try() | ast.With():
                yield from _imports(
                    [node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom)]
                )
            case _:
                pass


def own(name: str) -> str | None:
    """The layer of a module of ours; names defined in `redisvss` itself are its public face."""
    package, _, rest = name.partition(".")
    part = rest.split(".")[0]
    return None if package != "redisvss" else part if part in LEVEL_OF else "__init__"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    here = layer(path)
    assert here in LEVEL_OF, f"{here} has no level yet"
    targets = {name: own(name) for name in imports(path)}
    upward = {name for name, target in targets.items() if target is not None and LEVEL_OF[target] < LEVEL_OF[here]}
    assert not upward


@pytest.mark.parametrize("path", sorted((ROOT / "index").rglob("*.py")), ids=lambda path: path.name)
def test_index_knows_nothing_but_numbers(path: Path) -> None:
    allowed = sys.stdlib_module_names | INDEX_MAY_IMPORT
    foreign = {name for name in imports(path) if not any(name == a or name.startswith(f"{a}.") for a in allowed)}
    assert not foreign
