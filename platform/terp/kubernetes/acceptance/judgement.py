"""What the answers of a cluster mean: pure functions. They return what is wrong, or nothing."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from terp.kubernetes.model import Node, SeenNode
from terp.model import Model

SKEW = 3
"""Minor versions that a kubelet may be behind the API (Kubernetes, "Version Skew Policy")."""
ENFORCING = re.compile(r"calico|cilium|canal|antrea|kube-router|weave|network-?polic(?:y|ies)|ovn|romana")
"""Names of DaemonSets of those that enforce NetworkPolicies."""
DOMAIN = "cluster.local"
"""What everybody takes who does not say otherwise."""
STATIC = "no-provisioner"
"""How the provisioner of a StorageClass ends that makes no volumes."""


class SeenPod(Model):
    """A pod: its phase, whether it is ready, and why not."""

    name: str
    phase: str
    ready: bool
    reason: str = ""


class Storage(Model):
    """A StorageClass."""

    name: str
    provisioner: str
    default: bool


def members(wanted: Sequence[Node], seen: Mapping[str, SeenNode]) -> list[str]:
    """Hosts that are no nodes, and nodes that are no hosts; those of etcd alone are none."""
    names = {node.name for node in wanted if set(node.roles) != {"etcd"}}
    missing = [f"{name} is not a node" for name in sorted(names - set(seen))]
    return [*missing, *(f"{name} is a node, and no host of the stack" for name in sorted(set(seen) - names))]


def readiness(seen: Mapping[str, SeenNode]) -> list[str]:
    """Nodes that are not Ready."""
    return [f"{name} is not Ready" for name, node in sorted(seen.items()) if not node.ready] + (
        [] if seen else ["there are no nodes"]
    )


def versions(api: str, seen: Mapping[str, SeenNode], wanted: str) -> list[str]:
    """Versions that are not the wanted one; without one, kubelets that do not go with the API."""
    if wanted:
        all_have = {"the API": api, **{name: node.version for name, node in sorted(seen.items())}}
        return [
            f"{name} has {version}, not {wanted}" for name, version in all_have.items() if version != wanted
        ]
    least, most = _minor(api) - SKEW, _minor(api)
    return [
        f"{name} has {node.version}, which does not go with the API's {api}"
        for name, node in sorted(seen.items())
        if not least <= _minor(node.version) <= most
    ]


def endpoint(said: str) -> list[str]:
    """Parts of `/livez?verbose` or `/readyz?verbose` that are not ok."""
    lines = said.splitlines()
    if not any(line.startswith("[+]") for line in lines):
        return [said.strip() or "it says nothing"]
    return [line.removeprefix("[-]") for line in lines if line.startswith("[-]")]


def system_pods(pods: Collection[SeenPod]) -> list[str]:
    """Pods of the system that neither run nor have done their work."""
    if not pods:
        return ["there are none"]
    return [
        f"{pod.name}: {pod.reason or pod.phase}"
        for pod in sorted(pods, key=lambda each: each.name)
        if not (pod.ready or pod.phase == "Succeeded")
    ]


def etcd_members(wanted: Sequence[Node], healthy: Mapping[str, bool]) -> list[str]:
    """Members that are not healthy, and how many are missing or too many."""
    hosts = sum("etcd" in node.roles for node in wanted)
    counted = [] if len(healthy) == hosts else [f"{len(healthy)} members on {hosts} hosts"]
    return [*counted, *(f"{name} is not healthy" for name, well in sorted(healthy.items()) if not well)]


def image_of_dns(pods: Iterable[tuple[str, str]]) -> str:
    """The image of the cluster's DNS, of pods as (name, image); empty when it has none."""
    return next((image for name, image in sorted(pods) if "coredns" in f"{name} {image}"), "")


def domain_of(corefile: str) -> str:
    """The domain of the cluster, of the configuration of its CoreDNS."""
    found = re.search(r"^\s*kubernetes\s+([a-z0-9.-]+)", corefile, re.MULTILINE)
    return found[1].rstrip(".") if found else DOMAIN


def having(image: str, images: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Nodes that have an image, of the names of images by node."""
    return tuple(node for node, names in sorted(images.items()) if image in names)


def enforcer(daemon_sets: Iterable[str]) -> str:
    """What enforces NetworkPolicies in a cluster, by the names of its DaemonSets; empty if not known."""
    return next((name for name in sorted(daemon_sets) if ENFORCING.search(name)), "")


def storage_class(classes: Iterable[Storage]) -> Storage | None:
    """The one to try: the default, else the first that makes volumes."""
    making = [each for each in classes if not each.provisioner.endswith(STATIC)]
    return min(making, key=lambda each: (not each.default, each.name), default=None)


def _minor(version: str) -> int:
    return int(version.split(".")[1])
