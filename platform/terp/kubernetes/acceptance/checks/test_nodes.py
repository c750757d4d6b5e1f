"""The nodes are those of the stack, Ready, and of the wanted version."""

import pytest

from terp.kubernetes.acceptance import judgement
from terp.kubernetes.acceptance.api import Api
from terp.kubernetes.acceptance.model import Target


def test_every_host_is_a_node(api: Api, target: Target) -> None:
    """And every node is a host."""
    if not target.nodes:
        pytest.skip("the kubeconfig alone does not say which hosts there should be")
    assert not (wrong := judgement.members(target.nodes, api.nodes())), "; ".join(wrong)


def test_every_node_is_ready(api: Api) -> None:
    """By its condition."""
    assert not (wrong := judgement.readiness(api.nodes())), "; ".join(wrong)


def test_versions_are_as_wanted(api: Api, target: Target) -> None:
    """Of the API, and of each kubelet."""
    wrong = judgement.versions(api.version, api.nodes(), target.kubernetes_version)
    assert not wrong, "; ".join(wrong)
