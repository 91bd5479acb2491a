"""Where compiled kernels are kept on disk, so that they are compiled once per machine.

Numba recompiles a function when the text of its own file has changed, but not when a function it calls in another file
has: after an upgrade in place, `scan.py`'s compiled code would still hold the old `arith.py`. So the directory bears a
print of every kernel's text, and other texts look in another directory. (Numba tells its own versions, processors
and versions of Python apart by itself.)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import config as _numba

_config: Any = _numba  # untyped: its names are made at run time
_HERE = Path(__file__).parent


def text_print(folder: Path) -> str:
    """Of every Python file's name and text."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def directory() -> Path | None:
    """The first that can be written: in NUMBA_CACHE_DIR, beside the kernels, in the user's cache; None if none can."""
    name = f"redisvss-kernels-{text_print(_HERE)}"
    given = [Path(_config.CACHE_DIR)] if _config.CACHE_DIR else []
    beside = _HERE / "__pycache__"
    chosen = next((base / name for base in (*given, beside, _users()) if _writable(base / name)), None)
    if chosen is not None and chosen.parent == beside:
        _forget_others(chosen)
    return chosen


def _users() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(base or Path("~/.cache").expanduser()) / "redisvss"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _forget_others(chosen: Path) -> None:
    """What earlier texts of this installation left. A process that still runs them makes its directory again."""
    for old in chosen.parent.glob("redisvss-kernels-*"):
        if old != chosen:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def kept() -> Iterator[bool]:
    """Functions that numba is given meanwhile are kept in `directory`; False when there is none."""
    before, chosen = _config.CACHE_DIR, directory()
    _config.CACHE_DIR = str(chosen or before)
    try:
        yield chosen is not None
    finally:
        _config.CACHE_DIR = before
