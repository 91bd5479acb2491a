"""Many readers or one writer, and no reader passes a writer that waits."""

from __future__ import annotations

import threading

from redisvss.locks import ReadWriteLock

WAIT = 10.0  # seconds until a thread that does not come is given up
MOMENT = 0.05  # long enough for a thread that may go on to have done so


def in_thread(run: object) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_readers_hold_it_together() -> None:
    lock, both = ReadWriteLock(), threading.Barrier(2, timeout=WAIT)

    def read() -> None:
        with lock.read():
            both.wait()

    other = in_thread(read)
    read()
    other.join(WAIT)
    assert not other.is_alive()


def test_a_writer_waits_for_readers_and_later_readers_for_the_writer() -> None:
    lock, order, waiting, late = ReadWriteLock(), [], threading.Event(), threading.Event()

    def write() -> None:
        waiting.set()
        with lock.write():
            order.append("written")

    def read() -> None:
        with lock.read():
            order.append("read")
            late.set()

    with lock.read():
        writer = in_thread(write)
        assert waiting.wait(WAIT)
        while not lock._writers_waiting:
            pass
        reader = in_thread(read)
        assert not late.wait(MOMENT)
        assert order == []
    writer.join(WAIT)
    reader.join(WAIT)
    assert order == ["written", "read"]


def test_an_error_lets_it_go() -> None:
    lock = ReadWriteLock()
    for side in (lock.read, lock.write, lock.read):
        try:
            with side():
                raise ValueError
        except ValueError:
            pass
    with lock.write():
        pass
