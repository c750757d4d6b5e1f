"""Ctrl-C, SIGTERM and the end of the lifetime break a run off, so that it can clear up after itself."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType


class InterruptedRunError(BaseException):
    """A signal came; not a TerpError, so that nothing on its way takes it for a failure of its own."""

    def __init__(self, message: str, phase: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.phase = phase

    def within(self, phase: str) -> "InterruptedRunError":
        """The same, with the phase that it came in."""
        return InterruptedRunError(self.message, phase)


SAID = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "asked to end (SIGTERM)",
    signal.SIGALRM: "its lifetime is over",
}


@contextmanager
def interruptions(lifetime: timedelta) -> Iterator[None]:
    """Each raises `InterruptedRunError` in the block; afterwards none is heeded while the stack is removed.

    What does not end then is killed, and the next `terp reap` clears up.
    """

    def interrupt(number: int, _: FrameType | None) -> None:
        heed(_nothing)
        raise InterruptedRunError(SAID[signal.Signals(number)])

    heed(interrupt)
    signal.setitimer(signal.ITIMER_REAL, lifetime.total_seconds())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        heed(_nothing)


def heed(handler: Callable[[int, FrameType | None], None]) -> None:
    """Let a function take the signals: unlike SIG_IGN, programs that are started do not inherit it."""
    for each in SAID:
        signal.signal(each, handler)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Go on."""
