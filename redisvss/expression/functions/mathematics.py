"""log, log2, exp, sqrt, floor, ceil, abs: one double in, one out; what is no number gives NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from redisvss.expression.columns import Numbers
from redisvss.expression.frame import Frame, Operand, each
from redisvss.expression.functions.registry import function
from redisvss.expression.values import NEGATIVE_NAN, POSITIVE_NAN, to_number


def numbers_or_nan(operand: Operand, size: int) -> Numbers:
    """The operand as doubles, NaN where a value is none; (1,) for a constant."""
    if isinstance(operand, np.ndarray) and operand.dtype != object:
        return operand
    values = each(operand, size) if isinstance(operand, np.ndarray) else [operand]
    found = [to_number(value) for value in values]
    return np.array([POSITIVE_NAN if number is None else number for number in found], np.float64)


def _apply(ufunc: Callable[[Numbers], Numbers], frame: Frame, operand: Operand) -> Operand:
    argument = numbers_or_nan(operand, frame.size)
    with np.errstate(all="ignore"):
        result = ufunc(argument)
    # An invalid operation gives the NaN x86 gives, on every machine: it prints as `-nan`.
    result = np.where(np.isnan(result) & ~np.isnan(argument), NEGATIVE_NAN, result)
    return result if isinstance(operand, np.ndarray) else float(result[0])


def _register(name: str, ufunc: Callable[[Any], Any], reported: str | None = None) -> None:
    error = f"Invalid number of arguments for {reported or name}"
    function(name, 1, 1, error)(lambda frame, operand: _apply(ufunc, frame, operand))


for _name, _ufunc in {
    "log": np.log,
    "log2": np.log2,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
}.items():
    _register(_name, _ufunc)
_register("abs", np.abs, reported="fabs")
