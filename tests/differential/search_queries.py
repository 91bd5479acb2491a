"""Random FT.SEARCH commands for a `World`: query, KNN, options, and damage that makes errors."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from search_cases import LANGUAGES, SCORERS, TAGS, VOCABULARY, Case, Clause, Field, Words, World, Worlds

PUNCTUATION = [*'|-~()[]{}:;*%"@=>,.$', "=>", "@t:", "@n:[", "@g:{"]
PARAMS = {"word": "run", "num": "2", "tag": "red", "radius": "200", "unit": "km", "pre": "he", "k": "3"}
CRASHES = "{$"  # `=>{…` damaged in the middle ends the reference: such queries are not damaged


@dataclass
class Queries:
    """The FT.SEARCH commands for one world."""

    chance: random.Random
    world: World
    expands: bool = False  # asks for FORMAT EXPAND, which RESP3 has
    dialect: int = 2
    wants_params: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    yielded: list[str] = field(default_factory=list)
    alternatives: int = 0  # unions around what is made; the reference may lose a distance in one

    def next(self) -> Case:
        self.dialect = self.chance.choice((1, 2, 2, 2, 2, 3, 4))
        self.wants_params, self.blobs, self.yielded = False, {}, []
        star = self.chance.random() < 0.15
        clause = Clause("all", "*") if star else self.clause(self.chance.choice((0, 1, 1, 2, 2, 3)), ranges=True)
        knn = self._knn() if self.dialect > 1 and self.chance.random() < 0.3 else ""
        if knn and not star:
            clause = Clause("group", "({})", (clause,))
        case = Case(clause, knn)
        case = replace(case, options=tuple(self._options(case)))
        if self.chance.random() < 0.06 and CRASHES not in case.query:
            case = replace(case, damaged=self._damage(case.query))
        return case

    # ---- clauses ----------------------------------------------------------------------------------------------------

    def clause(self, depth: int, ranges: bool = False) -> Clause:
        kind = self.chance.random()
        if depth > 0 and kind < 0.45:
            return self._joined(depth, ranges)
        if depth > 0 and kind < 0.55:
            shape = self.chance.choice(("-", "~"))
            inner = Clause("group", "({})", (self.clause(depth - 1),))
            return Clause("not" if shape == "-" else "opt", shape + "{}", (inner,))
        if depth > 0 and kind < 0.6 and self.dialect > 1:
            return self._attributed(depth)
        return self._leaf(ranges)

    def _joined(self, depth: int, ranges: bool) -> Clause:
        kind = self.chance.choice(("and", "and", "or"))
        self.alternatives += kind == "or"
        parts = tuple(self.clause(depth - 1, ranges) for _ in range(self.chance.choice((2, 2, 3))))
        self.alternatives -= kind == "or"
        joint = self.chance.choice((" ", " ", "  ")) if kind == "and" else self.chance.choice(("|", " | "))
        return Clause(kind, "(" + joint.join("{}" for _ in parts) + ")", parts)

    def _attributed(self, depth: int) -> Clause:
        attribute = self.chance.choice(
            ("$weight: 2", "$weight:0.5", "$slop:1", "$slop: 3; $inorder: true", "$inorder:1")
        )
        shape = "({})=>{{" + attribute + "}}"
        return Clause("attribute", shape, (self.clause(depth - 1),))

    def _leaf(self, ranges: bool) -> Clause:
        kinds = ["TEXT"] * 6 + ["TAG", "TAG", "NUMERIC", "NUMERIC", "GEO", "GEOSHAPE", "MISSING", "WRONG"]
        kind = self.chance.choice([*kinds, "VECTOR"] if ranges else kinds)
        fields = self.world.of_type(kind)
        match kind:
            case "MISSING" if self.dialect > 1:
                return Clause("metric", f"ismissing(@{self._any().name})")
            case "WRONG":
                shape = self.chance.choice(("@nosuch:hello", "@nosuch:{{a}}", "@t:{{red}}", "@t:[1 2]", "@k:hello"))
                return Clause("none", shape.format())
            case "TAG" if fields:
                return self._tag(self.chance.choice(fields))
            case "NUMERIC" if fields:
                return self._numeric(self.chance.choice(fields))
            case "GEO" if fields:
                return self._geo(self.chance.choice(fields))
            case "GEOSHAPE" if fields and self.dialect > 1:
                return self._geoshape(self.chance.choice(fields))
            case "VECTOR" if fields and self.dialect > 1:
                return self._vector_range(self.chance.choice(fields))
            case _:
                return self._text()

    def _any(self) -> Field:
        return self.chance.choice(self.world.fields)

    def _text(self) -> Clause:
        kind, word = self.chance.random(), self.chance.choice(VOCABULARY)
        plain = "".join(c for c in word if c.isascii() and c.isalpha()) or "help"
        if kind < 0.5:
            made = Clause("term", word)
        elif kind < 0.6:
            made = Clause(
                "phrase", '"' + " ".join(self.chance.choices(VOCABULARY[:28], k=self.chance.randint(1, 2))) + '"'
            )
        elif kind < 0.72:
            shape = self.chance.choice(("{}*", "*{}", "*{}*"))
            made = Clause("affix", shape.format(plain[: self.chance.randint(1, 4)]))
        elif kind < 0.8:
            made = Clause("affix", self.chance.choice(("%{}%", "%%{}%%")).format(plain))
        elif kind < 0.86 and self.dialect > 1:
            made = Clause("affix", f"w'{self.chance.choice(('*', '?', ''))}{plain[1:3]}*'")
        elif kind < 0.9 and self.dialect > 1:
            made = Clause("term", "$word") if self._param() else made
        else:
            made = Clause("term", word)
        return self._scoped(made)

    def _param(self) -> bool:
        self.wants_params = True
        return True

    def _scoped(self, made: Clause) -> Clause:
        texts = [f.name for f in self.world.of_type("TEXT")]
        if self.chance.random() < 0.6:
            return made
        names = "|".join(self.chance.sample(texts, self.chance.randint(1, len(texts))))
        return Clause("scope", f"@{names}:({{}})", (made,))

    def _tag(self, declared: Field) -> Clause:
        items = [self._tag_item() for _ in range(self.chance.choice((1, 1, 2)))]
        joined = "|".join(items).replace("{", "{{").replace("}", "}}")
        return Clause("or" if len(items) > 1 else "tag", f"@{declared.name}:{{{joined}}}")

    def _tag_item(self) -> str:
        tag, kind = self.chance.choice(TAGS), self.chance.random()
        if kind < 0.1:
            return f"{tag[:2]}*" if tag[:2].isalnum() else "re*"
        if kind < 0.15:
            return f"*{tag[-2:]}" if tag[-2:].isalnum() else "*ue"
        if kind < 0.25 and self.dialect > 1:
            return self.chance.choice((f'"{tag}"', "$tag" if self._param() else "", "w'*e*'"))
        return "".join(c if c.isalnum() else "\\" + c for c in tag)

    def _numeric(self, declared: Field) -> Clause:
        low, high = (
            self.chance.choice(("0", "(1", "-inf", "2", "-3")),
            self.chance.choice(("2", "(100", "+inf", "17.25")),
        )
        if self.dialect > 1 and self.chance.random() < 0.3:
            operator = self.chance.choice(("==", "!=", ">", "<=", ">="))
            return Clause("not" if operator == "!=" else "range", f"@{declared.name}{operator}2")
        if self.dialect > 1 and self.chance.random() < 0.1 and self._param():
            low = "$num"
        return Clause("range", f"@{declared.name}:[{low} {high}]")

    def _geo(self, declared: Field) -> Clause:
        radius, unit = self.chance.choice((("150", "km"), ("300000", "m"), ("200", "mi"), ("0", "km"), ("5", "parsec")))
        return Clause("range", f"@{declared.name}:[{self.chance.uniform(-3, 3):.2f} 0.5 {radius} {unit}]")

    def _geoshape(self, declared: Field) -> Clause:
        name = f"wkt{len(self.blobs)}"
        self.blobs[name] = Worlds(self.chance).shape().encode()
        predicate = self.chance.choice(("WITHIN", "CONTAINS", "INTERSECTS", "DISJOINT", "within"))
        return Clause("shape", f"@{declared.name}:[{predicate} ${name}]")

    def _vector_range(self, declared: Field) -> Clause:
        shape = f"@{declared.name}:[VECTOR_RANGE {self.chance.choice(('0.5', '1', '2', '0'))} ${self._blob(declared)}]"
        if self.chance.random() < 0.5 and not self.alternatives:
            name = f"d{len(self.yielded)}"
            self.yielded.append(name)
            shape += f"=>{{$yield_distance_as: {name}}}"
        return Clause("metric", shape)

    def _blob(self, declared: Field) -> str:
        name = f"v{len(self.blobs)}"
        self.blobs[name] = Worlds(self.chance).vector(declared) if self.chance.random() < 0.97 else b"abc"
        return name

    def _knn(self) -> str:
        fields = self.world.of_type("VECTOR")
        if not fields:
            return ""
        declared = self.chance.choice(fields)
        number = self.chance.choice(("1", "3", "10", "$k", "0"))
        self.wants_params |= number == "$k"
        alias = self.chance.choice(("", "", " AS dist"))
        self.yielded.append("dist" if alias else f"__{declared.name}_score")
        extra = self.chance.choice(("", "", "", " EF_RUNTIME 50", " HYBRID_POLICY ADHOC_BF", " BATCH_SIZE 10"))
        return f"=>[KNN {number} @{declared.name} ${self._blob(declared)}{extra}{alias}]"

    # ---- options ----------------------------------------------------------------------------------------------------

    def _options(self, case: Case) -> list[Words]:
        """Those that are there for the comparison first: dialect, parameters, a page that holds all."""
        options: list[Words] = [("DIALECT", str(self.dialect))]
        params: dict[str, str | bytes] = {**(PARAMS if self.wants_params else {}), **self.blobs}
        if params:
            words = tuple(word for pair in params.items() for word in pair)
            options.append(("PARAMS", str(len(words)), *words))
        scored = "$weight" in case.query
        if case.knn or self._some(0.5) or any("NOSTEM" in f.words for f in self.world.fields) or "-" in case.query:
            options.append(("VERBATIM",))
        options += self._sorting()
        options += self._shown()
        scorers = [name for name in SCORERS if not (scored and name.startswith("BM25"))]
        if self._some(0.6):
            options.append(("SCORER", self.chance.choice(scorers)))
        alike = not self.world.is_json  # excerpts cut through JSON lists there
        if alike and not case.knn and "VECTOR" not in case.query:  # and those of such hits end the reference
            options += self._excerpts()
        options += self._narrowing(case)
        if self.expands and self._some(0.3):
            options.append(("FORMAT", "EXPAND" if self.world.is_json or self._some(0.1) else "STRING"))
        return options

    def _some(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _sorting(self) -> list[Words]:
        if self.dialect == 4 or self._some(0.6):
            return [("LIMIT", "0", "1000"), ("WITHSCORES",)]
        lists = {"m"} if self.world.is_json else set()  # which the reference refuses to sort by, or not
        names = [f.name for f in self.world.fields if f.type != "VECTOR" and f.name not in lists]
        name = self.chance.choice(names + self.yielded * 3)
        order = self.chance.choice(((), ("ASC",), ("DESC",)))
        sorting: list[Words] = [("SORTBY", name, *order)]
        if self._some(0.5):
            sorting.append(("LIMIT", str(self.chance.choice((0, 0, 2))), str(self.chance.choice((0, 3, 1000)))))
        if self._some(0.3):
            sorting.append(("WITHSORTKEYS",))
        return sorting

    def _shown(self) -> list[Words]:
        kind = self.chance.random()
        if kind < 0.3:
            return [("NOCONTENT",)]
        if kind < 0.7:
            names = [*(f.name for f in self.world.fields), "raw", "nosuch", "__key", *self.yielded]
            chosen = self.chance.sample(names, self.chance.randint(1, min(4, len(names))))
            words = [word for name in chosen for word in (name, *(("AS", f"{name}2") if self._some(0.1) else ()))]
            return [("RETURN", str(len(words)), *words)]
        return []

    def _excerpts(self) -> list[Words]:
        texts = [f.name for f in self.world.of_type("TEXT")]
        named = ("FIELDS", "1", self.chance.choice(texts))
        found: list[Words] = []
        if self._some(0.06):
            fields = named if self._some(0.4) else ()
            found.append(("HIGHLIGHT", *fields, *(("TAGS", "_", "/") if self._some(0.3) else ())))
        if self._some(0.05):
            size = ("FRAGS", "2", "LEN", self.chance.choice(("3", "8"))) if self._some(0.7) else ()
            found.append(("SUMMARIZE", *named, *size, *(("SEPARATOR", " / ") if self._some(0.3) else ())))
        return found

    def _narrowing(self, case: Case) -> list[Words]:
        found: list[Words] = []
        if self._some(0.08):
            found.append(
                ("FILTER", self.chance.choice(("n", "m", "k", "nosuch")), "(1", self.chance.choice(("20", "+inf")))
            )
        if self._some(0.05):
            found.append(("GEOFILTER", self.chance.choice(("l", "nosuch")), "0", "0", "250", "km"))
        if self._some(0.06):
            found.append(("INKEYS", "4", "d:1", "d:2", "d:5", "d:99"))
        if self._some(0.08):
            found.append(("SLOP", str(self.chance.randint(0, 4))))
        if self._some(0.06):
            found.append(("INORDER",))
        if self._some(0.05):
            found.append(("LANGUAGE", self.chance.choice((*LANGUAGES, "klingon"))))
        if self._some(0.06) and case.clause.only_text() and not found:
            texts = [f.name for f in self.world.of_type("TEXT")]
            found.append(("INFIELDS", "1", self.chance.choice((*texts, "nosuch"))))
        if self._some(0.05):
            found.append(("PAYLOAD", self.chance.choice(("extra", "ex", "12"))))
        if self._some(0.05):
            found.append(("EXPLAINSCORE",))
        if self._some(0.05):
            found.append(("NOSTOPWORDS",))
        if self._some(0.03):
            found.append(("WITHPAYLOADS",))
        if self._some(0.03):
            found.append(
                self.chance.choice((("LIMIT", "a", "b"), ("FOO",), ("SCORER", "X"), ("SLOP", "x"), ("INKEYS", "9")))
            )
        return found

    def _damage(self, query: str) -> str:
        at: int = self.chance.randrange(len(query) + 1)
        match self.chance.randrange(3):
            case 0:
                return query[:at] + query[at + 1 :]
            case 1:
                return query[:at] + self.chance.choice(PUNCTUATION) + query[at:]
            case _:
                return query[:at] + query[at : at + 2][::-1] + query[at + 2 :]
