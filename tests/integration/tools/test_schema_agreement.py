"""Our providers offer exactly what the SDKs from PyPI ask for: names, types, required inputs, secrets."""

import importlib
import json
import types
import warnings
from typing import Any

import pytest

from terp.command import Command
from terp.tools import Toolchain

from .sdk import config_of_schema, config_of_sdk, differences, members_of_schema, members_of_sdk

pytestmark = [
    pytest.mark.tools,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_openstack"),
]

MEMBERS = {"openstack": (114, 65), "random": (10, 0), "tls": (4, 2)}
"""How many resources and functions each SDK has: that the comparison sees them all."""


@pytest.fixture(params=MEMBERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sdk(provider: str) -> types.ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its old names say so when they are imported
        return importlib.import_module(f"pulumi_{provider}")


@pytest.fixture
def schema(provider: str, toolchain: Toolchain) -> dict[str, Any]:
    """What the running provider says of itself, asked through Pulumi."""
    pulumi = Command((str(toolchain.path("pulumi")),), env=toolchain.env(), timeout=120)
    version = next(each.version for each in toolchain.tools if each.name == f"pulumi-resource-{provider}")
    found = json.loads(pulumi.output("package", "get-schema", f"{provider}@{version}"))
    assert isinstance(found, dict)
    return found


def test_resources_and_functions_agree(provider: str, sdk: types.ModuleType, schema: dict[str, Any]) -> None:
    theirs, ours = members_of_sdk(sdk), members_of_schema(schema)
    assert (len(theirs[0]), len(theirs[1])) == MEMBERS[provider]
    assert differences(ours[0], theirs[0]) == []
    assert differences(ours[1], theirs[1]) == []


def test_the_configuration_agrees(sdk: types.ModuleType, schema: dict[str, Any]) -> None:
    assert config_of_schema(schema) == config_of_sdk(sdk)


def test_a_difference_is_seen(sdk: types.ModuleType, schema: dict[str, Any]) -> None:
    token, resource = next(iter(schema["resources"].items()))
    name = next(iter(resource["inputProperties"]))
    del resource["inputProperties"][name]
    resource["requiredInputs"] = [each for each in resource.get("requiredInputs", []) if each != name]
    found = differences(members_of_schema(schema)[0], members_of_sdk(sdk)[0])
    assert f"{token} inputs: {name}: the provider lacks it" in found
