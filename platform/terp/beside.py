"""Work beside other work: when that fails or is interrupted, it is ended rather than waited for."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


class Ending:
    """Whether a piece of work has to end, and how what it has begun is ended."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []

    def end(self) -> None:
        """End what runs, and let nothing more begin."""
        with self._lock:
            self.over.set()
            for stop in self._stops:
                stop()

    @contextmanager
    def by(self, stop: Callable[[], None]) -> Iterator[None]:
        """What the block waits for is ended by `stop`."""
        with self._lock:
            self.check()
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    def check(self) -> None:
        """Begin nothing more when it is over."""
        if self.over.is_set():
            raise InterruptedError("ended with the work that it ran beside")


_of_this_thread: ContextVar[Ending] = ContextVar("ending")


def _ending() -> Ending:
    """That of the work that this thread does; work beside no other has one that never comes."""
    return _of_this_thread.get(None) or Ending()


@contextmanager
def beside(work: Callable[[], T]) -> Iterator[Future[T]]:
    """Do `work` in the background of the block; the end of the block waits for it, and raises its error.

    An exception in the block ends the work within a moment instead: that is why whatever takes long under
    `work` waits by `pause`, or says how it is ended (`ended_by`).
    """
    ending = Ending()
    with (
        _ending().by(ending.end),
        ThreadPoolExecutor(1, initializer=_of_this_thread.set, initargs=(ending,)) as thread,
    ):
        begun = thread.submit(work)
        try:
            yield begun
            begun.result()
        except BaseException:
            ending.end()
            raise


def workers(number: int) -> ThreadPoolExecutor:
    """Threads whose work ends with that of the thread that asks for them."""
    return ThreadPoolExecutor(number, initializer=_of_this_thread.set, initargs=(_ending(),))


@contextmanager
def ended_by(stop: Callable[[], None]) -> Iterator[None]:
    """What the block waits for can be ended from outside by `stop`.

    Raises:
        InterruptedError: this work has to end already.
    """
    with _ending().by(stop):
        yield


def pause(seconds: float = 0.0) -> None:
    """Sleep, unless this work has to end.

    Raises:
        InterruptedError: it has to.
    """
    ending = _ending()
    ending.over.wait(seconds)
    ending.check()
