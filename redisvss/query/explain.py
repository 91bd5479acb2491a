"""FT.EXPLAIN: the clauses of a query as RediSearch 2.10 prints them, words with all they stand for.

It walks the parsed tree, since a clause is shown as it was written even where the schema lets it match nothing, and
asks the binder only what a word expands to. Nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from redisvss import ast
from redisvss.fields.base import BindContext, Leaf
from redisvss.fields.numeric import resolve_bounds
from redisvss.fields.vector import own_attributes
from redisvss.query.bind import attributes_of
from redisvss.query.bound import BoundNode, Nothing, Or
from redisvss.query.text_leaves import Exact, TermLeaf, bind_text
from redisvss.searchindex import SearchIndex

_SHAPES = {"CONTAINS": 0, "WITHIN": 1, "INTERSECTS": 2, "DISJOINT": 3}
_EMPTY = ["<empty>"]

Lines = list[str]


def explain_query(tree: ast.Node, index: SearchIndex, context: BindContext, restrictions: Sequence[Leaf]) -> str:
    """Each clause on a line ending in a newline. restrictions: what INKEYS, FILTER and GEOFILTER add.

    Raises QueryError as `bind` would for a parameter or attribute that is wrong.
    """
    shown = _Explainer(index, context).node(tree)
    if restrictions:
        shown = _block("INTERSECT ", [[leaf.explain()] for leaf in restrictions] + [shown])
    return "".join(f"{line}\n" for line in shown)


def _block(head: str, parts: Iterable[Lines], tail: str = "}") -> Lines:
    return [f"{head}{{", *(f"  {line}" for part in parts for line in part), tail]


class _Explainer:
    def __init__(self, index: SearchIndex, context: BindContext) -> None:
        self.index = index
        self.context = context
        self.texts = [spec for spec in index.definition.fields if spec.type == "TEXT"]

    def node(self, node: ast.Node) -> Lines:
        return self._clause(node) or _EMPTY

    def _clause(self, node: ast.Node) -> Lines:
        """No line for a stop word, which vanishes."""
        match node:
            case ast.Term() | ast.Affix() | ast.Fuzzy() | ast.Wildcard() | ast.Phrase():
                return self._text(node)
            case ast.Intersect(children):
                return self._group(node, "INTERSECT ", children)
            case ast.Union(children):
                return self._group(node, "UNION ", children)
            case ast.Not(child):
                return self._attributed(node, _block(f"{self._scope(node)}NOT", [self.node(child)]))
            case ast.Optional(child):
                return self._attributed(node, _block(f"{self._scope(node)}OPTIONAL", [self.node(child)]))
            case ast.Tag(name, items):
                return self._attributed(node, _block(f"TAG:@{name} ", map(self._tag_item, items)))
            case ast.Knn():
                return self._knn(node)
            case _:
                return self._attributed(node, [self._line(node)])

    def _group(self, node: ast.Node, name: str, children: Sequence[ast.Node]) -> Lines:
        shown = [lines for lines in map(self._clause, children) if lines]
        if len(shown) < 2:
            return shown[0] if shown else []
        return self._attributed(node, _block(f"{self._scope(node)}{name}", shown))

    def _scope(self, node: ast.Node) -> str:
        if node.fields is None:
            return ""
        return f"@{'|'.join(spec.name for spec in self.texts if spec.name in node.fields) or 'NULL'}:"

    def _attributed(self, node: ast.Node, lines: Lines) -> Lines:
        values = {} if isinstance(node, ast.VectorRange) else attributes_of(node, self.context)
        weight, slop, inorder = values.get("weight", 1.0), values.get("slop", -1), values.get("inorder", False)
        shown = f" $weight: {weight:g};" if weight != 1 else ""
        shown += f" $slop: {slop};" if slop != -1 else ""
        shown += f" $inorder: {str(bool(inorder)).lower()};" if inorder or slop != -1 else ""
        return [*lines[:-1], f"{lines[-1]} => {{{shown} }}"] if shown else lines

    # ---- words -------------------------------------------------------------------------------------------------------

    def _text(self, node: ast.Node) -> Lines:
        bound = bind_text(node, self.index.text, self.texts, self.index.definition, self.context)
        if bound is None:
            return []
        if isinstance(bound, TermLeaf) or isinstance(node, ast.Term):
            bound.weight *= attributes_of(node, self.context).get("weight", 1.0)
            return self._bound(bound, self._scope(node))
        return self._attributed(node, self._bound(bound, self._scope(node)))

    def _bound(self, bound: BoundNode, scope: str) -> Lines:
        match bound:
            case Exact(children=children):
                return _block(f"{scope}EXACT ", (self._bound(child, scope) for child in children))
            case Or(children=children, label=label):
                return _block(f"{label} ", (self._bound(child, scope) for child in children))
            case TermLeaf(weight=weight):
                return [bound.explain() + (f" => {{$weight: {weight:g};}}" if weight != 1 else "")]
            case Leaf():
                return [bound.explain()]
            case Nothing():
                return _EMPTY
            case _:
                raise TypeError(f"no text clause: {bound}")

    def _tag_item(self, item: ast.Node) -> Lines:
        """Tags are shown as written: how they are folded is the field's affair."""
        text = self.context.text
        match item:
            case ast.Term(value):
                return [text(value) or '""']
            case ast.Affix(value, prefix, suffix):
                name = {(True, False): "PREFIX", (False, True): "SUFFIX", (True, True): "INFIX"}[prefix, suffix]
                return [f"{name}{{{'*' * suffix}{text(value)}{'*' * prefix}}}"]
            case ast.Wildcard(pattern):
                return [f"WILDCARD{{{text(pattern)}}}"]
            case ast.Phrase(terms):
                return [" ".join(line for term in terms for line in self._tag_item(term))]
            case _:
                raise TypeError(f"no tag item: {item}")

    # ---- clauses of one line -----------------------------------------------------------------------------------------

    def _line(self, node: ast.Node) -> str:
        text, number = self.context.text, self.context.number
        match node:
            case ast.All():
                return "<WILDCARD>"
            case ast.Empty():
                return "<empty>"
            case ast.Missing(name):
                return f"ISMISSING{{{name}}}"
            case ast.Numeric():
                return self._numeric(node)
            case ast.Geo(name, lon, lat, radius, unit):
                circle = f"{number(lon):f},{number(lat):f} --> {number(radius):f} {text(unit).lower()}"
                return f"GEO {name}:{{{circle}}}"
            case ast.GeoShape(_, predicate, shape):
                return f"GEOSHAPE{{{_SHAPES[predicate]} {text(shape)}}}"
            case ast.VectorRange(radius=radius):
                return (
                    f"VECTOR {{Vectors that are within {number(radius):g} distance radius from {self._vector(node)}}}"
                )
            case _:
                raise TypeError(f"unknown clause: {node}")

    def _numeric(self, node: ast.Numeric) -> str:
        low, high, open_low, open_high = resolve_bounds(node, self.context)
        left, right = "<" if open_low else "<=", "<" if open_high else "<="
        return f"NUMERIC {{{low:f} {left} @{node.field} {right} {high:f}}}"

    def _knn(self, node: ast.Knn) -> Lines:
        near = f"K={int(self.context.number(node.k))} nearest vectors to {self._vector(node)}"
        if node.filter == ast.All():
            return [f"VECTOR {{{near}}}"]
        return _block("VECTOR ", [self.node(node.filter)], f"}} => {{{near}}}")

    def _vector(self, node: ast.Knn | ast.VectorRange) -> str:
        """The query vector, its field and what was written for the search, as both kinds of clause end."""
        text = self.context.text
        written = own_attributes(node)
        if isinstance(node, ast.Knn):
            written = [*node.options, *written]
        options = "".join(f", {name} = {text(value)}" for name, value in written if name != "yield_distance_as")
        yields = next((text(value) for name, value in written if name == "yield_distance_as"), "")
        if isinstance(node, ast.Knn) and not yields:
            yields = f"__{node.field}_score" if node.score_as is None else text(node.score_as)
        named = f", yields distance as `{yields}`" if yields else ""
        return f"`${node.blob.name}` in vector index associated with field @{node.field}{options}{named}"
