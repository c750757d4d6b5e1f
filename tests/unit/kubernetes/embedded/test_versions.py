"""Which tools make the versions of Kubernetes that the embedded installer offers."""

import pytest

from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.kubernetes.embedded.bundle import COMPONENTS, purpose
from terp.tools.versions import read_versions


@pytest.mark.parametrize("version", EMBEDDED_VERSIONS)
def test_every_version_that_is_offered_has_its_tools(version: str) -> None:
    tools = read_versions().select([purpose(version)])
    assert [tool.version for tool in tools if tool.name.startswith(COMPONENTS)] == [version]
    assert {"etcd", "containerd", "cni-plugins", "coredns", "pause"} <= {tool.name for tool in tools}


def test_one_can_be_upgraded_to_the_next() -> None:
    minors = [int(version.split(".")[1]) for version in EMBEDDED_VERSIONS]
    assert minors == list(range(minors[0], minors[0] - len(minors), -1))
