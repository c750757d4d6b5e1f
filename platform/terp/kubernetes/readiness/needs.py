"""What a run needs of its hosts, from the cluster's group variables (Kubespray's names)."""

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from terp.model import Model

Plugin = Literal["calico", "cilium", "flannel"]
Installer = Literal["kubespray", "embedded", "none"]
NETWORKS = {
    "kube_pods_subnet": "pods",
    "kube_service_addresses": "Services",
    "kube_pods_subnet_ipv6": "pods",
    "kube_service_addresses_ipv6": "Services",
}
FILES = {"github_url": "https://github.com", "dl_k8s_io_url": "https://dl.k8s.io"}
"""Where every Kubespray takes files from, unless a variable leads elsewhere."""
REGISTRIES = {
    "registry.k8s.io": "https://registry.k8s.io",
    "quay.io": "https://quay.io",
    "docker.io": "https://registry-1.docker.io",
}
"""Where every Kubespray takes images from, unless containerd has mirrors of them."""
FSYNC = 0.010
"""Seconds within which etcd wants 99 % of its writes on the disk (etcd, "Hardware recommendations")."""
FSYNC_EMBEDDED = 0.100
"""On a machine that is a whole cloud: the heartbeat of etcd, above which members lose each other."""


class Needs(Model):
    """What a run needs of its hosts.

    `networks` are of pods and Services; `members` the hosts that are nodes of this cluster already, with all
    that it left on them. `urls` is what every host must reach, by whether its certificate must be right,
    through `proxy` if there is one; `fsync` is in seconds. Without a `plugin` pods travel by plain routes.
    """

    networks: tuple[tuple[str, IPv4Network | IPv6Network], ...] = ()
    members: frozenset[str] = frozenset()
    urls: Mapping[str, bool] = {}
    proxy: str = ""
    plugin: Plugin | None = None
    fsync: float = FSYNC
    cgroup_v1: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What every host must resolve; behind a proxy nothing."""
        hosts = (urlsplit(url).hostname or "" for url in self.urls)
        return () if self.proxy else tuple(dict.fromkeys(hosts))


def needs_of(
    variables: Mapping[str, JsonValue], installer: Installer, members: Collection[str] = ()
) -> Needs:
    """The needs of a run with these variables.

    Kubespray downloads and makes tunnels; the embedded installer copes with what its hosts lack.
    """
    networks = tuple(
        (name, ip_network(str(variables[key]))) for key, name in NETWORKS.items() if variables.get(key)
    )
    if installer == "none":
        return Needs(networks=networks, members=frozenset(members))
    if installer == "embedded":
        return Needs(networks=networks, members=frozenset(members), fsync=FSYNC_EMBEDDED, cgroup_v1=True)
    return Needs.model_validate(
        {
            "networks": networks,
            "members": frozenset(members),
            "urls": {**_files(variables), **_registries(variables)},
            "proxy": str(variables.get("https_proxy") or variables.get("http_proxy") or ""),
            "plugin": variables.get("kube_network_plugin"),
            # A template is not True: it asks each host.
            "cgroup_v1": variables.get("kubelet_fail_cgroup_v1", True) is not True,
        }
    )


def _files(variables: Mapping[str, JsonValue]) -> dict[str, bool]:
    return {str(variables.get(name) or address): True for name, address in FILES.items()}


def _first(registry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What containerd asks first for the images of a registry: a mirror, or what stands in its place."""
    if mirrors := registry.get("mirrors"):
        return mirrors[0]  # type: ignore[no-any-return]
    return {"host": registry["server"]} if "server" in registry else None


def _registries(variables: Mapping[str, JsonValue]) -> dict[str, bool]:
    """The first address that containerd asks for each registry."""
    chosen: Any = variables.get("containerd_registries_mirrors") or ()
    mirrored = {each["prefix"]: mirror for each in chosen if (mirror := _first(each))}
    found = {}
    for registry, address in REGISTRIES.items():
        mirror = mirrored.get(registry)
        url = mirror["host"] if mirror else address
        found[f"{url.rstrip('/')}/v2/"] = not (mirror and mirror.get("skip_verify"))
    return found
