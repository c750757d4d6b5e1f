"""Kubernetes: versions that there are, what an installer can do, nodes with room for their pods, logins."""

from collections.abc import Iterator

from terp.environment.environment import Environment
from terp.environment.findings import Finding, Key
from terp.environment.kubernetes import Kubernetes, PodNetworking, installable
from terp.environment.kubespray import SOURCE, known_commit, known_releases

EMBEDDED = "embedded"
"""The installer, and the cloud that it is for."""
SYSTEM = "system:"
"""Begins the names of users and groups that Kubernetes itself gives."""


def the_kubernetes_version_can_be_installed(environment: Environment) -> Iterator[Finding]:
    """It is among those that the installer has checksums or programs for."""
    kubernetes = environment.kubernetes
    known = installable(kubernetes)
    if kubernetes.installer == "none":
        return
    if not known and not kubernetes.version:
        release = kubernetes.kubespray.version
        yield Finding(
            key=("kubernetes", "version"),
            message=f"is missing: Terp does not know what Kubespray {release} installs",
            suggestion=f"a version of its checksums.yml; Terp knows {', '.join(known_releases())}",
        )
    elif known and kubernetes.version and kubernetes.version not in known:
        yield Finding(
            key=("kubernetes", "version"),
            message=f"{_installer(kubernetes)} does not install Kubernetes {kubernetes.version}",
            suggestion=f'did you mean "{_nearest(kubernetes.version, known)}"? There is {_spans(known)}',
        )


def _installer(kubernetes: Kubernetes) -> str:
    if kubernetes.installer == EMBEDDED:
        return "the embedded installer"
    return f"Kubespray {kubernetes.kubespray.version}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))


def _nearest(version: str, known: tuple[str, ...]) -> str:
    """The newest of the nearest minor version."""
    minor = _numbers(version)[1]
    return min(
        known, key=lambda each: (abs(_numbers(each)[1] - minor), -_numbers(each)[1], -_numbers(each)[2])
    )


def _spans(known: tuple[str, ...]) -> str:
    """`1.34.0 to 1.34.7, 1.35.0 to 1.35.4`."""
    ordered = sorted(known, key=_numbers)
    spans: dict[tuple[int, ...], list[str]] = {}
    for each in ordered:
        spans.setdefault(_numbers(each)[:2], []).append(each)
    return ", ".join(
        dict.fromkeys(" to ".join(dict.fromkeys((span[0], span[-1]))) for span in spans.values())
    )


def the_commit_is_that_of_the_tag(environment: Environment) -> Iterator[Finding]:
    """Of upstream's own repository Terp knows where a tag stands."""
    kubespray = environment.kubernetes.kubespray
    known = known_commit(kubespray.version)
    if kubespray.source == SOURCE and known and kubespray.commit not in {None, known}:
        yield Finding(
            key=("kubernetes", "kubespray", "commit"),
            message="this is not the commit of",
            other=("kubernetes", "kubespray", "version"),
            value=kubespray.version,
            suggestion=f"{known}; or a kubespray.source of your own",
        )


def the_embedded_installer_is_for_the_embedded_cloud(environment: Environment) -> Iterator[Finding]:
    """It makes concessions to hosts without a kernel of their own, and promises nothing elsewhere."""
    if environment.kubernetes.installer == EMBEDDED and environment.cloud.name != EMBEDDED:
        yield Finding(
            key=("kubernetes", "installer"),
            message=f'"{EMBEDDED}" is for the embedded cloud alone; the cloud here is',
            other=("cloud", "name"),
            value=environment.cloud.name,
            suggestion='did you mean "kubespray"?',
        )


def the_embedded_installer_has_what_is_asked(environment: Environment) -> Iterator[Finding]:
    """Its pod network is its own, it downloads nothing, and moves no addresses."""
    kubernetes = environment.kubernetes
    if kubernetes.installer != EMBEDDED:
        return
    asked: list[tuple[Key, bool, str]] = [
        (
            ("kubernetes", "network", "plugin"),
            kubernetes.network.plugin != PodNetworking().plugin,
            "the embedded installer has a pod network of its own; chosen by",
        ),
        (
            ("kubernetes", "mirror"),
            kubernetes.mirror is not None,
            "the embedded installer downloads nothing that a mirror could have; chosen by",
        ),
        (
            ("access", "api", "endpoint"),
            environment.access.api.endpoint == "virtual-ip",
            "the embedded installer has no kube-vip to move the address; chosen by",
        ),
    ]
    for key, wrong, message in asked:
        if wrong:
            yield Finding(
                key=key,
                message=message,
                other=("kubernetes", "installer"),
                value=EMBEDDED,
                suggestion="leave it out; or installer: kubespray",
            )


def the_pods_of_a_node_have_addresses(environment: Environment) -> Iterator[Finding]:
    """Each node's part of the pods' range holds as many as a kubelet takes."""
    most, prefix = environment.kubernetes.kubelet.max_pods, environment.kubernetes.network.node_prefix
    room = (1 << (32 - prefix)) - 2
    if most > room:
        yield Finding(
            key=("kubernetes", "kubelet", "max_pods"),
            message=f"{most} pods of a node would have {room} addresses, by",
            other=("kubernetes", "network", "node_prefix"),
            value=f"/{prefix}",
            suggestion=f"node_prefix: {32 - (most + 1).bit_length()}; or {room} pods at most",
        )


def pods_end_before_a_drain_does(environment: Environment) -> Iterator[Finding]:
    """A drain that gives up earlier fails although nothing is wrong."""
    upgrade = environment.kubernetes.upgrade
    if upgrade.drain_grace_period > upgrade.drain_timeout:
        yield Finding(
            key=("kubernetes", "upgrade", "drain_grace_period"),
            message=f"pods get {upgrade.drain_grace_period} s, and the drain gives up before, by",
            other=("kubernetes", "upgrade", "drain_timeout"),
            value=f"{upgrade.drain_timeout} s",
            suggestion=f"drain_timeout: {upgrade.drain_grace_period + 60}",
        )


def logins_are_told_apart(environment: Environment) -> Iterator[Finding]:
    """A provider's users and groups never bear names of Kubernetes' own."""
    oidc = environment.kubernetes.oidc
    for name in ("username_prefix", "groups_prefix"):
        if oidc and str(getattr(oidc, name)).startswith(SYSTEM):
            yield Finding(
                key=("kubernetes", "oidc", name),
                message=f'names that begin with "{SYSTEM}" are Kubernetes\' own: they have its rights',
                suggestion='a prefix of your own, for example "oidc:"',
            )


def the_cluster_has_a_credential_of_its_own(environment: Environment) -> Iterator[Finding]:
    """It lies on nodes: one that can do less than Terp's, and is taken back alone."""
    openstack, cloud = environment.kubernetes.openstack, environment.cloud
    if openstack and openstack.credential == cloud.name != EMBEDDED:
        yield Finding(
            key=("kubernetes", "openstack", "credential"),
            message="the cluster would have Terp's own credential, that of",
            other=("cloud", "name"),
            value=cloud.name,
            suggestion=f"another entry of clouds.yaml, for example {cloud.name}-cluster",
        )


KUBERNETES = (
    the_kubernetes_version_can_be_installed,
    the_commit_is_that_of_the_tag,
    the_embedded_installer_is_for_the_embedded_cloud,
    the_embedded_installer_has_what_is_asked,
    the_pods_of_a_node_have_addresses,
    pods_end_before_a_drain_does,
    logins_are_told_apart,
    the_cluster_has_a_credential_of_its_own,
)
