"""What a cluster says of its Applications: Argo CD's own words, wave by wave (argo-cd 3.5, v1alpha1)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.cluster import Cluster
from terp.model import Model

GROUP, VERSION, PLURAL = "argoproj.io", "v1alpha1", "applications"
API_VERSION, APPLICATION = f"{GROUP}/{VERSION}", "Application"
WAVE = "argocd.argoproj.io/sync-wave"
REFRESH = "argocd.argoproj.io/refresh"
"""Annotation by which a comparison is asked for; Argo CD takes it away when that is done."""
FAILED = ("Failed", "Error")
"""Phases of an operation that has ended badly."""
COMMIT = 40
"""Digits of a commit; a version is shorter."""


class SeenObject(Model):
    """An object that an Application has made."""

    version: str
    kind: str
    namespace: str
    name: str


class SeenApplication(Model):
    """An Application as the API has it; `message` says what holds it, and nothing when it is well.

    `revisions` are by repository those that it shall have. `version` is that of its chart, or a commit's
    first digits. `read` is the commit that Argo CD has compared it with, of an only source. `synced`
    says that the last operation has succeeded, `failed` that it has not, which Argo CD leaves at that for
    the same revision, `behind` that a running one is not for what it shall have now, `held_back` that it
    cannot be deleted as one runs.
    """

    name: str
    wave: int
    version: str = ""
    health: str
    sync: str
    message: str
    revisions: Mapping[str, str] = {}
    read: str = ""
    synced: bool = False
    failed: bool = False
    behind: bool = False
    held_back: bool = False
    objects: tuple[SeenObject, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it is what git says, and works: as Argo CD judges it with our settings."""
        return not self.message


def applications(cluster: Cluster) -> tuple[SeenApplication, ...]:
    """All Applications but the root, by wave and name; none of a cluster that does not know the kind."""
    listed = cluster.listed(API_VERSION, APPLICATION, NAMESPACE)
    found = (seen(each) for each in listed if each["metadata"]["name"] != ROOT)
    return tuple(sorted(found, key=lambda each: (each.wave, each.name)))


def root(cluster: Cluster) -> SeenApplication | None:
    """The root Application, if it is there."""
    found = cluster.read(API_VERSION, APPLICATION, ROOT, NAMESPACE)
    return seen(found) if found else None


def seen(application: Mapping[str, Any]) -> SeenApplication:
    """One Application."""
    metadata, status = application["metadata"], application.get("status", {})
    sources = application.get("spec", {}).get("sources", ())
    revisions = {each["repoURL"]: str(each["targetRevision"]) for each in sources}
    version = next(iter(revisions.values()), "")
    return SeenApplication(
        name=metadata["name"],
        wave=int(metadata.get("annotations", {}).get(WAVE, 0)),
        version=version[:7] if len(version) == COMMIT else version,
        health=status.get("health", {}).get("status", "Unknown"),
        sync=status.get("sync", {}).get("status", "Unknown"),
        message="; ".join(_what_holds(application)),
        revisions=revisions,
        read=next(iter(status.get("sync", {}).get("revisions", ())), ""),
        behind=_is_behind(application),
        held_back="deletionTimestamp" in metadata and "operation" in application,
        synced=status.get("operationState", {}).get("phase") == "Succeeded",
        failed=status.get("operationState", {}).get("phase") in FAILED and "operation" not in application,
        objects=tuple(_objects(status.get("resources", ()))),
    )


def _is_behind(application: Mapping[str, Any]) -> bool:
    """Whether the operation that runs is for other sources or commits than those of the last comparison."""
    status = application.get("status", {})
    operation, compared = status.get("operationState", {}), status.get("sync", {})
    should = (
        ("sources", application.get("spec", {}).get("sources")),
        ("revisions", compared.get("revisions")),
    )
    others = any(_is_for(operation, name) not in (None, value) for name, value in should)
    return bool(operation.get("phase") == "Running" and others)


def _is_for(operation: Mapping[str, Any], name: str) -> object:
    """What an operation was asked for, or has begun with if it names nothing; None before that.

    Ours names nothing, and one that is tried again no revisions.
    """
    asked, begun = operation.get("operation", {}).get("sync", {}), operation.get("syncResult") or {}
    return asked.get(name, begun.get(name))


def _what_holds(application: Mapping[str, Any]) -> Iterator[str]:
    """Argo CD's complaints, and the first of what its judgement asks for that is not so."""
    status = application.get("status", {})
    operation, sync, health = (status.get(each, {}) for each in ("operationState", "sync", "health"))
    if REFRESH in application["metadata"].get("annotations", {}):
        yield "to be compared again"
    yield from (each["message"] for each in status.get("conditions", ()) if each["type"].endswith("Error"))
    if sync.get("comparedTo", {}).get("sources", ()) != application.get("spec", {}).get("sources", ()):
        yield "not compared with its sources yet"
    elif operation.get("phase") != "Succeeded":
        yield f"sync {operation.get('phase', 'not begun')}: {operation.get('message', '')}".rstrip(": ")
    elif sync.get("status") != "Synced":
        yield f"is {sync.get('status', 'Unknown')}"
    elif health.get("status") != "Healthy":
        yield f"is {health.get('status', 'Unknown')}: {health.get('message', '')}".rstrip(": ")


def _objects(resources: Iterable[Mapping[str, Any]]) -> Iterator[SeenObject]:
    for each in resources:
        group, version = each.get("group", ""), each.get("version", "")
        yield SeenObject(
            version=f"{group}/{version}" if group else version,
            kind=each["kind"],
            namespace=each.get("namespace", ""),
            name=each["name"],
        )
