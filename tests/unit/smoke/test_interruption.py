"""Signals that break a run off, once."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from terp.smoke.interruption import SAID, InterruptedRunError, interruptions


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """As they were before."""
    before = {each: signal.getsignal(each) for each in SAID}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_breaks_the_block_off_and_a_second_is_not_heeded(number: int) -> None:
    with pytest.raises(InterruptedRunError), interruptions(timedelta(hours=1)):
        os.kill(os.getpid(), number)
        time.sleep(5)
    os.kill(os.getpid(), number)


def test_the_end_of_the_lifetime_breaks_it_off_too() -> None:
    with (
        pytest.raises(InterruptedRunError, match="lifetime") as broken,
        interruptions(timedelta(seconds=0.05)),
    ):
        time.sleep(5)
    assert broken.value.within("up").phase == "up"


def test_no_handler_of_errors_takes_it_for_one() -> None:
    assert not issubclass(InterruptedRunError, Exception)
