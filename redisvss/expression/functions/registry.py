"""Which functions exist: name, how many arguments, and what they do to whole columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redisvss.expression.frame import Operand
from redisvss.expression.values import EvaluationError, Value, is_string, type_number

Implementation = Callable[..., Operand]


@dataclass(frozen=True)
class Function:
    """call(frame, *operands) → operand. A wrong number of arguments is noticed at the first row, not when parsing."""

    name: str
    low: int
    high: int | None  # None: no upper bound
    arity_error: str
    call: Implementation

    def takes(self, count: int) -> bool:
        return self.low <= count and (self.high is None or count <= self.high)


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str, low: int, high: int | None, arity_error: str | None = None
) -> Callable[[Implementation], Implementation]:
    """Register `implementation(frame, *operands)`."""

    def register(implementation: Implementation) -> Implementation:
        text = f"Invalid arguments for function '{name}'" if arity_error is None else arity_error
        FUNCTIONS[name] = Function(name, low, high, text, implementation)
        return implementation

    return register


def require_string(name: str, position: int, value: Value) -> None:
    """Raises RediSearch's complaint, which quotes its own source, unless the value is a string."""
    if not is_string(value):
        raise wrong_type(name, position, value, "VALIDATE_ARG__STRING(v, 0)")


def wrong_type(name: str, position: int, value: Value, check: str) -> EvaluationError:
    return EvaluationError(
        f"Invalid type ({type_number(value)}) for argument {position} in function '{name}'. {check} was false."
    )
