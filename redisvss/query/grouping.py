"""Small decisions both grammars share: joining operands into intersections and unions, text without its escapes.

An operand is a node, a `Group` still being collected, or None where the query said nothing (a stop word).
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from redisvss import ast

Fields = tuple[str, ...] | None


@dataclass(slots=True)
class Group:
    """An intersection or union that may still grow; a list, so that a thousand words do not copy a thousand tuples."""

    type: type[ast.Intersect] | type[ast.Union]
    children: list[ast.Node]
    fields: Fields
    attributes: ast.Attributes = ast.NO_ATTRIBUTES


Operand = ast.Node | Group | None


def freeze(operand: ast.Node | Group) -> ast.Node:
    if isinstance(operand, Group):
        return operand.type(tuple(operand.children), fields=operand.fields, attributes=operand.attributes)
    return operand


def join(
    kind: type[ast.Intersect] | type[ast.Union], left: Operand, right: Operand, fields: Fields, *, flatten: bool
) -> Operand:
    """`left right` or `left | right`, inside the scope `fields`.

    A group on the left takes the right operand in, even where the group carries attributes: `(a b)=>{$slop:1} c`
    is one group of three with that slop (seen on 2.10.5 and 2.10.33). With `flatten`, a group on the right takes the
    left operand in too, as 2.10.33 does; that version appends it, we keep the order written, since INORDER reads it.
    """
    if left is None or right is None:
        return right if left is None else left
    if isinstance(left, Group) and left.type is kind and left.fields == fields:
        left.children.append(freeze(right))
        return left
    if flatten and isinstance(right, Group) and right.type is kind and _plain(right, fields):
        right.children.insert(0, freeze(left))
        return right
    return Group(kind, [freeze(left), freeze(right)], fields)


def _plain(group: Group, fields: Fields) -> bool:
    return group.fields == fields and group.attributes is ast.NO_ATTRIBUTES


def with_attributes(operand: Operand, items: list[tuple[str, ast.Text]]) -> Operand:
    """The operand carrying these attributes after any it has; on a stop word they are lost with the word."""
    if operand is None or not items:
        return operand
    attributes = ast.Attributes(operand.attributes.items + tuple(items))
    if isinstance(operand, Group):
        operand.attributes = attributes
        return operand
    return dataclasses.replace(operand, attributes=attributes)


def decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


_ESCAPING = re.compile(rb"\\(?=[!-/:-@\[-`{-~\t-\r ])")


def unescape(text: bytes) -> str:
    r"""The text without its escapes: every backslash before punctuation or a blank goes, so `\\-` is `-`."""
    return decode(_ESCAPING.sub(b"", text) if b"\\" in text else text)
