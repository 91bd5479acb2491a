"""When compiled kernels may be used: nobody waits for numba to load or compile.

Kernels come in parts, each made ready on its own for a type and metric, so that a field waits for no more than it
uses. `ready` answers at once. The first time it is asked, a daemon thread starts to compile (once per machine; later
processes load the code from disk in about a second); until it is done, searches go through numpy.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable

import numpy as np

from redisvss.index.bitmaps import ids_of
from redisvss.index.distance import INTEGER_TYPES, Metric, Query, encode, prepare
from redisvss.index.matrix import RowStore

_INTEGER_DIMS = 33_000  # kernels sum integers in 32 bits: 2³¹ / 255²


class Part(str, enum.Enum):
    """SCAN: exact distances of rows in order or by list.  COARSE: the int8 copy of a large FLAT field of floats.
    GRAPH: building, searching and mending a graph."""

    SCAN = "scan"
    COARSE = "coarse"
    GRAPH = "graph"


_Key = tuple[Part, str, Metric]
_done: set[_Key] = set()
_started: dict[_Key, threading.Event] = {}
_waiting: dict[_Key, list[Callable[[], None]]] = {}
_lock = threading.Lock()
# One at a time of each part: numba compiles one function at a time anyway, and scans, which take a fifth of a graph's
# time, would else wait for every graph that was asked for before.
_turn = {part: threading.Lock() for part in Part}


def ready(part: Part, dtype: str, metric: Metric, dim: int) -> bool:
    """Whether these kernels can run now; starts their preparation when nobody has."""
    if (part, dtype, metric) not in _done:
        start(part, dtype, metric)
    return loaded(part, dtype, metric, dim)


def loaded(part: Part, dtype: str, metric: Metric, dim: int) -> bool:
    """Whether these kernels can run now; starts nothing."""
    return (part, dtype, metric) in _done and (dtype not in INTEGER_TYPES or dim <= _INTEGER_DIMS)


def start(part: Part, dtype: str, metric: Metric, then: Callable[[], None] | None = None) -> threading.Event:
    """Prepare kernels in the background; the event is set, and `then` called from that thread, when they are ready."""
    key = (part, dtype, metric)
    with _lock:
        event = _started.get(key)
        if event is None:
            event = _started[key] = threading.Event()
            threading.Thread(target=_run, args=key, name="redisvss-warm", daemon=True).start()
        if then is not None and key not in _done:
            _waiting.setdefault(key, []).append(then)
            then = None
    if then is not None:
        then()
    return event


def wait(part: Part, dtype: str, metric: Metric) -> None:
    """Block until these kernels are ready, or have failed: then searches go on through numpy."""
    start(part, dtype, metric).wait()


def _run(part: Part, dtype: str, metric: Metric) -> None:
    key = (part, dtype, metric)
    try:
        with _turn[part]:
            _exercise(part, dtype, metric)
        with _lock:
            _done.add(key)
            waiting = _waiting.pop(key, [])
    finally:  # a full disk, say: the interpreter reports it, nobody waits for ever
        _started[key].set()
    for then in waiting:
        then()


def _exercise(part: Part, dtype: str, metric: Metric) -> None:
    """Call every kernel of a part once on a small index, which compiles it or loads it from the cache."""
    store = RowStore(dtype, 8, metric)
    raw = encode(np.random.default_rng(0).normal(size=(300, 8)) * 50 + 60, dtype)
    store.add(np.arange(300), raw, np.arange(300))
    {Part.SCAN: _scan, Part.COARSE: _copy, Part.GRAPH: _walk}[part](store, prepare(raw[0], dtype, metric))


def _scan(store: RowStore, query: Query) -> None:
    from redisvss.index import compiled

    rows = np.arange(store.size)
    if store.dtype == "FLOAT32":
        compiled.prepare(np.frombuffer(store.vectors[0].tobytes(), store.vectors.dtype), store.metric)
    compiled.measure(store, query, rows)
    compiled.measure(store, query, None)
    compiled.top(store, query, rows, 1)
    compiled.top_of_docs(store, query, ids_of(store.docs), 1)


def _copy(store: RowStore, query: Query) -> None:
    from redisvss.index.coarse import CoarseRows

    copy = CoarseRows(store)
    copy.candidates(query, 1)
    copy.candidates_of([query], 1)


def _walk(store: RowStore, query: Query) -> None:
    from redisvss.index import compiled
    from redisvss.index.hnsw import Graph, Settled

    graph = Graph(store, 4, 8, seed=0)
    graph.admit(np.arange(store.size))
    graph.link(np.arange(store.size))
    graph.search(query, 8)
    direct = store.vectors[0] if store.dtype == "FLOAT32" else query
    Settled(graph).nearest(direct, 8, 1, 8, None)
    Settled(graph).allowed(direct, (8, 8, 1.0), 1, 8, store.docs, 1.0, 3, 100, None)
    graph.filtered(query, 8, compiled.words_of(store.docs), 1.0, 3, 100, meet=1.0)
    graph.within(query, 1.0, 0.01, 100)
    graph.kill(store.kill([1, 2]))
    graph.mend(300)
