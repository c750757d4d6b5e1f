"""Which failures of a run are passing ones."""

import json

import pytest

from terp.provider.values import SECRET, SIGNATURE
from terp.stack.events import Changes
from terp.stack.pulumi import EngineError, in_clear


@pytest.mark.parametrize(
    "said",
    [
        "Error creating port: OpenStack connection error, retries exhausted. Aborting. Last error was: EOF",
        "Expected HTTP response code [201 202] when accessing [POST http://cloud/v2.1/servers], "
        "but got 503 instead: {}",
        "when accessing [GET http://cloud/v3], but got 429 instead: Too Many Requests",
    ],
)
def test_a_cloud_that_stumbles_is_passing(said: str) -> None:
    assert EngineError(said, "", Changes()).passing


@pytest.mark.parametrize(
    "said",
    [
        "when accessing [POST http://cloud/v2.1/servers], but got 403 instead: Quota exceeded",
        "when accessing [POST http://cloud/v2.0/ports], but got 409 instead: IpAddressAlreadyAllocated",
        "unexpected state 'ERROR', wanted target 'ACTIVE'. last error: No valid host was found",
    ],
)
def test_what_the_cloud_refuses_is_not(said: str) -> None:
    assert not EngineError(said, "", Changes()).passing


def test_secrets_of_an_exported_state_are_in_clear_also_within_others():
    key = {SIGNATURE: SECRET, "plaintext": '"PEM"'}
    inner = {SIGNATURE: SECRET, "plaintext": json.dumps({"name": "n", "key": key})}
    assert in_clear([{"hosts": [inner], "none": None}]) == [
        {"hosts": [{"name": "n", "key": "PEM"}], "none": None}
    ]
