"""Kubernetes itself: which one, who installs it, how it is secured."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from pydantic import Field

from terp.environment.fields import (
    AnsibleTag,
    Certificates,
    Commit,
    Cpu,
    DomainName,
    Http,
    Https,
    Ipv4,
    Ipv6,
    Json,
    KubernetesVersion,
    KubesprayTag,
    Origin,
    Percent,
    Quantity,
    Reference,
    Registry,
    Seconds,
    Threshold,
    VariableName,
)
from terp.environment.kubespray import SOURCE, known_kubernetes
from terp.model import Model

EMBEDDED_VERSIONS = ("1.36.3", "1.35.4")
"""Kubernetes versions that the embedded installer builds, its default first."""


class Kubespray(Model):
    """Which Kubespray, and where it comes from."""

    version: KubesprayTag = Field(
        "v2.31.0",
        title="Release",
        description="Tag; of a tree of your own the release that it is made from.",
        examples=["v2.31.0"],
    )
    source: Reference = Field(
        SOURCE,
        title="Source",
        description="Git repository, or a folder or archive (.tar.gz) of this machine.",
        examples=["https://git.example.org/kubespray.git"],
    )
    commit: Commit | None = Field(
        None,
        title="Commit",
        description="What the tag must stand at; of a release that Terp knows, the one that it knows.",
        examples=["1c9add48975060f45396b34d8e022c30d7f80dab"],
    )
    skip_tags: tuple[AnsibleTag, ...] = Field(
        (),
        title="Left out",
        description="Tags of tasks that no run does, such as the installation of packages that images have.",
        examples=[["system-packages"]],
    )
    mitogen: bool = Field(
        True,
        title="Mitogen",
        description="Run tasks with Mitogen: the same tasks, in less time.",
        examples=[False],
    )


class PodNetworking(Model):
    """How pods reach each other. MTUs follow from `network.mtu`."""

    plugin: Literal["calico", "cilium", "flannel"] = Field(
        "calico", title="Plugin", description="Network plugin (CNI).", examples=["cilium"]
    )
    proxy: Literal["ipvs", "iptables", "nftables"] = Field(
        "ipvs",
        title="kube-proxy mode",
        description="What kube-proxy makes of Services; with the embedded installer always nftables.",
        examples=["nftables"],
    )
    node_prefix: Annotated[int, Field(ge=16, le=28, json_schema_extra={"unit": "bits"})] = Field(
        24,
        title="Node prefix",
        description="Prefix of each node's part of network.kubernetes.pods.",
        examples=[25],
    )
    node_prefix_ipv6: Annotated[int, Field(ge=64, le=124, json_schema_extra={"unit": "bits"})] = Field(
        120,
        title="Node prefix, IPv6",
        description="Prefix of each node's part of network.kubernetes.pods_ipv6.",
        examples=[120],
    )


class RegistryMirrors(Model):
    """Mirrors of one registry, which containerd asks before the registry itself."""

    mirrors: tuple[Http, ...] = Field(
        title="Mirrors",
        description="Their addresses, in the order in which they are asked.",
        min_length=1,
        examples=[["https://mirror.example.org"]],
    )
    verify: bool = Field(
        True, title="Verify", description="Whether their certificates must be right.", examples=[False]
    )


class Hardening(Model):
    """What is made safer than Kubernetes' own defaults; each part has its switch."""

    audit: bool = Field(
        True, title="Audit log", description="Who did what, on the control plane's disks.", examples=[False]
    )
    encryption: bool = Field(
        True,
        title="Encryption at rest",
        description="Secrets in etcd are encrypted (secretbox); the key stands in the stack's state.",
        examples=[False],
    )
    tls_minimum: Literal["1.2", "1.3"] = Field(
        "1.2", title="Oldest TLS", description="Of the control plane and of kubelets.", examples=["1.3"]
    )
    without_profiling: bool = Field(
        True,
        title="No profiling",
        description="The control plane shows no profiles of itself.",
        examples=[False],
    )
    local_components: bool = Field(
        True,
        title="Local components",
        description="Controller manager and scheduler listen on their own host alone.",
        examples=[False],
    )
    event_rate_limit: bool = Field(
        True, title="Event rate limit", description="Floods of events are cut off.", examples=[False]
    )
    pod_security: Literal["privileged", "baseline", "restricted"] = Field(
        "baseline",
        title="Pod security",
        description="Standard that namespaces without a label of their own enforce; kube-system is exempt.",
        examples=["restricted"],
    )
    seccomp: bool = Field(
        True, title="seccomp", description="Pods get the runtime's seccomp profile.", examples=[False]
    )
    strict_kubelet: bool = Field(
        True,
        title="Strict kubelet",
        description="Idle streams end after 5 minutes, and a kubelet sends 1 event a second at most.",
        examples=[False],
    )
    kubelet_certificates: bool = Field(
        True,
        title="Certificates of kubelets",
        description="Signed by the cluster and rotated, instead of made by each kubelet for itself.",
        examples=[False],
    )
    kubelet_firewall: bool = Field(
        True,
        title="Firewall of kubelets",
        description="Kubelets talk to the ranges of nodes, pods and Services alone (systemd).",
        examples=[False],
    )


class Oidc(Model):
    """People's logins through an identity provider (OpenID Connect)."""

    url: Https = Field(
        title="Issuer",
        description="Address of the provider.",
        examples=["https://login.example.org/realms/ml"],
    )
    client_id: Reference = Field(
        title="Client", description="Id that tokens must be made for.", examples=["kubernetes"]
    )
    username_claim: Reference = Field(
        "sub",
        title="Claim of the user",
        description="Claim of a token that names the user.",
        examples=["email"],
    )
    username_prefix: Reference = Field(
        "oidc:", title="Prefix of users", description="Stands before their names.", examples=["oidc:"]
    )
    groups_claim: Reference = Field(
        "groups",
        title="Claim of groups",
        description="Claim of a token that lists groups.",
        examples=["groups"],
    )
    groups_prefix: Reference = Field(
        "oidc:", title="Prefix of groups", description="Stands before their names.", examples=["oidc:"]
    )
    ca: Certificates | None = Field(
        None,
        title="CA",
        description="PEM certificates that the provider's is checked by; the nodes' own when absent.",
        examples=["-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n"],
    )


class Upgrade(Model):
    """How nodes are upgraded."""

    serial: Percent = Field(
        "20%",
        title="Workers at once",
        description="Part of the workers that is upgraded together.",
        examples=["10%"],
    )
    drain_timeout: Seconds = Field(
        360, title="Drain timeout", description="How long the pods of a node may take to go.", examples=[900]
    )
    drain_grace_period: Seconds = Field(
        300, title="Grace period", description="What each pod gets to end in peace.", examples=[60]
    )


class OpenstackIntegration(Model):
    """What Kubernetes asks of OpenStack: addresses of nodes, load balancers, volumes."""

    credential: Reference = Field(
        title="Credential",
        description="Entry of clouds.yaml with an application credential for the cluster alone.",
        examples=["production-cluster"],
    )
    cloud_controller: bool = Field(
        True,
        title="Cloud controller",
        description="Tells nodes their addresses and zones, and makes load balancers for Services.",
        examples=[False],
    )
    cinder_csi: bool = Field(
        True, title="Cinder CSI", description="Makes Cinder volumes for claims.", examples=[False]
    )


class Dns(Model):
    """Names inside the cluster."""

    domain: DomainName = Field(
        "cluster.local", title="Domain", description="Of Services and pods.", examples=["cluster.local"]
    )
    upstream: tuple[Ipv4 | Ipv6, ...] = Field(
        (),
        title="Upstream",
        description="Resolvers for all other names; network.dns_servers when empty, else those of the nodes.",
        examples=[["10.0.0.53"]],
    )
    node_cache: bool = Field(
        True, title="Node cache", description="Whether each node has a cache of names.", examples=[False]
    )


class Resources(Model):
    """Resources of a node that pods do not get."""

    cpu: Cpu = Field(title="CPU", description="Processors.", examples=["500m"])
    memory: Quantity = Field(title="Memory", description="Bytes.", examples=["512Mi"])


class Eviction(Model):
    """What a node must have left, or pods are evicted. The defaults are those of Kubernetes."""

    memory: Threshold = Field("100Mi", title="Memory", description="Available memory.", examples=["500Mi"])
    disk: Threshold = Field(
        "10%", title="Disk", description="Room where the kubelet keeps its files.", examples=["5%"]
    )
    inodes: Threshold = Field(
        "5%", title="Inodes", description="Free inodes where the kubelet keeps its files.", examples=["5%"]
    )
    image_disk: Threshold = Field(
        "15%", title="Disk of images", description="Room where containerd keeps images.", examples=["10%"]
    )


class Kubelet(Model):
    """What each node has for pods."""

    max_pods: Annotated[int, Field(ge=10, le=1000, json_schema_extra={"unit": "pods"})] = Field(
        110, title="Most pods", description="Pods of one node.", examples=[200]
    )
    reserved_for_kubernetes: Resources = Field(
        Resources(cpu="100m", memory="256Mi"),
        title="Reserved for Kubernetes",
        description="For kubelet and containerd.",
    )
    reserved_for_system: Resources = Field(
        Resources(cpu="500m", memory="512Mi"),
        title="Reserved for the system",
        description="For everything else that is no pod.",
    )
    eviction: Eviction = Field(
        Eviction(), title="Eviction", description="What a node must have left, or pods are evicted."
    )


class Kubernetes(Model):
    """Which Kubernetes, how it is installed and secured."""

    installer: Literal["kubespray", "embedded", "none"] = Field(
        "kubespray",
        title="Installer",
        description="Kubespray; Terp's own, for the embedded cloud alone; or none: hosts without Kubernetes.",
        examples=["embedded"],
    )
    version: KubernetesVersion | None = Field(
        None,
        title="Kubernetes version",
        description="The default of the installer when absent; it then changes with the installer.",
        examples=["1.35.4"],
    )
    kubespray: Kubespray = Field(
        Kubespray(), title="Kubespray", description="Which Kubespray, and where it comes from."
    )
    network: PodNetworking = Field(
        PodNetworking(), title="Pod networking", description="How pods reach each other."
    )
    mirror: Origin | None = Field(
        None,
        title="Offline mirror",
        description="Address of what `terp mirror` makes: files and images for nodes without the internet.",
        examples=["http://10.0.0.80:8080"],
    )
    registries: dict[Registry, RegistryMirrors] = Field(
        {},
        title="Registry mirrors",
        description="By registry, as in names of images.",
    )
    hardening: Hardening = Field(
        Hardening(), title="Hardening", description="What is made safer; each part has its switch."
    )
    oidc: Oidc | None = Field(
        None, title="OIDC", description="People's logins; certificates alone when absent."
    )
    upgrade: Upgrade = Field(Upgrade(), title="Upgrade", description="How nodes are upgraded.")
    openstack: OpenstackIntegration | None = Field(
        None, title="OpenStack", description="What Kubernetes asks of OpenStack; nothing when absent."
    )
    dns: Dns = Field(Dns(), title="DNS", description="Names inside the cluster.")
    kubelet: Kubelet = Field(Kubelet(), title="Kubelet", description="What each node has for pods.")
    vars: dict[VariableName, Json] = Field(
        {},
        title="Variables",
        description="Further variables of Kubespray; those that Terp sets itself have keys of their own.",
        examples=[{"metrics_server_enabled": True}],
    )


def kubernetes_version(kubernetes: Kubernetes) -> str | None:
    """The version that is installed: what the file says, else the installer's default if that is known."""
    known = installable(kubernetes)
    return kubernetes.version or (known[0] if known else None)


def installable(kubernetes: Kubernetes) -> tuple[str, ...]:
    """The versions that the installer is known to install, its default first."""
    if kubernetes.installer == "embedded":
        return EMBEDDED_VERSIONS
    return known_kubernetes(kubernetes.kubespray.version)


def upstream_resolvers(
    kubernetes: Kubernetes, of_the_nodes: tuple[IPv4Address | IPv6Address, ...]
) -> tuple[IPv4Address | IPv6Address, ...]:
    """Who answers for names outside the cluster; those of the nodes' subnet when the file names no others."""
    return kubernetes.dns.upstream or of_the_nodes
