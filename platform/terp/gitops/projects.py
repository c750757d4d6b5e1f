"""AppProjects: each layer may do what its components are known to do, and no more."""

from collections.abc import Mapping
from typing import get_args

from terp.gitops.argo import Destination, GroupKind, ProjectSpec
from terp.gitops.component import Component, Layer

DESCRIPTIONS: Mapping[str, str] = {
    "system": "What everything else stands on: kinds, certificates, policies, hardware, Argo CD itself.",
    "network": "The mesh, and the way in.",
    "data": "Databases, object storage, secrets, images, backups.",
    "identity": "Logins.",
    "observability": "Metrics and logs.",
    "machine-learning": "Kubeflow.",
    "store": "What teams can have beside.",
}
ADMISSION = "admissionregistration.k8s.io"
RBAC = "rbac.authorization.k8s.io"
ALWAYS = ("Namespace", f"ClusterRole.{RBAC}", f"ClusterRoleBinding.{RBAC}")
CRD = "CustomResourceDefinition.apiextensions.k8s.io"


def projects(
    components: Mapping[str, Component], repositories: Mapping[str, tuple[str, ...]]
) -> dict[str, ProjectSpec]:
    """The project of each layer; `repositories` says where the components come from that are selected.

    Rights do not end with a selection: Argo CD leaves behind what the project does not permit it to delete.
    """
    layers = {layer: {n: c for n, c in components.items() if c.layer == layer} for layer in get_args(Layer)}
    return {layer: _project(layer, found, repositories) for layer, found in layers.items() if found}


def _project(
    layer: str, found: Mapping[str, Component], repositories: Mapping[str, tuple[str, ...]]
) -> ProjectSpec:
    namespaces = {name for each in found.values() for name in (each.namespace, *each.namespaces)}
    kinds = {kind for each in found.values() for kind in cluster_kinds(each)}
    return ProjectSpec(
        description=DESCRIPTIONS[layer],
        source_repos=tuple(sorted({url for name in found for url in repositories.get(name, ())})),
        destinations=tuple(Destination(namespace=name) for name in sorted(namespaces)),
        cluster_resource_whitelist=tuple(
            GroupKind(group=group, kind=kind)
            for kind, _, group in sorted(each.partition(".") for each in kinds)
        ),
    )


def cluster_kinds(component: Component) -> tuple[str, ...]:
    """`Kind.group` of all that a component may make outside of namespaces."""
    webhooks = (f"{each.capitalize()}WebhookConfiguration.{ADMISSION}" for each in component.webhooks)
    return (*ALWAYS, *((CRD,) if component.crds else ()), *webhooks, *component.cluster_kinds)
