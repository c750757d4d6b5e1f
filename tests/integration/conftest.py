"""What areas with real tools share."""

import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from terp.paths import cache_dir
from terp.progress import Progress, progress_for


@pytest.fixture(scope="session")
def progress() -> Iterator[Progress]:
    """Shown with the output of a test, and learning for the next run."""
    with progress_for(Console(file=sys.stderr), cache_dir() / "timings.json") as story:
        yield story
