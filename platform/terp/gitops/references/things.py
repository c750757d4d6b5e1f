"""What can be referred to, and how manifests are read."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
"""An object as it is rendered."""
BUILT_IN = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""API groups of Kubernetes itself (1.36); every other needs a CRD."""
EVERYWHERE = "*"
"""In place of a namespace: in each."""


class Thing(NamedTuple):
    """An object by kind, namespace and name; a kind of others than Kubernetes has its group with it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = self.kind.partition(".")[0]
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


class Reference(NamedTuple):
    """A thing that an object needs; `patient` when it waits for it without harm."""

    where: str
    thing: Thing
    patient: bool


def kind_of(manifest: Manifest) -> str:
    """`Deployment`, or with its group `Certificate.cert-manager.io`."""
    group = manifest.get("apiVersion", "").rpartition("/")[0]
    kind: str = manifest.get("kind", "")
    return kind if group in BUILT_IN else f"{kind}.{group}"


def name_of(manifest: Manifest) -> str:
    """Its name; empty while the API server would make one."""
    return str(at(manifest, "metadata.name") or "")


def namespace_of(manifest: Manifest, default: str) -> str:
    """Its namespace, that of the Application when it names none."""
    return str(at(manifest, "metadata.namespace") or default)


def at(node: Any, path: str) -> Any:  # noqa: ANN401 - whatever stands there
    """What stands at `spec.issuerRef.name`; none when the way ends before."""
    for step in path.split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def each(node: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 - whatever stands there
    """The members of the list at a path."""
    found = at(node, path)
    yield from found if isinstance(found, list) else ()


POD_TEMPLATES = {
    "Pod": "spec",
    "Deployment": "spec.template.spec",
    "StatefulSet": "spec.template.spec",
    "DaemonSet": "spec.template.spec",
    "ReplicaSet": "spec.template.spec",
    "Job": "spec.template.spec",
    "CronJob": "spec.jobTemplate.spec.template.spec",
}


def pod_of(manifest: Manifest) -> Any:  # noqa: ANN401 - a pod's specification, or none
    """The specification of the pods that an object makes."""
    path = POD_TEMPLATES.get(kind_of(manifest))
    return at(manifest, path) if path else None


def without_nulls(node: Any) -> Any:  # noqa: ANN401 - whatever is there
    """As the API server takes it: what is null is not there. A CRD that is new has such conditions."""
    if isinstance(node, Mapping):
        return {key: without_nulls(each) for key, each in node.items() if each is not None}
    return [without_nulls(each) for each in node] if isinstance(node, list) else node
