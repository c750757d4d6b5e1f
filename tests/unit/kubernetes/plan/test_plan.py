"""Each kind of change, with its exact runs (tests/golden/plan)."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml
from tests.unit.kubernetes.plan.clusters import GPU, RELEASES, also, node, nodes, seen, state

from terp.kubernetes.model import ClusterState, Node, Observation, Run
from terp.kubernetes.plan import Plan, UnsafeChangeError, plan

THREE = "cp-0 cp-1 cp-2 cpu-0 cpu-1"
SMALL = "cp-0 cpu-0 cpu-1"


class Case:
    """A change; `observed` is what is seen before it."""

    def __init__(
        self,
        before: ClusterState | None,
        after: ClusterState,
        observed: Observation | None = None,
        *attempts: ClusterState,
    ) -> None:
        self.before = before
        self.after = after
        there = {each.name for each in after.nodes}
        self.observed = observed or also(seen(before or after), *there)
        self.attempts = attempts

    def plan(self) -> Plan:
        return plan(self.before, self.after, self.observed, attempts=self.attempts, releases=RELEASES)


def labelled(text: str, **labels: str) -> tuple[Node, ...]:
    *others, last = nodes(text)
    return (*others, last.model_copy(update={"labels": labels}))


def tainted(text: str) -> tuple[Node, ...]:
    *others, last = nodes(text)
    return (*others, last.model_copy(update={"taints": (GPU,)}))


small, three = state(SMALL), state(THREE)
old = state(SMALL, installer_version="v2.29.1", kubernetes_version="1.33.5")
half = seen(old).model_copy(
    update={
        "api_nodes": {
            name: each.model_copy(update={"version": "1.34.3" if name != "cpu-1" else "1.33.7"})
            for name, each in (seen(old).api_nodes or {}).items()
        }
    }
)

CASES = {
    "create": Case(None, small, Observation(reachable=frozenset({"cp-0", "cpu-0", "cpu-1"}))),
    "create-after-a-broken-creation": Case(None, small, seen(small)),
    "nothing": Case(small, small),
    "add-workers": Case(small, state("cp-0 cpu-0 cpu-1 cpu-2 gpu-0")),
    "remove-workers": Case(small, state("cp-0 cpu-0")),
    "remove-a-dead-worker": Case(small, state("cp-0 cpu-0"), seen(small, silent="cpu-1")),
    "replace-a-worker": Case(small, state("cp-0 cpu-0! cpu-1")),
    "a-worker-that-somebody-deleted": Case(
        small, small, seen(small, api_nodes={k: v for k, v in seen(small).api_nodes.items() if k != "cpu-1"})
    ),
    "a-worker-that-has-left-already": Case(
        small,
        state("cp-0 cpu-0"),
        seen(small, api_nodes={k: v for k, v in seen(small).api_nodes.items() if k != "cpu-1"}),
    ),
    "grow-the-control-plane": Case(small, state("cp-0 cpu-0 cpu-1 cp-1 cp-2")),
    "shrink-the-control-plane": Case(three, state("cp-0 cpu-0 cpu-1")),
    "replace-a-dead-control-plane": Case(three, state("cp-0 cp-1! cp-2 cpu-0 cpu-1")),
    "replace-the-dead-first-control-plane": Case(three, state("cp-0! cp-1 cp-2 cpu-0 cpu-1")),
    "replace-the-living-first-control-plane": Case(three, state("cp-1 cp-2 cp-3 cpu-0 cpu-1")),
    "etcd-of-its-own": Case(
        None, state([node("cp-0", "control-plane"), *nodes("etcd-0 etcd-1 etcd-2 cpu-0")])
    ),
    "grow-a-control-plane-without-etcd": Case(
        state([node("cp-0", "control-plane"), *nodes("etcd-0 cpu-0")]),
        state([node("cp-0", "control-plane"), node("cp-1", "control-plane"), *nodes("etcd-0 cpu-0")]),
    ),
    "remove-a-dead-etcd-member": Case(
        state([node("cp-0", "control-plane"), *nodes("etcd-0 etcd-1 etcd-2 cpu-0")]),
        state([node("cp-0", "control-plane"), *nodes("etcd-0 etcd-1 etcd-2! cpu-0")]),
    ),
    "change-the-api-server": Case(small, state(SMALL, variables={"kube_oidc_auth": True})),
    "change-the-kubelet": Case(small, state(SMALL, variables={"kubelet_max_pods": 200})),
    "change-an-add-on": Case(small, state(SMALL, variables={"coredns_replicas": 3})),
    "change-something-unknown": Case(small, state(SMALL, variables={"of_a_newer_release": 1})),
    "change-what-only-runs-read": Case(small, state(SMALL, variables={"drain_timeout": "60s"})),
    "set-and-remove-labels": Case(
        state(labelled(SMALL, old="1", same="1")), state(labelled(SMALL, new="1", same="1"))
    ),
    "set-a-taint": Case(small, state(tainted(SMALL))),
    "remove-a-taint": Case(state(tainted(SMALL)), small),
    "certificates-end-soon": Case(small, small, seen(small, certificate_days={"cp-0": 12})),
    "upgrade-by-a-patch": Case(state(SMALL, kubernetes_version="1.35.0"), small),
    "upgrade-over-two-releases": Case(old, small),
    "upgrade-that-broke-off": Case(old, small, half),
    "settings-after-a-run-that-broke-off": Case(
        small, small, None, state(SMALL, variables={"kube_oidc_auth": True})
    ),
    "a-growth-that-is-taken-back": Case(small, small, seen(state(f"{SMALL} cp-1 cp-2")), three, small),
    "a-growth-that-was-taken-back-and-not-settled": Case(small, small, seen(small), three, small),
    "a-growth-that-broke-off": Case(
        small,
        state(f"{SMALL} cp-1 cp-2"),
        also(seen(state("cp-0 cp-1 cpu-0 cpu-1")), "cp-2"),
        state(f"{SMALL} cp-1 cp-2"),
    ),
    "everything-together": Case(
        state(THREE, kubernetes_version="1.34.7"),
        state("cp-0 cp-1! cp-2 cpu-0 gpu-0", variables={"kube_oidc_auth": True}),
    ),
}


def shown(run: Run) -> dict[str, Any]:
    """A run as a person reviews it; the inventory by names."""
    said = run.model_dump(mode="json", exclude_defaults=True)
    said["nodes"] = " ".join(each.name for each in run.nodes)
    for key in ("hosts", "limit", "tags"):
        if key in said:
            said[key] = " ".join(said[key])
    return said


def shown_state(of: ClusterState | None) -> dict[str, Any] | None:
    if of is None:
        return None
    lines = [f"{each.name} ({', '.join(each.roles)})" for each in of.nodes]
    return {"versions": f"{of.installer_version}, Kubernetes {of.kubernetes_version}", "nodes": lines}


@pytest.mark.parametrize("name", CASES)
def test_a_change_needs_exactly_these_runs(name: str, golden: Callable[[str, str], None]) -> None:
    case = CASES[name]
    found = case.plan()
    text = yaml.safe_dump(
        {
            "before": shown_state(case.before),
            "after": shown_state(found.state),
            "runs": [shown(run) for run in found.runs],
        },
        sort_keys=False,
        width=110,
    )
    golden(f"plan/{name}.yaml", text)
    assert {each.name for each in found.state.nodes} == {each.name for each in case.after.nodes}


def playbooks(runs: Iterable[Run]) -> list[str]:
    return [run.playbook or run.kind for run in runs]


def test_a_worker_leaves_while_its_host_is_in_the_inventory() -> None:
    leave = CASES["remove-workers"].plan().runs[-1]
    assert leave.playbook == "remove-node.yml"
    assert "cpu-1" in {each.name for each in leave.nodes}


def test_what_the_control_plane_reads_is_never_left_to_cluster_yml() -> None:
    assert playbooks(CASES["change-the-api-server"].plan().runs) == [
        "playbooks/facts.yml",
        "snapshot",
        "upgrade-cluster.yml",
    ]


broken = seen(three, silent="cp-1 cp-2")
REFUSED = {
    "a certificate that has ended": (
        Case(small, small, seen(small, certificate_days={"cp-0": -1})),
        "the certificate of the API server on cp-0 has ended",
    ),
    "a version that goes back": (
        Case(small, state(SMALL, kubernetes_version="1.34.7")),
        "Kubernetes would go from 1.35.4 back to 1.34.7",
    ),
    "a release that nobody knows between": (
        Case(state(SMALL, installer_version="v2.26.0", kubernetes_version="1.30.1"), small),
        "no known release leads from Kubernetes 1.30.1",
    ),
    "another installer": (Case(small, state(SMALL, installer="embedded")), "was made by kubespray"),
    "another network plugin": (
        Case(small, state(SMALL, variables={"kube_network_plugin": "cilium"})),
        "kube_network_plugin cannot change on a living cluster: 'calico' -> 'cilium'",
    ),
    "an even number of members": (Case(small, state("cp-0 cp-1 cpu-0")), "etcd would have 2 members"),
    "no control plane": (Case(small, state([*nodes("etcd-0 cpu-0")])), "no node has the control plane"),
    "a name twice": (Case(small, state("cp-0 cpu-0 cpu-0")), "named twice: cpu-0"),
    "a quorum that is lost": (
        Case(three, state("cp-0 cp-1! cp-2! cpu-0 cpu-1"), broken),
        "etcd has lost its quorum: 1 of 3 members answer",
    ),
    "the only control plane made anew": (
        Case(small, state("cp-0! cpu-0 cpu-1")),
        "no node of the control plane would stay",
    ),
    "a member that leaves while another is ill": (
        Case(
            state("cp-0 cp-1 cp-2 cp-3 cp-4 cpu-0"),
            state("cp-0 cp-1 cp-2 cpu-0"),
            seen(state("cp-0 cp-1 cp-2 cp-3 cp-4 cpu-0"), silent="cp-1 cp-2"),
        ),
        "etcd would lose its quorum without",
    ),
    "new members while one is ill": (
        Case(
            three,
            state("cp-0 cp-1 cp-2 cp-3 cp-4 cpu-0 cpu-1"),
            also(seen(three, silent="cp-2"), "cp-3", "cp-4"),
        ),
        "etcd's members cp-2 are not healthy",
    ),
    "a host that does not answer": (
        Case(small, state("cp-0 cpu-0 cpu-1 cpu-2"), also(seen(small, silent="cpu-0"), "cpu-2")),
        "cpu-0 does not answer SSH",
    ),
    "a creation with a silent host": (
        Case(None, small, Observation(reachable=frozenset({"cp-0"}))),
        "cpu-0, cpu-1: no answer to SSH",
    ),
    "an API that does not answer": (
        Case(small, state("cp-0 cpu-0"), seen(small, api_nodes=None)),
        "the API does not answer",
    ),
    "another key on the hosts": (
        Case(
            state(SMALL, secrets={"ca.key": "aa"}),
            state(SMALL, secrets={"ca.key": "aa"}),
            seen(small, fingerprints={"ca.key": "bb"}),
        ),
        "the hosts have another ca.key than the one that is kept",
    ),
    "another encryption key": (
        Case(
            state(SMALL, secrets={"kube_encrypt_token": "aa"}),
            state(SMALL, secrets={"kube_encrypt_token": "bb"}),
        ),
        "kube_encrypt_token would change",
    ),
    "a worker that becomes a control plane": (
        Case(
            state([*nodes("cp-0 cpu-0 cpu-1")]),
            state([*nodes("cp-0 cpu-0"), node("cpu-1", "control-plane", "worker")]),
        ),
        "cpu-1 would be control-plane, worker, and is worker",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_safe_is_refused(name: str) -> None:
    case, message = REFUSED[name]
    with pytest.raises(UnsafeChangeError) as refused:
        case.plan()
    assert message in refused.value.message
    assert refused.value.hint
    assert refused.value.exit_code == 2
