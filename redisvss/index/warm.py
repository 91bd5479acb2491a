"""When compiled kernels may be used: nobody waits for numba to load or compile.

`ready` answers at once. The first time it is asked for a type and metric, a daemon thread starts to compile (once per
machine; later processes load the code from disk in about a second); until it is done, searches go through numpy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from redisvss.index.bitmaps import ids_of
from redisvss.index.distance import INTEGER_TYPES, Metric, encode, prepare
from redisvss.index.matrix import RowStore

_INTEGER_DIMS = 33_000  # kernels sum integers in 32 bits: 2³¹ / 255²

_Key = tuple[str, Metric]
_done: set[_Key] = set()
_started: dict[_Key, threading.Event] = {}
_waiting: dict[_Key, list[Callable[[], None]]] = {}
_lock = threading.Lock()
_one_at_a_time = threading.Lock()  # compiling two in parallel would only take turns at the interpreter's lock


def ready(dtype: str, metric: Metric, dim: int) -> bool:
    """Whether kernels for this type and metric can run now; starts their preparation when nobody has."""
    if (dtype, metric) not in _done:
        start(dtype, metric)
    return loaded(dtype, metric, dim)


def loaded(dtype: str, metric: Metric, dim: int) -> bool:
    """Whether kernels can run now; starts nothing."""
    return (dtype, metric) in _done and (dtype not in INTEGER_TYPES or dim <= _INTEGER_DIMS)


def start(dtype: str, metric: Metric, then: Callable[[], None] | None = None) -> threading.Event:
    """Prepare kernels in the background; the event is set, and `then` called from that thread, when they are ready."""
    key = (dtype, metric)
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


def wait(dtype: str, metric: Metric) -> None:
    """Block until kernels for this type and metric are ready, or have failed: then searches go on through numpy."""
    start(dtype, metric).wait()


def _run(dtype: str, metric: Metric) -> None:
    try:
        with _one_at_a_time:
            _exercise(dtype, metric)
        with _lock:
            _done.add((dtype, metric))
            waiting = _waiting.pop((dtype, metric), [])
    finally:  # a full disk, say: the interpreter reports it, nobody waits for ever
        _started[dtype, metric].set()
    for then in waiting:
        then()


def _exercise(dtype: str, metric: Metric) -> None:
    """Call every kernel once on a small index, which compiles it or loads it from the cache."""
    from redisvss.index import compiled
    from redisvss.index.coarse import CoarseRows
    from redisvss.index.hnsw import Graph

    store = RowStore(dtype, 8, metric)
    raw = encode(np.random.default_rng(0).normal(size=(300, 8)) * 50 + 60, dtype)
    rows = store.add(np.arange(300), raw, np.arange(300))
    graph = Graph(store, 4, 8, seed=0)
    graph.admit(rows)
    graph.link(rows)
    query = prepare(raw[0], dtype, metric)
    graph.search(query, 8)
    graph.filtered(query, 8, compiled.words_of(store.docs), 1.0, 3, 100)
    graph.within(query, 1.0, 0.01, 100)
    graph.kill(store.kill([1, 2]))
    graph.mend(300)
    compiled.measure(store, query, rows)
    compiled.measure(store, query, None)
    compiled.top(store, query, rows, 1)
    compiled.top_of_docs(store, query, ids_of(store.docs), 1)
    if dtype not in INTEGER_TYPES:
        copy = CoarseRows(store)
        copy.candidates(query, 1)
        copy.candidates_of([query], 1)
