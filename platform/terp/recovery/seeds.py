"""Known data in a cluster: planted before it is lost, and looked for when it stands again."""

import base64
import secrets
from collections.abc import Callable
from typing import Any, Literal

from kubernetes.client.exceptions import NotFoundException

from terp.errors import TerpError
from terp.kubernetes.acceptance.api import Api, wait
from terp.kubernetes.acceptance.workloads import Manifest
from terp.model import Model

NAMESPACE = "drill"
CLAIM = "data"
VOLUME = f"{NAMESPACE}/{CLAIM}"
"""The volume of the claim, as `terp destroy --keep-data` calls it."""
FILE = "/data/known"
"""A file system in a file: the images at hand have no shell, but programs that write and read this."""
PLUGIN = "/cinder-csi-plugin:"
TO_RUN = 240.0
"""Seconds that a pod has to attach a volume and to end."""
Fate = Literal["survives", "is lost"]


class Seed(Model):
    """One thing that was planted: what shall become of it, and what has."""

    name: str
    expected: Fate
    found: Fate | None = None

    @property
    def right(self) -> bool:
        """Whether it came as it should."""
        return self.found == self.expected


class Seeds:
    """The data of one drill: every value is new, so that no other can be taken for it."""

    def __init__(self, *, volume: bool) -> None:
        """With a `volume` there is a file on one, too."""
        self.volume = volume
        self._value = secrets.token_hex(8)  # ext4: no more than 16 characters in a label

    def plant(self, api: Api) -> None:
        """Before the backup.

        Raises:
            TerpError: a pod with the volume does not run.
        """
        api.core.create_namespace({"metadata": {"name": NAMESPACE}})
        secret = {"metadata": {"name": "known"}, "stringData": {"value": self._value}}
        api.core.create_namespaced_secret(NAMESPACE, secret)
        self._config_map(api, "known")
        if self.volume:
            claim = {
                "metadata": {"name": CLAIM},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
            api.core.create_namespaced_persistent_volume_claim(NAMESPACE, claim)
            _run(api, "writer", "mkfs.ext4", "-q", "-F", "-L", self._value, FILE, "1M")

    def plant_late(self, api: Api) -> None:
        """After the backup."""
        self._config_map(api, "late")

    def look(self, api: Api) -> tuple[Seed, ...]:
        """What has become of each.

        Raises:
            TerpError: a pod with the volume does not run.
        """
        looks: list[tuple[str, Fate, Callable[[], bool]]] = [
            ("Secret", "survives", lambda: self._has_secret(api)),
            ("ConfigMap", "survives", lambda: self._has_config_map(api, "known")),
            ("ConfigMap of after the backup", "is lost", lambda: self._has_config_map(api, "late")),
        ]
        if self.volume:
            looks.append(("file on a kept volume", "survives", lambda: self._has_file(api)))
        return tuple(
            Seed(name=name, expected=expected, found="survives" if there() else "is lost")
            for name, expected, there in looks
        )

    def _config_map(self, api: Api, name: str) -> None:
        api.core.create_namespaced_config_map(
            NAMESPACE, {"metadata": {"name": name}, "data": {"value": self._value}}
        )

    def _has_secret(self, api: Api) -> bool:
        try:
            found = api.core.read_namespaced_secret("known", NAMESPACE)
        except NotFoundException:
            return False
        return bool(_decoded(found.data["value"]) == self._value)

    def _has_config_map(self, api: Api, name: str) -> bool:
        try:
            found = api.core.read_namespaced_config_map(name, NAMESPACE)
        except NotFoundException:
            return False
        return bool(found.data["value"] == self._value)

    def _has_file(self, api: Api) -> bool:
        return f'LABEL="{self._value}"' in _run(api, "reader", "blkid", "--probe", FILE)


def _run(api: Api, name: str, *command: str) -> str:
    """Run a program of the Cinder plugin's image with the claim's volume to its end; what it says."""
    api.core.create_namespaced_pod(NAMESPACE, _pod(api, name, command))

    def phase() -> str:
        return str(api.core.read_namespaced_pod(name, NAMESPACE).status.phase)

    wait(f"pod {name} to end", lambda: phase() in ("Succeeded", "Failed"), TO_RUN)
    said = str(api.core.read_namespaced_pod_log(name, NAMESPACE))
    if phase() != "Succeeded":
        raise TerpError(f"pod {name}: {said}")
    api.core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)
    return said


def _pod(api: Api, name: str, command: tuple[str, ...]) -> Manifest:
    image = next((each for names in api.images().values() for each in names if PLUGIN in each), "")
    if not image:
        raise TerpError("no node has the image of the Cinder plugin")
    container: dict[str, Any] = {
        "name": "only",
        "image": image,
        "imagePullPolicy": "Never",
        "args": [*command],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
        },
    }


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()
