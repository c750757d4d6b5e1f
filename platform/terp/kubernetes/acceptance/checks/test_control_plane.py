"""The control plane is alive and ready, etcd is healthy, and the pods of the system run."""

import pytest

from terp.kubernetes.acceptance import judgement
from terp.kubernetes.acceptance.api import SYSTEM, Api, wait
from terp.kubernetes.acceptance.model import Target
from terp.kubernetes.observation import look_at

TO_SETTLE = 60.0
"""Seconds that pods of the system may take after what has just been run."""


def test_the_api_is_alive_and_ready(api: Api) -> None:
    """With all its parts, etcd among them."""
    wrong = judgement.endpoint(api.said("/livez?verbose")) + judgement.endpoint(api.said("/readyz?verbose"))
    assert not wrong, "; ".join(wrong)


def test_every_member_of_etcd_is_healthy(target: Target) -> None:
    """As etcd says itself, on a host of the control plane."""
    if not target.nodes:
        pytest.skip("etcd is asked over SSH, and the kubeconfig alone does not say where")
    asked = [node for node in target.nodes if "control-plane" in node.roles]
    seen = look_at(asked, target.jump, target.private_key).observation.etcd_members
    assert not (wrong := judgement.etcd_members(target.nodes, seen)), "; ".join(wrong)


def test_the_pods_of_the_system_run(api: Api) -> None:
    """Each of them, and as many as there should be."""

    def wrong() -> list[str]:
        return [*judgement.system_pods(api.pods(SYSTEM).values()), *api.short_of_pods()]

    try:
        wait("the pods of the system", lambda: not wrong(), TO_SETTLE, 2)
    finally:
        assert not (found := wrong()), "; ".join(found)
