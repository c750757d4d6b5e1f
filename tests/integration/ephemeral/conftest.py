"""A cloud of records, and what somebody puts there by hand."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.conftest import cloud, sites
from tests.integration.tools.conftest import toolchain

__all__ = ["cloud", "sites", "toolchain"]

Terp = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def terp(cloud: EmbeddedCloud) -> Terp:
    """`terp(...)`: a command on this cloud, to its end with a code."""

    def run(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*cloud.prefix, sys.executable, "-m", "terp", *args],
            env=cloud.env,
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=280,
        )
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    return run


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What a command with --json said last."""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
