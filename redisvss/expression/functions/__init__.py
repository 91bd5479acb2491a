"""The functions of the expression language, one file per family, joined by the registry."""

from redisvss.expression.functions import dates, geo, mathematics, strings, values  # noqa: F401 (they register)
from redisvss.expression.functions.registry import FUNCTIONS, Function

__all__ = ["FUNCTIONS", "Function"]
