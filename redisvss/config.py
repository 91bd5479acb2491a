"""FT.CONFIG: the options RediSearch 2.10 knows, their defaults, and which may be set while running.

Options that steer machinery this engine has none of (forked garbage collection, memory pools) are kept so that clients
which read or set them carry on; they change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redisvss.errors import NOT_CONVERTIBLE, OUT_OF_BOUNDS, CommandError
from redisvss.fields.base import Limits
from redisvss.index.text import WordLengths
from redisvss.numbers import parse_integer

Value = str | None


@dataclass(frozen=True)
class Option:
    name: str
    default: Value
    help: str
    check: Callable[[str], str] | None = None  # None: not modifiable at runtime


def _number(low: int = 0, high: int = 2**63 - 1) -> Callable[[str], str]:
    def check(text: str) -> str:
        value = parse_integer(text.encode("utf-8", "surrogateescape"))
        if value is None:
            raise CommandError(NOT_CONVERTIBLE)
        if not low <= value <= high:
            raise CommandError(OUT_OF_BOUNDS)
        return str(value)

    return check


def _dialect(text: str) -> str:
    value = int(_number(1)(text))
    if value > 4:
        raise CommandError("Default dialect version cannot be higher than 4")
    return str(value)


def _stem_length(text: str) -> str:
    value = int(_number()(text))
    if value < 2:
        raise CommandError("Minimum stem length cannot be lower than 2")
    return str(value)


def _on_timeout(text: str) -> str:
    if text.lower() not in ("return", "fail"):
        raise CommandError("Invalid ON_TIMEOUT value")
    return text.lower()


def _limit(text: str) -> str:
    """A count where -1 means no limit of ours."""
    value = int(_number(-1)(text))
    return "unlimited" if value == -1 else str(value)


def _flag(text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise CommandError(NOT_CONVERTIBLE)
    return text.lower()


# In the order `FT.CONFIG GET *` lists them in 2.10.
OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("EXTLOAD", None, "Load extension scoring/expansion module"),
        Option("NOGC", "false", "Disable garbage collection (for this process)"),
        Option("MINPREFIX", "2", "Set the minimum prefix for expansions (`*`)", _number(1)),
        Option("MINSTEMLEN", "4", "Set the minimum word length to stem (default 4)", _stem_length),
        Option("FORKGC_SLEEP_BEFORE_EXIT", "0", "set the amount of seconds for the fork GC to sleep", _number()),
        Option("MAXDOCTABLESIZE", "1000000", "Maximum runtime document table size (for this process)"),
        Option("MAXSEARCHRESULTS", "1000000", "Maximum number of results from ft.search command", _limit),
        Option("MAXAGGREGATERESULTS", "unlimited", "Maximum number of results from ft.aggregate command", _limit),
        Option("MAXEXPANSIONS", "200", "Maximum prefix expansions to be used in a query", _number(1)),
        Option("MAXPREFIXEXPANSIONS", "200", "Maximum prefix expansions to be used in a query", _number(1)),
        Option("TIMEOUT", "500", "Query (search) timeout", _number()),
        Option("FRISOINI", None, "Path to Chinese dictionary configuration file (for Chinese tokenization)"),
        Option("ON_TIMEOUT", "return", "Action to perform when search timeout is exceeded", _on_timeout),
        Option("GCSCANSIZE", "100", "Scan this many documents at a time during every GC iteration", _number(1)),
        Option("MIN_PHONETIC_TERM_LEN", "3", "Minimum length of a term matched phonetically", _number(1)),
        Option("GC_POLICY", "fork", "gc policy to use (DEFAULT/LEGACY)"),
        Option("FORK_GC_RUN_INTERVAL", "30", "interval (in seconds) in which to run the fork gc", _number(1)),
        Option("FORK_GC_CLEAN_THRESHOLD", "100", "documents before the fork gc cleans", _number()),
        Option("FORK_GC_RETRY_INTERVAL", "5", "interval (in seconds) in which to retry running the forkgc", _number(1)),
        Option("FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", "true", "clean empty nodes from numeric tree", _flag),
        Option("_FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", "true", "clean empty nodes from numeric tree", _flag),
        Option("UNION_ITERATOR_HEAP", "20", "minimum number of iterators in a union to use heap", _number(1)),
        Option("CURSOR_MAX_IDLE", "300000", "max idle time allowed to be set for cursor", _number(1)),
        Option("INDEX_CURSOR_LIMIT", "128", "Max number of cursors for a given index", _number()),
        Option("NO_MEM_POOLS", "false", "Set RediSearch to run without memory pools"),
        Option("PARTIAL_INDEXED_DOCS", "false", "Optimize indexing on partial hash updates"),
        Option("UPGRADE_INDEX", "Upgrade config for upgrading", "Relevant only when loading an v1.x rdb"),
        Option("_NUMERIC_COMPRESS", "false", "Enable legacy compression of double to float", _flag),
        Option("_FREE_RESOURCE_ON_THREAD", "true", "Determine whether some resources are freed on a thread", _flag),
        Option("_PRINT_PROFILE_CLOCK", "true", "Disable print of time for ft.profile", _flag),
        Option("RAW_DOCID_ENCODING", "false", "Disable compression for DocID inverted index"),
        Option("_NUMERIC_RANGES_PARENTS", "0", "Keep numeric ranges in numeric tree parent nodes", _number(0, 2)),
        Option("DEFAULT_DIALECT", "1", "Set RediSearch default dialect version throughout the server", _dialect),
        Option("VSS_MAX_RESIZE", "0", "Set RediSearch vector indexes max resize (in bytes)", _number()),
        Option("MULTI_TEXT_SLOP", "100", "Delta of positional offsets between array slots"),
        Option("BG_INDEX_SLEEP_GAP", "100", "Iterations of indexing before sleeping", _number(1)),
        Option("_PRIORITIZE_INTERSECT_UNION_CHILDREN", "false", "Prioritize union children in intersections", _flag),
        Option("ENABLE_UNSTABLE_FEATURES", "false", "Enable unstable features", _flag),
        Option("BM25STD_TANH_FACTOR", "4", "Stretch factor of BM25STD.TANH", _number(1, 10000)),
    )
}


class Config:
    """One engine's options; values are strings as FT.CONFIG GET shows them. `revision` grows with every change."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {name: option.default for name, option in OPTIONS.items()}
        self.word_lengths = WordLengths()
        self.revision = 0
        self._derive()

    def get(self, name: str) -> Value:
        return self._values[name]

    def set(self, name: str, text: str) -> None:
        """Raises CommandError in RediSearch's words."""
        option = OPTIONS.get(name.upper())
        if option is None:
            raise CommandError("Invalid option")
        if option.check is None:
            raise CommandError("Not modifiable at runtime")
        value = option.check(text)
        for same in ("MAXEXPANSIONS", "MAXPREFIXEXPANSIONS") if option.name in _EXPANSIONS else (option.name,):
            self._values[same] = value
        self._derive()

    def _derive(self) -> None:
        """The values searches read, as numbers."""
        self.dialect = self._integer("DEFAULT_DIALECT")
        self.timeout_ms = self._integer("TIMEOUT")
        self.max_search_results = self._integer("MAXSEARCHRESULTS")
        self.fail_on_timeout = self._values["ON_TIMEOUT"] == "fail"
        self.cursor_max_idle_ms = self._integer("CURSOR_MAX_IDLE")
        self.tanh_factor = self._integer("BM25STD_TANH_FACTOR")
        self.limits = Limits(
            min_prefix=self._integer("MINPREFIX"),
            max_expansions=self._integer("MAXPREFIXEXPANSIONS"),
        )
        self.word_lengths.stemmed = self._integer("MINSTEMLEN")
        self.word_lengths.heard = self._integer("MIN_PHONETIC_TERM_LEN")
        self.revision += 1  # last: whoever reads values of both sides of a change files them under the old one

    def _integer(self, name: str) -> int:
        value = self._values[name]
        return _UNLIMITED if value in (None, "unlimited") else int(value)


_EXPANSIONS = ("MAXEXPANSIONS", "MAXPREFIXEXPANSIONS")
_UNLIMITED = 2**31  # RediSearch's own cap of "unlimited" results
