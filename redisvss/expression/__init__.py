"""RediSearch's expression language: what APPLY, FILTER and the FILTER of an index are written in."""

from redisvss.expression.columns import Column, column_of
from redisvss.expression.evaluate import evaluate
from redisvss.expression.filter import CompiledFilter, compile_filter
from redisvss.expression.frame import Context, Frame
from redisvss.expression.parser import ExpressionError, parse_expression
from redisvss.expression.tree import describe, properties
from redisvss.expression.values import Multi, Text, Value

__all__ = [
    "Column",
    "CompiledFilter",
    "Context",
    "ExpressionError",
    "Frame",
    "Multi",
    "Text",
    "Value",
    "column_of",
    "compile_filter",
    "describe",
    "evaluate",
    "parse_expression",
    "properties",
]
