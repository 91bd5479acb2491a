"""The options of FT.SEARCH, read into a SearchRequest with RediSearch's own errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from redisvss.commands.args import Args, BadArgument, as_text
from redisvss.config import Config
from redisvss.documents.jsonreader import MULTI_VALUE_DIALECT
from redisvss.errors import CommandError
from redisvss.fields.geo import METRES
from redisvss.fields.numeric import parse_bound
from redisvss.index.stemming import LANGUAGES
from redisvss.numbers import parse_integer
from redisvss.query.request import GeoFilter, Highlight, NumericFilter, Returned, SearchRequest, Summarize
from redisvss.query.score import SCORERS

_MAX_TIMEOUT_MS = 2**63 - 1
_KEPT_SHAPES = 512  # searches remembered; a program has a few dozen
_KEPT_ARGUMENTS = 64  # longer ones (thousands of INKEYS) are not
_AGGREGATE_ONLY = {
    b"GROUPBY": "option `GROUPBY` is mutually exclusive with simple (i.e. search) options",
    b"ADDSCORES": "ADDSCORES is not supported on FT.SEARCH",
}


def parse_search(args: Args, config: Config, protocol: int) -> SearchRequest:
    """args: from the query on. Raises CommandError.

    The searches of a program differ in the values of their PARAMS, so the rest is read once: a tenth of a small search.
    """
    if not len(args):
        raise CommandError("No query string provided")
    return _parse_known(args.items[args.position :], config, protocol) or SearchParser(args, config, protocol).parse()


def _parse_known(items: Sequence[bytes], config: Config, protocol: int) -> SearchRequest | None:
    """By what was read of these arguments with other PARAMS; None where they must be read as they are."""
    at = _values_of_params(items)
    if at is None:
        return None
    shape, values = list(items), items[at]
    shape[at] = [b""] * len(values)
    try:
        known, position = _parse_shape(tuple(shape), config, config.revision, protocol)
    except CommandError:  # to be told of the arguments themselves
        return None
    if position != at.start:  # that PARAMS was a name, as in `RETURN 1 PARAMS`
        return None
    return known.with_params(dict(zip(known.params, values, strict=True)))


def _values_of_params(items: Sequence[bytes]) -> slice | None:
    if len(items) > _KEPT_ARGUMENTS:
        return None
    try:
        at = items.index(b"PARAMS") + 2
        count = int(items[at - 1])
    except (ValueError, IndexError):
        return None
    return slice(at + 1, at + count, 2) if 0 < count <= len(items) - at else None


@lru_cache(maxsize=_KEPT_SHAPES)
def _parse_shape(shape: tuple[bytes, ...], config: Config, revision: int, protocol: int) -> tuple[SearchRequest, int]:
    """The request and where its first parameter's value stands. revision: the config's, changed by every FT.CONFIG."""
    parser = SearchParser(Args(shape), config, protocol)
    return parser.parse(), parser.values_at


class SearchParser:
    def __init__(self, args: Args, config: Config, protocol: int) -> None:
        self.args = args
        self.config = config
        self.protocol = protocol
        self.start = args.position
        self.request = SearchRequest(args.next(), config.dialect, config.timeout_ms)
        self.seen_params = False
        self.values_at = 0  # position of the first parameter's value

    def parse(self) -> SearchRequest:
        while len(self.args):
            keyword = self.args.keyword()
            if (flag := FLAGS.get(keyword)) is not None:
                self.args.next()
                setattr(self.request, *flag)
            elif (option := OPTIONS.get(keyword)) is not None:
                self.args.next()
                option(self)
            else:
                self._unknown(keyword)
        self._check()
        self._check_names()
        return self.request

    def _unknown(self, keyword: bytes) -> None:
        self._check()
        if keyword in _AGGREGATE_ONLY:
            raise CommandError(_AGGREGATE_ONLY[keyword])
        word = as_text(self.args.next())
        raise CommandError(f"Unknown argument `{word}` at position {self.args.position - self.start - 1} for <main>")

    def _check(self) -> None:
        request = self.request
        if request.explainscore and not request.withscores:
            raise CommandError("EXPLAINSCORE must be accompanied with WITHSCORES")

    def _check_names(self) -> None:
        """RediSearch looks names up, and whether there can be a reply, when every argument has been read."""
        request = self.request
        if request.language is not None and request.language not in LANGUAGES:
            raise CommandError("No such language")
        if request.scorer not in SCORERS:
            raise CommandError(f"No such scorer {request.scorer}")
        if request.expand and self.protocol < 3:
            raise CommandError("EXPAND format is only supported with RESP3")

    # ---- options -------------------------------------------------------------------------------------------------

    def limit(self) -> None:
        if len(self.args) < 2:
            raise CommandError("LIMIT requires two arguments")
        offset, count = parse_integer(self.args.next()), parse_integer(self.args.next())
        if offset is None or count is None or offset < 0 or count < 0:
            raise CommandError("LIMIT needs two numeric arguments")
        most = self.config.max_search_results
        if count > most:
            raise CommandError(f"LIMIT exceeds maximum of {most}")
        if offset > most:
            raise CommandError(f"OFFSET exceeds maximum of {most}")
        self.request.offset, self.request.limit = offset, count

    def sortby(self) -> None:
        if self.request.sortby is not None:
            raise CommandError("Multiple SORTBY steps are not allowed")
        if not len(self.args):
            raise CommandError("Bad SORTBY arguments")
        self.request.sortby = as_text(self.args.next())
        if self.args.accept(b"DESC"):
            self.request.ascending = False
        else:
            self.args.accept(b"ASC")
        if self.args.keyword() == b"MAX":
            raise CommandError("SORTBY MAX is not supported by FT.SEARCH")

    def returned(self) -> None:
        args = self.args.counted("RETURN")
        found: dict[bytes, Returned] = {}
        while len(args):
            name = args.next()
            alias = name
            if args.accept(b"AS"):
                if not len(args):
                    raise CommandError("RETURN path AS name - must be accompanied with NAME")
                alias = args.next()
                if alias.upper() == b"AS":
                    raise CommandError("Alias for RETURN cannot be `AS`")
            found.setdefault(alias, Returned(name, alias))
        self.request.returned = tuple(found.values())

    def inkeys(self) -> None:
        self.request.inkeys = tuple(self.args.counted("INKEYS"))

    def infields(self) -> None:
        names = tuple(map(as_text, self.args.counted("INFIELDS")))
        self.request.infields = names or None  # `INFIELDS 0` restricts nothing

    def filter(self) -> None:
        if len(self.args) < 3:
            raise CommandError("FILTER requires 3 arguments")
        name, low, high = (self.args.next() for _ in range(3))
        lower, upper = parse_bound(low), parse_bound(high)
        if lower is None:
            raise CommandError(f"Bad lower range: {as_text(low)}")
        if upper is None:
            raise CommandError(f"Bad upper range: {as_text(high)}")
        self.request.filters.append(NumericFilter(as_text(name), lower[0], upper[0], lower[1], upper[1]))

    def geofilter(self) -> None:
        if len(self.args) < 5:
            raise CommandError("GEOFILTER requires 5 arguments")
        name = as_text(self.args.next())
        lon, lat, radius = (self.args.number(part) for part in ("<lon>", "<lat>", "<radius>"))
        unit = as_text(self.args.next())
        if unit.lower() not in METRES:
            raise CommandError(f"Unknown distance unit {unit}")
        self.request.geofilters.append(GeoFilter(name, lon, lat, radius, unit.lower()))

    def slop(self) -> None:
        self.request.slop = self.args.integer("SLOP")

    def timeout(self) -> None:
        if not len(self.args):
            raise CommandError("Need argument for TIMEOUT")
        value = parse_integer(self.args.next())
        if value is None or not 0 <= value <= _MAX_TIMEOUT_MS:
            raise CommandError("TIMEOUT requires a non negative integer")
        self.request.timeout_ms = value

    def language(self) -> None:
        self.request.language = as_text(self.args.need("LANGUAGE")).lower()

    def expander(self) -> None:
        self.args.need("EXPANDER")  # RediSearch takes any name and expands as usual

    def scorer(self) -> None:
        self.request.scorer = as_text(self.args.need("SCORER"))

    def tanh_factor(self) -> None:
        self.request.tanh_factor = self.args.integer("BM25STD_TANH_FACTOR", 1, 10000)

    def payload(self) -> None:
        self.request.payload = self.args.need("PAYLOAD")

    def params(self) -> None:
        if self.seen_params:
            raise CommandError("Multiple PARAMS are not allowed. Parameters can be defined only once")
        self.seen_params = True
        items = list(self.args.counted("PARAMS"))
        self.values_at = self.args.position - len(items) + 1
        if not items or len(items) % 2:
            raise CommandError("Parameters must be specified in PARAM VALUE pairs")
        for name, value in zip(items[::2], items[1::2], strict=True):
            if as_text(name) in self.request.params:
                raise CommandError(f"Duplicate parameter `{as_text(name)}`")
            self.request.params[as_text(name)] = value

    def dialect(self) -> None:
        if not len(self.args):
            raise CommandError("Need an argument for DIALECT")
        value = parse_integer(self.args.next())
        if value is None or not 1 <= value <= 4:
            raise CommandError("DIALECT requires a non negative integer >=1 and <= 4")
        if self.request.expand and value < MULTI_VALUE_DIALECT:  # not so where DIALECT stands before FORMAT
            raise CommandError("EXPAND format requires dialect 3 or greater")
        self.request.dialect = value

    def format(self) -> None:
        if not len(self.args):
            raise CommandError("Need an argument for FORMAT")
        name = self.args.next()
        if name.upper() not in (b"STRING", b"EXPAND"):
            raise CommandError(f"FORMAT {as_text(name)} is not supported")
        self.request.expand = name.upper() == b"EXPAND"

    def highlight(self) -> None:
        wanted = Highlight(self._fields("HIGHLIGHT"))
        if self.args.accept(b"TAGS"):
            if len(self.args) < 2:
                raise CommandError("Bad arguments for HIGHLIGHT")
            wanted.open_tag, wanted.close_tag = as_text(self.args.next()), as_text(self.args.next())
        self.request.highlight = wanted

    def summarize(self) -> None:
        wanted = Summarize(self._fields("SUMMARIZE"))
        while self.args.keyword() in (b"FRAGS", b"LEN", b"SEPARATOR"):
            keyword = self.args.next().upper()
            try:
                match keyword:
                    case b"FRAGS":
                        wanted.fragments = self.args.integer("FRAGS", 1)
                    case b"LEN":
                        wanted.length = self.args.integer("LEN", 1)
                    case _:
                        wanted.separator = as_text(self.args.need("SEPARATOR"))
            except BadArgument:
                raise CommandError("Bad arguments for SUMMARIZE") from None
        self.request.summarize = wanted

    def _fields(self, option: str) -> tuple[bytes, ...] | None:
        if not self.args.accept(b"FIELDS"):
            return None
        try:
            return tuple(self.args.counted("FIELDS")) or None
        except BadArgument:
            raise CommandError(f"Bad arguments for {option}") from None


FLAGS: dict[bytes, tuple[str, bool]] = {
    b"NOCONTENT": ("nocontent", True),
    b"VERBATIM": ("verbatim", True),
    b"NOSTOPWORDS": ("nostopwords", True),
    b"WITHSCORES": ("withscores", True),
    b"WITHPAYLOADS": ("withpayloads", True),
    b"WITHSORTKEYS": ("withsortkeys", True),
    b"WITHRAWIDS": ("withrawids", True),
    b"EXPLAINSCORE": ("explainscore", True),
    b"INORDER": ("inorder", True),
    b"WITHCOUNT": ("count", True),
    b"WITHOUTCOUNT": ("count", False),
}
OPTIONS: dict[bytes, Callable[[SearchParser], None]] = {
    b"LIMIT": SearchParser.limit,
    b"SORTBY": SearchParser.sortby,
    b"RETURN": SearchParser.returned,
    b"INKEYS": SearchParser.inkeys,
    b"INFIELDS": SearchParser.infields,
    b"FILTER": SearchParser.filter,
    b"GEOFILTER": SearchParser.geofilter,
    b"SLOP": SearchParser.slop,
    b"TIMEOUT": SearchParser.timeout,
    b"LANGUAGE": SearchParser.language,
    b"EXPANDER": SearchParser.expander,
    b"SCORER": SearchParser.scorer,
    b"BM25STD_TANH_FACTOR": SearchParser.tanh_factor,
    b"PAYLOAD": SearchParser.payload,
    b"PARAMS": SearchParser.params,
    b"DIALECT": SearchParser.dialect,
    b"FORMAT": SearchParser.format,
    b"HIGHLIGHT": SearchParser.highlight,
    b"SUMMARIZE": SearchParser.summarize,
}
