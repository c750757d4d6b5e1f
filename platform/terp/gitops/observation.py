"""What a cluster says of its Applications: Argo CD's own words, wave by wave (argo-cd 3.5, v1alpha1)."""

from collections.abc import Mapping
from typing import Any

from kubernetes.client import ApiException

from terp.kubernetes.acceptance.api import Api
from terp.model import Model

GROUP, VERSION, PLURAL = "argoproj.io", "v1alpha1", "applications"
WAVE = "argocd.argoproj.io/sync-wave"
NOT_FOUND = 404


class SeenApplication(Model):
    """An Application as the API has it; `message` says what holds it, if anything does."""

    name: str
    wave: int
    health: str
    sync: str
    message: str

    @property
    def well(self) -> bool:
        """Whether it is what git says, and works."""
        return (self.health, self.sync) == ("Healthy", "Synced")


def applications(api: Api) -> tuple[SeenApplication, ...] | None:
    """All Applications, by wave and name; None of a cluster that does not know the kind."""
    try:
        listed = api.objects.list_cluster_custom_object(GROUP, VERSION, PLURAL)
    except ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return tuple(sorted(map(seen, listed["items"]), key=lambda each: (each.wave, each.name)))


def seen(application: Mapping[str, Any]) -> SeenApplication:
    """One Application."""
    metadata, status = application["metadata"], application.get("status", {})
    health, operation = status.get("health", {}), status.get("operationState", {})
    errors = [each["message"] for each in status.get("conditions", ()) if each["type"].endswith("Error")]
    failed = operation.get("phase") in ("Failed", "Error", "Running")
    said = [*errors, operation.get("message", "") if failed else "", health.get("message", "")]
    return SeenApplication(
        name=metadata["name"],
        wave=int(metadata.get("annotations", {}).get(WAVE, 0)),
        health=health.get("status", "Unknown"),
        sync=status.get("sync", {}).get("status", "Unknown"),
        message="; ".join(filter(None, said)),
    )
