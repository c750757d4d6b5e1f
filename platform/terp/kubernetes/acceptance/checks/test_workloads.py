"""What people run there works: pods, Services, names, NetworkPolicies, volumes."""

from contextlib import suppress
from ipaddress import IPv4Address

import pytest

from terp.kubernetes.acceptance import judgement, workloads
from terp.kubernetes.acceptance.api import Api, SilentError, wait
from terp.kubernetes.acceptance.dns import Answer
from terp.kubernetes.acceptance.pods import Caller, Image, Server, run_pod
from terp.kubernetes.acceptance.workloads import DIRECT, THROUGH_SERVICE

PATIENCE = 30.0
"""Seconds until what was just made works everywhere."""
NEW_FLOW = 2.0
"""Seconds after which the caller asks with a new flow."""
API_NAME = "kubernetes.default.svc"


def test_a_pod_is_scheduled_and_runs(server: Server) -> None:
    """In a namespace for restricted pods."""
    assert server.node


def test_pods_on_two_nodes_reach_each_other(server: Server, caller: Caller) -> None:
    """Directly, at the address of the pod."""
    if server.node == caller.node:
        pytest.skip(f"both pods are on {server.node}, the only node that would take them")
    wait(f"an answer from {server.node} to {caller.node}", lambda: caller.hears(f"a.{DIRECT}"), PATIENCE)


def test_a_service_answers(caller: Caller) -> None:
    """At its address in the cluster, from a pod."""
    wait("an answer of the Service", lambda: caller.hears(f"a.{THROUGH_SERVICE}"), PATIENCE)


def test_names_are_resolved(api: Api, caller: Caller) -> None:
    """By the cluster's DNS, from a pod: the name of the API's own Service."""
    name = f"{API_NAME}.{judgement.domain_of(api.dns_configuration())}"
    right = Answer(code="NOERROR", addresses=(IPv4Address(api.service_address("kubernetes", "default")),))
    with suppress(SilentError):
        wait("the cluster's DNS", lambda: caller.ask(name) == right, PATIENCE)
    said = caller.ask(name)
    assert said == right, f"{name}: {said or 'no answer'}, not {right}"


def test_network_policies_are_enforced(api: Api, namespace: str, server: Server, caller: Caller) -> None:
    """A policy without rules cuts a pod off, and one with a rule lets its caller through."""
    name = f"a.{DIRECT}"
    wait("an answer before there is a policy", lambda: caller.hears(name), PATIENCE)
    policy = workloads.network_policy(server.name, [])
    api.networking.create_namespaced_network_policy(namespace, policy)
    try:
        wait("the pod to be cut off", lambda: not caller.hears(name), PATIENCE, NEW_FLOW)
    except SilentError:
        if judgement.enforcer(api.daemon_sets()):
            raise
        pytest.skip(
            "nothing that is known to enforce NetworkPolicies is installed, and they are not enforced"
        )
    else:
        allowing = workloads.network_policy(server.name, [caller.name])
        api.networking.replace_namespaced_network_policy(server.name, namespace, allowing)
        wait("the caller to be let through", lambda: caller.hears(name), PATIENCE, NEW_FLOW)
    finally:
        api.networking.delete_namespaced_network_policy(server.name, namespace)


def test_a_volume_is_bound_and_mounted(api: Api, namespace: str, image: Image) -> None:
    """Made for a claim, and attached to the node of its pod."""
    chosen = judgement.storage_class(api.storage_classes())
    if chosen is None:
        pytest.skip("no StorageClass makes volumes")
    name = "volume"
    claim = workloads.claim(name, chosen.name)
    api.core.create_namespaced_persistent_volume_claim(namespace, claim)
    run_pod(api, namespace, name, image, workloads.server_corefile(), claim=name)
    bound = api.core.read_namespaced_persistent_volume_claim(name, namespace).status.phase
    assert bound == "Bound", f"the claim of {chosen.name} is {bound}"
